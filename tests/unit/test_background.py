"""Bell: it wakes the task that waits, and is heard also by one that comes too late."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from nq_reference import background

pytestmark = pytest.mark.anyio
BUDGET_S = 10.0


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """A bell must sound on both."""
    return str(request.param)


async def test_ringing_wakes_the_task_that_waits() -> None:
    """It goes on although no timeout was given."""
    bell = background.bell()
    with anyio.fail_after(BUDGET_S):
        async with anyio.create_task_group() as group:
            group.start_soon(bell.wait)
            await anyio.lowlevel.checkpoint()
            bell.ring()


async def test_a_ring_before_the_wait_counts_until_it_is_cleared() -> None:
    """A wait after the ring returns; a wait after clear() does not, until its timeout."""
    bell = background.bell()
    bell.ring()
    with anyio.fail_after(BUDGET_S):
        await bell.wait()
        bell.clear()
        with anyio.move_on_after(0.01) as scope:
            await bell.wait()
    assert scope.cancelled_caught


async def test_a_wait_ends_with_its_timeout() -> None:
    """Nobody rings, and the wait returns by itself, more than once."""
    bell = background.bell()
    with anyio.fail_after(BUDGET_S):
        await bell.wait(0.001)
        await bell.wait(0.001)


async def test_a_bell_works_after_a_cancelled_wait() -> None:
    """The next wait is woken as if there had been no other."""
    bell = background.bell()
    with anyio.move_on_after(0.001):
        await bell.wait()
    bell.ring()
    with anyio.fail_after(BUDGET_S):
        await bell.wait()
