"""Object literals of JavaScript are read as JavaScript would, or not at all."""

from __future__ import annotations

import json
import subprocess

import pytest

from nq_reference.registry.literals import LiteralReader
from nq_reference.registry.written import UnreadableError

LITERALS = [
    "{}",
    "[1, -2, 3.5, 1e3, 0xff, 1_000, ]",
    "{ a: true, b: false, c: null, 'd e': [], \"f\": {}, }",
    r"""['\n\t\\\'"', "\u00e4\u{1F600}\x41\0", `back
tick`, 'a\
b']""",
    "{ /* one */ a: // two\n 1, $b_2: [[{}]] }",
]
WRONG = [
    "{ a }",
    "{ a: b }",
    "{ ...c }",
    "{ a: 1 + 1 }",
    "[f()]",
    "{ a: `${b}` }",
    "{ a: 1",
    "1n",
    "'a",
    "[1 2]",
]


@pytest.mark.needs_node
@pytest.mark.parametrize("text", LITERALS)
def test_a_literal_is_what_node_makes_of_it(text: str) -> None:
    """Node itself is asked."""
    script = f"process.stdout.write(JSON.stringify({text}))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert LiteralReader(text, 0).value() == json.loads(done.stdout)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_literal_is_refused_at_its_line(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UnreadableError) as raised:
        LiteralReader(f"\n{text}", 1).value()
    assert raised.value.line == 2
