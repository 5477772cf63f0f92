"""A history's entries, put together to calls, runs and jobs.

What an entry does not tell (a run without its job's id, say) is left out and counted, so that a
checker can say why it does not know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from nq_conformance.checkers.stories import Call, JobKey, JobStory, Run
from nq_conformance.history import Entry


class Observed:
    """A history, read once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries

    def calls(self, *labels: str) -> list[Call]:
        """The calls with these names."""
        return [call for label in labels for call in self._calls.get(label, ())]

    @cached_property
    def _calls(self) -> dict[str, list[Call]]:
        found = defaultdict(list)
        for entry in self.entries:
            if entry.kind == "call":
                found[entry.label].append(Call(entry))
        return dict(found)

    @cached_property
    def additions(self) -> list[Call]:
        """All calls that may have made jobs, in the order of their ends."""
        found = self.calls("enqueue", "schedule", "enqueue_many")
        return sorted(found, key=lambda call: call.entry.at_ms)

    @cached_property
    def faults(self) -> dict[str, list[Entry]]:
        """By process, when it was killed or frozen."""
        found = defaultdict(list)
        for entry in self.entries:
            if entry.kind == "fault" and entry.label in ("killed", "frozen"):
                found[entry.facts.get("process", entry.text)].append(entry)
        return dict(found)

    def death(self, process: str | None) -> Entry | None:
        """The kill of a process, if there was one."""
        faults = self.faults.get(process, ()) if process else ()
        return next((entry for entry in faults if entry.label == "killed"), None)

    @cached_property
    def runs(self) -> list[Run]:
        """All runs whose job is told, in the order of their starts."""
        ends = {entry.facts.get("run"): entry for entry in self.entries if entry.kind == "end"}
        return [run for entry in self._starts for run in self._run(entry, ends)]

    @cached_property
    def nameless(self) -> int:
        """How many runs do not tell their job or their queue."""
        return len(self._starts) - len(self.runs)

    @cached_property
    def _starts(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == "start"]

    def _run(self, start: Entry, ends: dict[object, Entry]) -> Iterator[Run]:
        queue = start.facts.get("queue")
        if isinstance(queue, str) and start.job_id is not None:
            end, death = ends.get(start.facts.get("run")), self.death(start.facts.get("process"))
            gone = death if death and not (end and end.at_ms < death.at_ms) else None
            yield Run(JobKey(queue, start.job_id), start, end, gone)

    @cached_property
    def jobs(self) -> dict[JobKey, JobStory]:
        """Every job that is named, by the kind of what names it first."""
        found: dict[JobKey, JobStory] = {}

        def story(queue: str | None, id: object) -> JobStory | None:
            if queue is None or not isinstance(id, str):
                return None
            key = JobKey(queue, id)
            return found.setdefault(key, JobStory(key))

        for run in self.runs:
            found.setdefault(run.job, JobStory(run.job)).runs.append(run)
        for entry in self.entries:
            told = story(entry.queue, entry.facts.get("jobId") if entry.label == "get_job" else entry.job_id)
            if told is not None:
                told.take(entry)
        return found
