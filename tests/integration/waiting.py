"""How integration tests wait for what nobody signals: they ask again, up to a budget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import anyio
import pytest

T = TypeVar("T")


class Until(Protocol):
    """Asks until the answer is true, and returns it; fails the test when the budget is spent."""

    async def __call__(self, ask: Callable[[], Awaitable[T | None]], what: str) -> T:
        """``what`` is waited for, for the failure."""
        ...


def within(budget_s: float) -> Until:
    """The waiting of a module whose budget is ``budget_s`` seconds."""

    async def until(ask: Callable[[], Awaitable[T | None]], what: str) -> T:
        with anyio.move_on_after(budget_s):
            while True:
                answer = await ask()
                if answer:
                    return answer
                await anyio.sleep(0.005)
        pytest.fail(f"{what}: not within {budget_s} s")

    return until
