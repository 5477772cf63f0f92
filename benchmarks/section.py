"""One section of a run: the systems of one backend, measured side by side, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.environments import Environments
from benchmarks.figures import Backend
from benchmarks.grounds import Ground, ground
from benchmarks.page import head
from benchmarks.rounds import Rounds, Samples
from benchmarks.systems import Entry
from benchmarks.table import table
from nq_conformance.services.errors import ServiceError

TITLES: dict[Backend, str] = {
    "redis": "Redis",
    "postgres": "Postgres",
    "sqlite": "SQLite",
    "file": "Files",
    "memory": "In memory",
}
"""The sections, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a section; ``text`` is empty where nothing could be measured."""

    samples: Samples
    text: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The ``entries`` of ``backend``, to be measured ``rounds`` times."""

    backend: Backend
    entries: Sequence[Entry]
    environments: Environments
    rounds: int
    yards: list[float] = field(default_factory=list)

    def measure(self) -> Measured:
        """Measure; what can't be is named in ``failures``."""
        try:
            with ground(self.backend) as there:
                self._look_at(there)
                samples = Rounds(self.environments, self.entries, there).run(self.rounds)
                self._look_at(there)
                return Measured(samples, self._text(samples, there))
        except ServiceError as error:
            return Measured(Samples(failures=[f"{self.backend}: {error}"]))

    def _look_at(self, there: Ground) -> None:
        if there.yardstick is not None:
            self.yards.append(there.yardstick())

    def _text(self, samples: Samples, there: Ground) -> str:
        versions = {entry.id: self.environments.version(entry) for entry in self.entries}
        parts = [f"### {TITLES[self.backend]}", self._head(there), table(samples, self.entries, versions)]
        if samples.failures:
            parts.append("\n".join(f"- not measured: {failure}" for failure in samples.failures))
        return "\n\n".join(parts)

    def _head(self, there: Ground) -> str:
        said = head(self.rounds, there.description)
        if not self.yards:
            return said
        return f"{said} {there.measure}: {min(self.yards):,.0f} to {max(self.yards):,.0f}/s."
