"""Which tests reach a line, and how long each takes."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import coverage

from mutation import subject
from mutation.mutants import SOURCES, Mutant
from mutation.subject import FILES

_AT_IMPORT = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one run of the suite on the unchanged reference has shown: the tests of each line by
    file, and each test's seconds. ``together`` are those of which the first to run runs all."""

    tests: Mapping[str, Mapping[int, Sequence[str]]]
    seconds: Mapping[str, float]
    together: frozenset[str]

    def tests_of(self, mutant: Mutant) -> frozenset[str]:
        """The tests that run the statement in which the mutant is changed; all of them if it is
        run by an import."""
        by_line = self.tests.get(mutant.path, {})
        found = {test for line in _statement(mutant) for test in by_line.get(line, ())}
        if _AT_IMPORT in found:
            return frozenset(self.seconds)
        return frozenset(found | self.together if found & self.together else found)


def measure(names: Sequence[str], run: Callable[[str], float], together: frozenset[str]) -> Reach:
    """``run`` each of the tests, which gives the seconds it took, and note what it reaches."""
    cover = coverage.Coverage(data_file=None, include=[str(SOURCES / path) for path in FILES])
    cover.start()
    subject.load()
    seconds = {}
    for name in names:
        cover.switch_context(name)
        seconds[name] = run(name)
    cover.stop()
    data = cover.get_data()
    return Reach({path: data.contexts_by_lineno(str(SOURCES / path)) for path in FILES}, seconds, together)


def _statement(mutant: Mutant) -> range:
    """The lines of the innermost statement that the changed line belongs to."""
    return min((lines for lines in _statements(mutant.path) if mutant.line in lines), key=len)


@functools.cache
def _statements(path: str) -> Sequence[range]:
    nodes = ast.walk(ast.parse((SOURCES / path).read_text()))
    return [range(n.lineno, (n.end_lineno or n.lineno) + 1) for n in nodes if isinstance(n, ast.stmt)]
