"""Calls on their way to one connection: those that come at the same time share a transaction.

A lane has one thread, which is in its connection. What is asked while a transaction is under way
goes with the next; a lone call waits for nobody. Knows nothing of jobs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nq_conformance.contract import ClosedError
from nq_reference import background
from nq_reference.blocking import BlockingThread
from nq_reference.sources.sqlite.transaction import Transaction

Call = Callable[[Transaction], Any]
"""Called in the lane's thread, and once more where the transaction has to be repeated."""
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call returned or raised."""

    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class _Waiting:
    call: Call
    bell: background.Bell
    answer: Answer | None = None


class Lane(Generic[R]):
    """Hands batches of calls to ``work`` in a thread, and what it reports to ``landed``.

    ``prepare`` is called on the event loop before; it returns the work for the thread: a
    function of the batch that gives an answer for each call, and a report. ``landed`` is called
    with the report on the event loop, before those who wait have their answers; from a task if
    ``tells`` says that it will call somebody else's code.
    """

    def __init__(
        self,
        name: str,
        prepare: Callable[[], Callable[[list[Call]], tuple[list[Answer], R]]],
        landed: Callable[[R], None],
        tells: Callable[[R], bool],
    ) -> None:
        self._prepare = prepare
        self._landed = landed
        self._tells = tells
        self._pending: list[_Waiting] = []
        self._under_way = False
        self._expects_company = True
        self._idle: list[background.Bell] = []  # of those that wait until nothing is under way
        self._thread = BlockingThread(name)
        self._closed = False

    async def run(self, call: Call) -> Any:
        """What ``call`` returns, once its transaction is committed; raises what it or the commit raised.

        A call that is cancelled before its transaction begins is left out.
        """
        if self._closed:
            raise ClosedError("this SqliteSource is closed; make a new one to go on")
        waiting = _Waiting(call, background.bell())
        self._pending.append(waiting)
        if not self._under_way:
            self._start()
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
        while self._under_way:
            bell = background.bell()
            self._idle.append(bell)
            await bell.wait()
        try:
            await self._thread.run(end)
        finally:
            self._thread.close()

    def _start(self) -> None:
        """Begin with a batch: at once if the last call came alone, else with what this turn brings."""
        self._under_way = True
        if self._expects_company:
            background.threadsafe()(self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        # Callbacks, not a task: a caller who is cancelled must not leave a thread behind that is
        # in the connection while the next one begins, and a task costs as much as the commit.
        batch, self._pending = self._pending, []
        if not batch:
            self._rest()
            return
        self._expects_company = len(batch) > 1
        try:
            work = self._prepare()
        except Exception as error:  # it belongs to those who wait
            self._answer(batch, [Answer(error=error)] * len(batch))
            return
        calls = [waiting.call for waiting in batch]
        self._thread.hand(lambda: work(calls), functools.partial(self._flushed, batch))

    def _flushed(self, batch: list[_Waiting], found: Any, error: BaseException | None) -> None:
        if error is not None:
            self._answer(batch, [Answer(error=error)] * len(batch))
        elif self._tells(found[1]):
            background.call_in_task(functools.partial(self._land, batch, *found))
        else:
            self._land(batch, *found)

    def _land(self, batch: list[_Waiting], answers: Sequence[Answer], report: R) -> None:
        try:
            self._landed(report)
        except Exception as error:  # it belongs to those who wait
            answers = [Answer(error=error)] * len(batch)
        self._answer(batch, answers)

    def _answer(self, batch: list[_Waiting], answers: Sequence[Answer]) -> None:
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.answer = answer
            waiting.bell.ring()
        self._flush()

    def _rest(self) -> None:
        self._under_way = False
        idle, self._idle = self._idle, []
        for bell in idle:
            bell.ring()
