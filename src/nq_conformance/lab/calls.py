"""Calls of the adapter, each recorded and bounded in time."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final, TypeVar

from nq_conformance.clock import CALL, Budget, Clock
from nq_conformance.history import History
from nq_conformance.lab.facts import Facts, of_error, of_result

T = TypeVar("T")
NO_FACTS: Final[Facts] = MappingProxyType({})


class Calls:
    """Makes calls of the adapter, and writes them and what came of them into the history.

    ``where`` names the process they are made in, where it is not this one.
    """

    def __init__(self, history: History, clock: Clock, where: str = "") -> None:
        self._history = history
        self._clock = clock
        self._where = where
        self._managers = itertools.count(1)

    def next_manager(self) -> int:
        """A number that tells the managers of this process apart."""
        return next(self._managers)

    async def make(
        self,
        label: str,
        call: Callable[[], Awaitable[T]],
        text: str,
        *,
        queue: str | None = None,
        budget: Budget = CALL,
        given: Facts = NO_FACTS,
    ) -> T:
        """Await ``call``; what it raises, or is cancelled with, is recorded and raised. ``given`` are
        facts of its arguments."""
        with self._recorded(label, text, queue, given) as returned:
            result = await self._clock.call(call, f"{label}({text})", budget)
            returned(result, "" if result is None else f" -> {shortened(result)}")
        return result

    def made(
        self,
        label: str,
        call: Callable[[], T],
        text: str,
        *,
        queue: str | None = None,
        given: Facts = NO_FACTS,
    ) -> T:
        """The same for a call that is not awaited."""
        with self._recorded(label, text, queue, given) as returned:
            result = call()
            returned(result, "")
        return result

    @contextmanager
    def _recorded(
        self, label: str, text: str, queue: str | None, given: Facts
    ) -> Iterator[Callable[[Any, str], None]]:
        """Write what comes of the block; it says itself what was returned, and how that is told."""
        call = {"beganMs": self._history.now_ms(), "process": self._where or None, **given}

        def record(data: Any, told: str, outcome: Facts) -> None:
            job_id = data if isinstance(data, str) and label in ("enqueue", "schedule") else None
            where = f"in {self._where}: " if self._where else ""
            line, facts = where + text + told, {**call, **outcome}
            self._history.add("call", label, queue=queue, job_id=job_id, text=line, data=data, facts=facts)

        def returned(result: Any, told: str) -> None:
            record(result, told, {"outcome": "returned", **of_result(label, result)})

        try:
            yield returned
        except BaseException as error:
            record(error, f" !! {type(error).__name__}: {shortened(error)}", of_error(error))
            raise


def shortened(value: object, limit: int = 100) -> str:
    """A value, or an error's words, on a line of a history."""
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
