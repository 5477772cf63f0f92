"""Batcher: a lone item is flushed by its own submitter, and nobody suffers from that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from nq_conformance.contract import ClosedError
from nq_reference.batcher import Batcher

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The batcher runs on asyncio alone."""
    return "asyncio"


class Backend:
    """Doubles numbers; notes each batch and the task it came in, and holds it until the gate is open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.tasks: list[asyncio.Task[object] | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def flush(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.tasks.append(asyncio.current_task())
        await self.gate.wait()
        return [2 * item for item in items]


async def lonely(backend: Backend) -> Batcher[int, int]:
    """A batcher whose last flush was of one item, so that it expects no company; its gate is shut."""
    batcher = Batcher(backend.flush)
    assert await batcher.submit(1) == 2
    backend.gate.clear()
    return batcher


async def test_after_a_lone_item_the_next_is_flushed_in_its_submitters_task() -> None:
    """That saves the task which would look for company."""
    backend = Backend()
    batcher = await lonely(backend)
    backend.gate.set()
    assert await batcher.submit(2) == 4
    assert backend.tasks[1] is asyncio.current_task()


async def test_what_comes_during_a_lone_flush_goes_together() -> None:
    """Those that pile up behind it share the next flush, and then company is expected again."""
    backend = Backend()
    batcher = await lonely(backend)
    calls = [asyncio.create_task(batcher.submit(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0)
    backend.gate.set()
    assert await asyncio.gather(*calls) == [4, 6, 8]
    assert await asyncio.gather(*(batcher.submit(n) for n in (5, 6))) == [10, 12]
    assert backend.batches == [[1], [2], [3, 4], [5, 6]]


async def test_a_lone_submitter_that_is_cancelled_takes_nobody_along() -> None:
    """What waited for the end of its flush is flushed nevertheless."""
    backend = Backend()
    batcher = await lonely(backend)
    lone, behind = (asyncio.create_task(batcher.submit(n)) for n in (2, 3))
    await asyncio.sleep(0)
    lone.cancel()
    backend.gate.set()
    assert await behind == 6
    assert lone.cancelled()


async def test_closing_waits_for_a_lone_flush() -> None:
    """It gives its result; what waited behind it raises a closed error."""
    backend = Backend()
    batcher = await lonely(backend)
    lone, behind = (asyncio.create_task(batcher.submit(n)) for n in (2, 3))
    await asyncio.sleep(0)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    assert not closing.done()
    backend.gate.set()
    await closing
    assert await lone == 4
    with pytest.raises(ClosedError):
        await behind
