"""A queue in memory, and its twin with a journal, keep little of removed jobs, and lose no order."""

from __future__ import annotations

import pytest

from nq_conformance.contract import JobOptions
from nq_reference.job_source import Claim, NewJob
from nq_reference.sources.file.queue import JournaledQueue
from nq_reference.sources.memory import MemoryQueue
from nq_reference.sources.memory.stale import MOST_STALE

CYCLES = 20
IN_A_CYCLE = 500
HOUR_MS = 3_600_000


@pytest.fixture(params=["memory", "file"])
def queue(request: pytest.FixtureRequest) -> MemoryQueue:
    """An empty queue."""
    return MemoryQueue() if request.param == "memory" else JournaledQueue("q", lambda record: None)


def put(queue: MemoryQueue, number: int, *, priority: int = 0, delay: int = 0) -> None:
    """Enqueue the job of this number."""
    new = NewJob(str(number), "n", "1", JobOptions(priority=priority, delay=delay), delay=delay)
    if isinstance(queue, JournaledQueue):
        queue.draft([new])
    queue.add(new)


def take(queue: MemoryQueue, want: int) -> list[int]:
    """Claim, and return the numbers of the jobs in the order in which they would begin."""
    reply = queue.exchange((), Claim(want=want, token="t", lock_duration_ms=1, max_stalled_count=1))
    return [int(job.id) for job in reply.claimed]


@pytest.mark.parametrize("delay", [0, HOUR_MS], ids=["waiting", "delayed"])
def test_what_is_removed_is_let_go_of_long_before_its_turn(queue: MemoryQueue, delay: int) -> None:
    """However many jobs come and are removed, and none of them ever gets to the top."""
    put(queue, 0, priority=0, delay=delay // 2)  # nothing beneath it comes to the top
    for cycle in range(CYCLES):
        numbers = range(1 + cycle * IN_A_CYCLE, 1 + (cycle + 1) * IN_A_CYCLE)
        for number in numbers:
            put(queue, number, priority=1, delay=delay)
        for number in numbers:
            queue.remove(queue.jobs[str(number)])
        assert len(queue._waiting) + len(queue._delayed) <= MOST_STALE + IN_A_CYCLE + 1
    assert list(queue.jobs) == ["0"]


def test_few_are_borne_among_many_that_live(queue: MemoryQueue) -> None:
    """A rebuilding costs as much as the heap is long, so that it has to be worth it."""
    for number in range(3 * MOST_STALE):
        put(queue, number)
    for number in range(MOST_STALE + 1):
        queue.remove(queue.jobs[str(number)])
    assert len(queue._waiting) == 3 * MOST_STALE


def test_a_rebuilt_heap_has_the_order_it_had(queue: MemoryQueue) -> None:
    """By priority, then by the length of the wait."""
    count = 3 * MOST_STALE
    for number in range(count):
        put(queue, number, priority=number % 7)
    kept = [number for number in range(count) if number % 3 == 0]
    for number in set(range(count)) - set(kept):
        queue.remove(queue.jobs[str(number)])
    assert len(queue._waiting) < count, "it was not rebuilt"
    assert take(queue, count) == sorted(kept, key=lambda number: (number % 7, number))


def test_jobs_that_fall_due_after_a_rebuilding_are_in_order(
    queue: MemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By due time, then as they were enqueued."""
    count = 3 * MOST_STALE
    for number in range(count):
        put(queue, number, delay=HOUR_MS + number % 5 * HOUR_MS)
    kept = [number for number in range(count) if number % 3 == 0]
    for number in set(range(count)) - set(kept):
        queue.remove(queue.jobs[str(number)])
    assert len(queue._delayed) < count, "it was not rebuilt"
    assert take(queue, count) == []
    late = max(job.due for job in queue.jobs.values())
    monkeypatch.setattr("nq_reference.sources.memory.queue.now_ms", lambda: late)
    by_due = sorted(kept, key=lambda number: (queue.jobs[str(number)].due, number))
    assert take(queue, count) == by_due
