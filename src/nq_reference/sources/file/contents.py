"""What a journal says, once all of its records have been read. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from nq_reference.job_source import Schedule
from nq_reference.sources.file import records
from nq_reference.sources.file.records import CHANGING, Fields, KeptJob, Record


@dataclass(slots=True)
class QueueContents:
    """One queue: its jobs in the order of their creation, its series, its pause."""

    jobs: dict[str, KeptJob] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    paused: bool = False

    def add(self, jobs: list[Fields]) -> None:
        """New jobs; one whose id is kept is left as it is."""
        for fields in jobs:
            job = records.job_of(fields)
            self.jobs.setdefault(job.id, job)

    def move(self, id: str, fields: Fields) -> None:
        """A job as it is from now on."""
        job = self.jobs[id]
        job.state = fields["state"]
        for name, nothing in CHANGING.items():
            setattr(job, name, fields.get(name, nothing))

    def remove(self, id: str) -> None:
        """A job less."""
        self.jobs.pop(id, None)

    def pause(self) -> None:
        """The queue is held."""
        self.paused = True

    def resume(self) -> None:
        """It is held no longer."""
        self.paused = False

    def series(self, fields: Fields) -> None:
        """A series was put; a known one keeps its progress."""
        series = records.series_of(fields)
        known = self.schedules.get(series.id)
        if known is not None:
            series = replace(series, next_at=known.next_at, runs=known.runs)
        self.schedules[series.id] = series

    def end(self, id: str) -> None:
        """A series less."""
        self.schedules.pop(id, None)

    def fire(self, id: str, next_at: int, following: int | None, job: Fields) -> None:
        """A series made a job, if it still stood at ``next_at``."""
        known = self.schedules.get(id)
        if known is None or known.next_at != next_at:
            return
        if following is None:
            del self.schedules[id]
        else:
            self.schedules[id] = replace(known, next_at=following, runs=known.runs + 1)
        self.add([job])


_VERBS: dict[str, Callable[..., None]] = {
    "add": QueueContents.add,
    "move": QueueContents.move,
    "remove": QueueContents.remove,
    "pause": QueueContents.pause,
    "resume": QueueContents.resume,
    "series": QueueContents.series,
    "end": QueueContents.end,
    "fire": QueueContents.fire,
}


class Contents:
    """The queues of a journal, by name."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueContents] = {}

    def apply(self, record: Record) -> bool:
        """Take in one record; ``False`` if it makes no sense here.

        That is so for a move of a job whose own record was damaged, and of nothing else that
        this version has written.
        """
        verb, queue, *rest = record
        if verb == "journal":
            return True
        found = self.queues.setdefault(queue, QueueContents()) if isinstance(queue, str) else None
        apply: Any = _VERBS.get(verb) if isinstance(verb, str) else None
        if found is None or apply is None:
            return False
        try:
            apply(found, *rest)
        except (KeyError, TypeError, AttributeError):
            return False
        return True
