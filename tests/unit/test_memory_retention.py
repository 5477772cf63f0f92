"""A queue in memory, and its twin with a journal, drop a long history of ended jobs by and by."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nq_conformance.contract import JobOptions
from nq_reference.job_source import Claim, NewJob, Outcome
from nq_reference.sources.file.queue import JournaledQueue
from nq_reference.sources.memory import MemoryQueue


@pytest.fixture(params=["memory", "file"])
def queue(request: pytest.FixtureRequest) -> MemoryQueue:
    """An empty queue."""
    return MemoryQueue() if request.param == "memory" else JournaledQueue("q", lambda record: None)


def end(queue: MemoryQueue, ids: Sequence[str], keep: int | None) -> None:
    """Enqueue jobs, claim them, and complete them in one call."""
    for id in ids:
        new = NewJob(id, "n", "1", JobOptions())
        if isinstance(queue, JournaledQueue):
            queue.draft([new])
        queue.add(new)
    claim = Claim(want=len(ids), token="t", lock_duration_ms=1, max_stalled_count=1)
    queue.exchange((), claim)
    queue.exchange([Outcome(id, "t", "complete", "1", keep=keep) for id in ids], claim)


def test_a_job_that_ends_takes_a_thousand_along_at_most(queue: MemoryQueue) -> None:
    """The oldest of them; the next that end take the rest (RTY-12)."""
    old = [str(number) for number in range(2_500)]
    end(queue, old, keep=None)
    left = []
    for id in ("a", "b", "c"):
        end(queue, [id], keep=2)
        left.append(list(queue.jobs))
    assert left == [[*old[1_000:], "a"], [*old[2_000:], "a", "b"], ["b", "c"]]


def test_more_than_a_thousand_that_end_in_one_call_leave_the_newest(queue: MemoryQueue) -> None:
    """However many jobs end at once, none is left over where none was before (RTY-12)."""
    end(queue, [str(number) for number in range(1_200)], keep=2)
    assert list(queue.jobs) == ["1198", "1199"]
