"""Wrong orders."""

from __future__ import annotations

import heapq

from miniatures.base import Miniature
from nq_reference.job_source import Outcome
from nq_reference.sources.memory import JobRecord, MemoryQueue


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
