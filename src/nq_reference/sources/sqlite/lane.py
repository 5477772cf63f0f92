"""Calls on their way to one connection: those that come at the same time share a transaction.

A lane has one thread at a time in its connection. What is asked while a transaction is under
way goes with the next; a lone call waits for nobody. Knows nothing of jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import anyio
import anyio.to_thread

from nq_conformance.contract import ClosedError
from nq_reference import background
from nq_reference.sources.sqlite.transaction import Transaction

Call = Callable[[Transaction], Any]
"""Called in the lane's thread, and once more where the transaction has to be repeated."""
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned or raised."""

    value: Any = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Waiting:
    call: Call
    bell: background.Bell
    answer: Answer | None = None


class Lane(Generic[R]):
    """Hands batches of calls to ``work`` in a thread, and what it reports to ``landed``.

    ``prepare`` is called on the event loop before; it returns the work for the thread: a
    function of the batch that gives an answer for each call, and a report. ``landed`` is called
    with the report on the event loop, before those who wait have their answers.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[], Callable[[list[Call]], tuple[list[Answer], R]]],
        landed: Callable[[R], None],
    ) -> None:
        self._name = name
        self._prepare = prepare
        self._landed = landed
        self._pending: list[_Waiting] = []
        self._task: background.BackgroundTask | None = None
        self._thread = anyio.CapacityLimiter(1)
        self._closed = False

    async def run(self, call: Call) -> Any:
        """What ``call`` returns, once its transaction is committed; raises what it or the commit raised.

        A call that is cancelled before its transaction begins is left out.
        """
        if self._closed:
            raise ClosedError("this SqliteSource is closed; make a new one to go on")
        waiting = _Waiting(call, background.bell())
        self._pending.append(waiting)
        if self._task is None:
            self._task = background.spawn_logged(self._run, self._name)
        try:
            while waiting.answer is None:
                await waiting.bell.wait()
        except BaseException:
            if waiting in self._pending:
                self._pending.remove(waiting)
            raise
        if waiting.answer.error is not None:
            raise waiting.answer.error
        return waiting.answer.value

    async def close(self, end: Callable[[], None]) -> None:
        """Answer what was asked, take no more, and call ``end`` in the thread."""
        self._closed = True
        if self._task is not None:
            await self._task.wait()
        await self._in_thread(end)

    async def _run(self) -> None:
        # A task of its own, so that a caller who is cancelled does not leave a thread behind
        # that is in the connection while the next one begins.
        try:
            while self._pending:
                batch, self._pending = self._pending, []
                await self._flush(batch)
        finally:
            self._task = None

    async def _flush(self, batch: list[_Waiting]) -> None:
        try:
            work = self._prepare()
            answers, report = await self._in_thread(lambda: work([waiting.call for waiting in batch]))
            self._landed(report)
        except Exception as error:  # it belongs to those who wait
            answers = [Answer(error=error) for _ in batch]
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.answer = answer
            waiting.bell.ring()

    async def _in_thread(self, call: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(call, limiter=self._thread)
