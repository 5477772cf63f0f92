"""What happened in one test, as data.

Everything that the kit does to an adapter and everything it hears from it becomes an
entry, in the order in which the kit saw it. Tests ask it questions, failures show it as a
timeline, checkers read its facts, which can be stored. It does not judge.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

_LONG_HEX = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{4}[0-9a-f-]{12,28}\b")
"""Generated ids, UUIDs among them: their first eight digits tell the jobs of a test apart."""

EntryKind: TypeAlias = Literal["call", "event", "start", "end", "step", "fault"]
"""``call`` of the adapter, queue ``event`` heard, handler ``start`` and ``end``, ``step`` event,
``fault`` that the kit injected."""
ENTRY_KINDS: tuple[EntryKind, ...] = get_args(EntryKind)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened ``at_ms`` milliseconds after the test began.

    ``label`` is what happened (a method's name, an event's), ``text`` the rest of the line.
    ``data`` is what tests look at: the call's result or error, the event's payload, a run.
    ``facts`` is what checkers look at: JSON values by names that ``history-1.json`` explains.
    A stored history has them, and no ``data``.
    """

    at_ms: float
    kind: EntryKind
    label: str
    queue: str | None = None
    job_id: str | None = None
    text: str = ""
    data: Any = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """The entry on one line, with generated ids cut short."""
        job = f" {self.job_id}" if self.job_id else ""
        queue = f" on {self.queue}" if self.queue else ""
        text = f"  {self.text}" if self.text else ""
        line = f"+{self.at_ms:.0f} ms  {self.kind} {self.label}{job}{queue}{text}"
        return _LONG_HEX.sub(lambda found: f"{found[1]}…", line)


@dataclass(slots=True)
class History:
    """The entries of one test, in order. ``on_add`` is called after each new one."""

    entries: list[Entry] = field(default_factory=list)
    on_add: Callable[[], None] = lambda: None
    _began: float = field(default_factory=time.monotonic)

    def add(  # noqa: PLR0913 - an entry's fields
        self,
        kind: EntryKind,
        label: str,
        *,
        queue: str | None = None,
        job_id: object = None,
        text: str = "",
        data: Any = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Append what happened just now. A ``job_id`` that is no text, which an adapter may hand us,
        names no job: checkers and stored histories know jobs by texts."""
        id = job_id if isinstance(job_id, str) else None
        entry = Entry(self.now_ms(), kind, label, queue, id, text, data, facts or {})
        self.entries.append(entry)
        self.on_add()
        return entry

    def now_ms(self) -> float:
        """Milliseconds since the test began."""
        return (time.monotonic() - self._began) * 1000

    def of(self, kind: EntryKind, label: str | None = None, job_id: str | None = None) -> list[Entry]:
        """The entries of a kind, narrowed by label and job where given."""
        return [
            e
            for e in self.entries
            if e.kind == kind and label in (None, e.label) and job_id in (None, e.job_id)
        ]

    def last_call(self) -> str | None:
        """The latest call of the adapter, as text, or ``None`` before the first."""
        for entry in reversed(self.entries):
            if entry.kind == "call":
                return f"{entry.label}({entry.text})"
        return None

    def timeline(self, jobs: Sequence[object] = (), limit: int = 40) -> list[str]:
        """Readable lines: the entries that name one of ``jobs`` or no job at all, and where
        there are more than ``limit``, the first and last of them."""
        wanted = {job for job in jobs if isinstance(job, str)}  # an adapter's ids may be anything
        shown = [e for e in self.entries if not wanted or e.job_id is None or e.job_id in wanted]
        lines = [entry.line() for entry in shown]
        if len(lines) <= limit:
            return lines
        head, tail = limit * 2 // 3, limit - limit * 2 // 3 - 1
        left_out = f"… {len(lines) - head - tail} entries left out …"
        return [*lines[:head], left_out, *lines[-tail:]]
