"""BlockingThread: calls in order in one thread, answers on the event loop, an end with its owner."""

from __future__ import annotations

import threading

import anyio
import pytest

from nq_reference.blocking import BlockingThread

pytestmark = pytest.mark.anyio
BUDGET_S = 10


async def test_a_call_runs_elsewhere_and_its_value_comes_back() -> None:
    """All calls are made in one thread, which is not the event loop's."""
    thread = BlockingThread("test")
    first = await thread.run(threading.get_ident)
    assert first == await thread.run(threading.get_ident)
    assert first != threading.get_ident()
    thread.close()


async def test_what_a_call_raises_comes_back() -> None:
    """The caller gets the error, and the thread goes on."""
    thread = BlockingThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0)
    assert await thread.run(lambda: "still there") == "still there"
    thread.close()


async def test_a_cancelled_call_is_made_and_the_next_waits_for_it() -> None:
    """Nothing overtakes a call whose caller has gone."""
    thread = BlockingThread("test")
    gate, made = threading.Event(), list[str]()

    def slow() -> None:
        gate.wait(BUDGET_S)
        made.append("slow")

    with anyio.move_on_after(0):
        await thread.run(slow)
    gate.set()
    await thread.run(lambda: made.append("next"))
    assert made == ["slow", "next"]
    thread.close()


async def test_closing_lets_what_was_handed_end() -> None:
    """The thread does what it has been given, then ends; a later call begins another."""
    thread = BlockingThread("test")
    worker = await thread.run(threading.current_thread)
    gate, made = threading.Event(), list[str]()

    def slow() -> None:
        gate.wait(BUDGET_S)
        made.append("handed")

    thread.hand(slow, lambda *_: None)
    thread.close()
    thread.close()
    gate.set()
    await anyio.to_thread.run_sync(worker.join, BUDGET_S)
    assert made == ["handed"]
    assert not worker.is_alive()
    assert await thread.run(threading.current_thread) is not worker
    thread.close()


async def test_a_forgotten_thread_ends() -> None:
    """Whoever forgets to close leaves no thread behind."""
    thread = BlockingThread("test")
    worker = await thread.run(threading.current_thread)
    del thread
    await anyio.to_thread.run_sync(worker.join, BUDGET_S)
    assert not worker.is_alive()
