"""Calls that are made at the same time share one round trip; a lone call waits for nobody.

What is submitted in one turn of the event loop, or while a flush is under way, goes with
the next flush. Once a flush had nothing but one item, the next item is taken for a lone one
too, and is flushed without a look for company: a caller that enqueues one by one would
otherwise spend a quarter of its time on that. Knows nothing of what is flushed or where to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from nq_conformance.contract import ClosedError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """How much one flush takes: so many items, and items of so much weight (one at least)."""

    items: int = 1000
    weight: int = 4 * 1024 * 1024


class Batcher(Generic[T, R]):
    """Hands items to ``flush`` in batches, in the order of submission, one flush at a time.

    ``flush`` is given the items and returns a result for each, in order. It runs in a task of
    its own, or for a lone item in that of its submitter, so that a submitter that is cancelled
    takes nobody along. ``weigh`` tells an item's weight, for ``limit``.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        limit: BatchLimit = BatchLimit(),
        weigh: Callable[[T], int] = lambda _: 0,
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._weigh = weigh
        self._pending: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._lone: asyncio.Future[None] | None = None  # pending while a lone item is flushed
        self._expects_company = True
        self._closed = False

    async def submit(self, item: T) -> R:
        """The result for ``item``, once the flush it goes with is done.

        Raises what that flush raised, ``ClosedError`` when closed. An item whose submitter is
        cancelled before its flush begins is left out.
        """
        if self._closed:
            raise ClosedError("closed: nothing more can be submitted")
        idle = self._task is None and self._lone is None
        if idle and not self._expects_company:
            return await self._flush_lone(item)
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._pending.append((item, future))
        if idle:
            self._start()
        return await future

    async def close(self) -> None:
        """Fail what has not been flushed with ``ClosedError``, wait for the flush under way. Idempotent."""
        self._closed = True
        self._fail_pending(
            ClosedError("closed before this was sent to the backend; nothing of it was stored")
        )
        under_way = {each for each in (self._task, self._lone) if each is not None}
        if under_way:
            await asyncio.wait(under_way)

    async def _flush_lone(self, item: T) -> R:
        self._lone = lone = asyncio.get_running_loop().create_future()
        try:
            (result,) = await self._flush((item,))
            return result
        finally:
            self._lone = None
            lone.set_result(None)
            self._expects_company = bool(self._pending)
            if self._pending:
                self._start()

    def _start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="nq-batcher")

    async def _run(self) -> None:
        try:
            while batch := self._take():
                self._expects_company = len(batch) > 1
                await self._flush_batch(batch)
        finally:
            self._task = None
            self._fail_pending(ClosedError("the event loop is ending; nothing of this was stored"))

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        weight = 0
        while self._pending and len(batch) < self._limit.items:
            item, future = self._pending[0]
            if not future.done():
                weight += self._weigh(item)
                if batch and weight > self._limit.weight:
                    break
                batch.append((item, future))
            self._pending.popleft()
        return batch

    async def _flush_batch(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
            answers = list(zip((future for _, future in batch), results, strict=True))
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # it belongs to the submitters
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in answers:
            if not future.done():
                future.set_result(result)

    def _fail_pending(self, error: ClosedError) -> None:
        while self._pending:
            _, future = self._pending.popleft()
            if not future.done():
                future.set_exception(error)
