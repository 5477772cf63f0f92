"""Wrong orders."""

from __future__ import annotations

import heapq
from typing import Any

from miniatures.base import Miniature
from nq_reference.job_source import NewJob, Outcome
from nq_reference.sources.memory import JobRecord, MemoryQueue, MemorySource


class SortsNumbersAsText(Miniature):
    """The tenth job comes before the second."""

    breaks, tells = "ORD-01", "the order in which 37 jobs start"

    class queue_class(MemoryQueue):
        def line_up(self, job: JobRecord, verb: str) -> None:
            self._places += 1
            job.place = int(str(self._places).ljust(8, "0")) * 1000 + self._places
            self.put_back(job, verb)


class WaitsForTheFirstDelayedJob(Miniature):
    """A delayed job is not looked at before those that were delayed earlier."""

    breaks, tells = "ORD-02", "3 runs of the handler"

    class queue_class(MemoryQueue):
        latest = 0

        def delay(self, job: JobRecord, verb: str, due: int) -> None:
            if verb == "enqueue":
                due = self.latest = max(due, self.latest)
            super().delay(job, verb, due)


class SortsEqualDueTimesAsText(Miniature):
    """A sorted set orders members of one score by their text."""

    breaks, tells = "ORD-03", "jobs of one delay start"

    class queue_class(MemoryQueue):
        def delay(self, job: JobRecord, verb: str, due: int) -> None:
            job.due = due
            delayed: Any = self._delayed
            heapq.heappush(delayed, (due, job.id, job))
            self.move(job, verb, "delayed", due)
            self.wake()


class RetriesAtTheHead(Miniature):
    """A failing job keeps its place, and starves the others."""

    breaks, tells = "ORD-04", "the order of attempts"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            if outcome.delay:
                super().retry(job, outcome, now)
            else:
                job.attempts_made += 1
                self.put_back(job, "retry")


class ReversesTheBacklogOnResume(Miniature):
    """The jobs are moved back one by one, from the wrong end."""

    breaks, tells = "ORD-05", "the order of start of a backlog that was held"

    class source_class(MemorySource):
        async def resume(self, queue: str) -> None:
            q = self.queue(queue)
            for _, _, job in q._waiting:
                job.place = -job.place
            q._waiting = [(priority, -place, job) for priority, place, job in q._waiting]
            heapq.heapify(q._waiting)
            await super().resume(queue)


class TakesLatecomersFirst(Miniature):
    """What comes during a pause stands before what the pause held back."""

    breaks, tells = "ORD-05", "the order of start"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            before = self._places
            if self.paused:
                self._places -= 10**9
            super().add(new)
            self._places = before + 1


class TakesTheHighestPriorityNumberFirst(Miniature):
    """As pg-boss does."""

    breaks, tells = "PRI-01", "priorities in the order of start"

    class queue_class(MemoryQueue):
        def put_back(self, job: JobRecord, verb: str) -> None:
            _push(self, job, verb, 10**6 - job.opts.priority if job.opts.priority else 0)


class TakesNoPriorityForTheLowest(Miniature):
    """0 sorts behind all others."""

    breaks, tells = "PRI-02", "the order of start"

    class queue_class(MemoryQueue):
        def put_back(self, job: JobRecord, verb: str) -> None:
            _push(self, job, verb, job.opts.priority or 10**6)


class StacksEqualPriorities(Miniature):
    """Last in, first out among jobs with a priority."""

    breaks, tells = "PRI-03", "[priority, number] in the order of start"

    class queue_class(MemoryQueue):
        def line_up(self, job: JobRecord, verb: str) -> None:
            self._places += 1
            job.place = -self._places if job.opts.priority else self._places
            self.put_back(job, verb)


def _push(queue: MemoryQueue, job: JobRecord, verb: str, key: int) -> None:
    heapq.heappush(queue._waiting, (key, job.place, job))
    queue.move(job, verb, "waiting")
    queue.wake()
