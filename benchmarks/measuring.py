"""The measurements, each over any ``System``; they run inside a child process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import figures
from benchmarks.systems.protocol import Place, System
from benchmarks.tally import Tally

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A system with the task it is given; ``say`` tells the parent something at once."""

    system: System
    place: Place
    jobs: int
    say: Callable[[str], None]


def job(number: int, sent: int = 0) -> dict[str, Any]:
    """The payload of every job, about 100 bytes; ``sent`` is 0 or a moment of the monotonic clock in ns."""
    return {"n": number, "to": "someone@example.org", "subject": "Hello there, how are you?", "sent": sent}


async def enqueue_one(asked: Measurement) -> Result:
    """Enqueues a second, each awaited before the next."""
    await _set_up(asked)
    began = time.perf_counter()
    for number in range(asked.jobs):
        await asked.system.enqueue_one(job(number))
    return {"value": asked.jobs / (time.perf_counter() - began)}


async def enqueue_together(asked: Measurement) -> Result:
    """Enqueues a second, a hundred calls awaited at a time."""
    await _set_up(asked)
    if not asked.system.together:
        return {"value": None}
    began = time.perf_counter()
    await _fill(asked, asked.jobs)
    return {"value": asked.jobs / (time.perf_counter() - began)}


async def drain(asked: Measurement) -> Result:
    """Handler calls a second from the first to the last of a backlog, with a new worker."""
    tally = Tally(asked.jobs)
    await asked.system.setup(asked.place, tally.hit)
    await _fill(asked, asked.jobs)
    await asked.system.start_worker()
    await tally.complete()
    return {"value": tally.rate}


async def latency(asked: Measurement) -> Result:
    """Milliseconds from the enqueue to the handler's first line, both in this process."""
    tally = Tally(asked.jobs, figures.LATENCY_WARM_UP)
    await asked.system.setup(asked.place, tally.hit)
    await asked.system.start_worker()
    await _trickle(asked)
    await tally.complete()
    return {"values": tally.latencies_ms}


async def latency_worker(asked: Measurement) -> Result:
    """The worker's side of a latency across two processes."""
    tally = Tally(asked.jobs, figures.LATENCY_WARM_UP)
    await asked.system.setup(asked.place, tally.hit)
    await asked.system.start_worker()
    asked.say("ready")
    await tally.complete()
    return {"values": tally.latencies_ms}


async def latency_client(asked: Measurement) -> Result:
    """The client's side of a latency across two processes."""
    await asked.system.setup(asked.place, _never)
    await _trickle(asked)
    return {}


TASKS: dict[str, Callable[[Measurement], Awaitable[Result]]] = {
    "enqueue_one": enqueue_one,
    "enqueue_together": enqueue_together,
    "drain_10": drain,
    "drain_100": drain,
    "latency": latency,
    "latency_worker": latency_worker,
    "latency_client": latency_client,
}


async def _set_up(asked: Measurement) -> None:
    await asked.system.setup(asked.place, _never)
    for number in range(figures.WARM_UP):
        await asked.system.enqueue_one(job(number))


async def _fill(asked: Measurement, jobs: int) -> None:
    for first in range(0, jobs, figures.TOGETHER):
        await asked.system.enqueue_together([job(first + i) for i in range(figures.TOGETHER)])


async def _trickle(asked: Measurement) -> None:
    for number in range(figures.LATENCY_WARM_UP + asked.jobs):
        await asyncio.sleep(figures.LATENCY_GAP_S)
        await asked.system.enqueue_one(job(number, time.monotonic_ns()))


def _never(sent: int) -> None:
    """Taskiq in memory runs its jobs while they are enqueued; whoever counts none has nothing to do."""
