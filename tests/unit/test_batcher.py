"""Batcher: what is submitted together travels together, and nobody waits for company."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from nq_conformance.contract import ClosedError
from nq_reference.batcher import Batcher, BatchLimit

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """The batcher runs on asyncio alone."""
    return "asyncio"


class Backend:
    """Doubles numbers; notes each batch, and holds it until the gate is open."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def flush(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.begun.set()
        await self.gate.wait()
        if 13 in items:
            raise RuntimeError("the backend refuses 13")
        return [2 * item for item in items]


async def test_items_of_one_turn_go_together() -> None:
    """Three submitters at once are one flush, each with its own result."""
    backend = Backend()
    batcher = Batcher(backend.flush)
    assert await asyncio.gather(*(batcher.submit(n) for n in (1, 2, 3))) == [2, 4, 6]
    assert backend.batches == [[1, 2, 3]]


async def test_what_comes_during_a_flush_goes_with_the_next() -> None:
    """A lone item is flushed at once; those that pile up behind it share the second flush."""
    backend = Backend()
    backend.gate.clear()
    batcher = Batcher(backend.flush)
    first = asyncio.create_task(batcher.submit(1))
    await backend.begun.wait()
    rest = [asyncio.create_task(batcher.submit(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    backend.gate.set()
    await asyncio.gather(first, *rest)
    assert backend.batches == [[1], [2, 3]]


async def test_a_flush_takes_no_more_than_its_limits() -> None:
    """Neither too many items nor too much weight; a single heavy one goes alone."""
    backend = Backend()
    batcher = Batcher(backend.flush, limit=BatchLimit(items=2, weight=10), weigh=lambda item: item)
    await asyncio.gather(*(batcher.submit(n) for n in (1, 2, 3, 99, 4)))
    assert backend.batches == [[1, 2], [3], [99], [4]]


async def test_a_cancelled_submitter_takes_nobody_along() -> None:
    """Its neighbours get their results, whether the flush had begun or not."""
    backend = Backend()
    backend.gate.clear()
    batcher = Batcher(backend.flush)
    begun = [asyncio.create_task(batcher.submit(n)) for n in (1, 2)]
    await backend.begun.wait()
    waiting = [asyncio.create_task(batcher.submit(n)) for n in (3, 4)]
    await asyncio.sleep(0)
    begun[0].cancel()
    waiting[0].cancel()
    backend.gate.set()
    assert list(await asyncio.gather(begun[1], waiting[1])) == [4, 8]
    assert backend.batches == [[1, 2], [4]]


async def test_an_error_reaches_each_of_its_submitters_and_no_other() -> None:
    """A flush that fails fails those in it; the next one is not touched."""
    backend = Backend()
    batcher = Batcher(backend.flush)
    failed = await asyncio.gather(batcher.submit(13), batcher.submit(1), return_exceptions=True)
    assert [str(error) for error in failed] == ["the backend refuses 13"] * 2
    assert await batcher.submit(2) == 4


async def test_closing_fails_what_waits_and_ends_what_is_under_way() -> None:
    """The flush under way gives its result; the rest and later ones raise a closed error."""
    backend = Backend()
    backend.gate.clear()
    batcher = Batcher(backend.flush)
    begun = asyncio.create_task(batcher.submit(1))
    await backend.begun.wait()
    waiting = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    backend.gate.set()
    await closing
    assert await begun == 2
    with pytest.raises(ClosedError, match="nothing of it was stored"):
        await waiting
    with pytest.raises(ClosedError, match="closed"):
        await batcher.submit(3)
