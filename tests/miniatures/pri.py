"""Wrong priorities on their way; wrong orders of priorities are in ``order``."""

from __future__ import annotations

import heapq

from miniatures.base import Miniature
from nq_reference.job_source import Claim, ClaimedJob
from nq_reference.sources.memory import JobRecord, MemoryQueue


class RetriesIntoThePlainList(Miniature):
    """A job that comes back after a failure has no priority any more."""

    breaks, tells = "PRI-04", "`gate` is 5 and fails once"

    class queue_class(MemoryQueue):
        def put_back(self, job: JobRecord, verb: str) -> None:
            if verb == "retry":
                _wait(self, job, verb, 0)
            else:
                super().put_back(job, verb)


class ForgetsThePriorityOfDelayedJobs(Miniature):
    """A job that was delayed waits behind all others when it is due."""

    breaks, tells = "PRI-04", "0, 1, 3, 5 after a delay"

    class queue_class(MemoryQueue):
        def put_back(self, job: JobRecord, verb: str) -> None:
            if verb == "promote":
                _wait(self, job, verb, 10**6)
            else:
                super().put_back(job, verb)


class FetchesAhead(Miniature):
    """With each claim the worker picks the five jobs that it is going to run next."""

    breaks, tells = "PRI-05", "the third to start, after two jobs that took the slots"

    class queue_class(MemoryQueue):
        def claim(self, claim: Claim, now: int) -> list[ClaimedJob]:
            claimed = super().claim(claim, now)
            if claimed:
                for priority, place, job in heapq.nsmallest(5, self._waiting):
                    if priority >= 0:
                        heapq.heappush(self._waiting, (priority - 10**9, place, job))
            return claimed


def _wait(queue: MemoryQueue, job: JobRecord, verb: str, key: int) -> None:
    heapq.heappush(queue._waiting, (key, job.place, job))
    queue.move(job, verb, "waiting")
    queue.wake()
