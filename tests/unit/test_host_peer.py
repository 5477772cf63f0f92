"""The order of a conversation between the kit and a host."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from nq_conformance.adapters.host.failures import RemoteError
from nq_conformance.adapters.host.lines import UnsendableError
from nq_conformance.adapters.host.methods import TO_HOST, TO_KIT
from nq_conformance.adapters.host.peer import Peer

pytestmark = pytest.mark.anyio
MANY = 50


class Stop(BaseException):
    """An application's own, outside of ``Exception``."""


class UnspeakableError(Exception):
    """Raises whatever it is asked."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    @property
    def unrecoverable(self) -> bool:
        """Not to be had."""
        raise RuntimeError("no answer")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops."""
    return str(request.param)


@asynccontextmanager
async def kit_and_host(run: Callable[[], Any]) -> AsyncIterator[tuple[Peer, Peer]]:
    """Two peers, of which the kit's answers ``handler.run`` by what ``run`` returns or raises."""
    ends: list[Peer] = []

    async def handler(**_: Any) -> Any:
        return run()

    async def to_kit(line: bytes) -> None:
        ends[0].receive(line)

    async def to_host(line: bytes) -> None:
        ends[1].receive(line)

    async with anyio.create_task_group() as tasks:
        ends += [Peer(to_host, {"handler.run": handler}, tasks), Peer(to_kit, {}, tasks)]
        with anyio.fail_after(10):
            yield ends[0], ends[1]
        tasks.cancel_scope.cancel()


async def call(host: Peer) -> Any:
    """Have the kit run its handler."""
    return await host.call(TO_KIT["handler.run"], run=1, handler=1, data=None, context={})


def raising(error: BaseException) -> Callable[[], Any]:
    """A handler that raises ``error``."""

    def run() -> Any:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (RuntimeError("ordinary"), "RuntimeError", "ordinary"),
        (SystemExit(3), "SystemExit", "3"),
        (Stop("stop"), "Stop", "stop"),
        (BaseExceptionGroup("several", [Stop()]), "BaseExceptionGroup", "several (1 sub-exception)"),
        (UnspeakableError(), "UnspeakableError", "UnspeakableError"),
        (ValueError("half \ud83d a pair"), "ValueError", "half ? a pair"),
    ],
)
async def test_whatever_a_handler_raises_is_an_answer(error: BaseException, kind: str, words: str) -> None:
    """And the conversation goes on."""
    async with kit_and_host(raising(error)) as (_, host):
        for _ in range(2):
            with pytest.raises(RemoteError) as caught:
                await call(host)
            assert (type(caught.value).__name__, str(caught.value)) == (kind, words)


async def test_a_handler_that_raises_what_cancelling_raises_is_answered(anyio_backend: str) -> None:
    """Nobody has cancelled it. On trio nobody can make that error."""
    if anyio_backend == "trio":
        return
    async with kit_and_host(raising(anyio.get_cancelled_exc_class()())) as (_, host):
        with pytest.raises(RemoteError) as caught:
            await call(host)
        assert caught.value.kind == "CancelledError"


async def test_a_handler_that_runs_when_all_ends_is_cancelled() -> None:
    """It is no error of the handler's then, and the end is not held up."""
    begun = anyio.Event()
    ended: list[str] = []

    async def handler(**_: Any) -> None:
        begun.set()
        try:
            await anyio.Event().wait()
        finally:
            ended.append("cancelled")

    async def send(line: bytes) -> None:
        del line

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            peer = Peer(send, {"handler.run": handler}, tasks)
            params: dict[str, Any] = {"run": 1, "handler": 1, "data": None, "context": {}}
            request = {"jsonrpc": "2.0", "id": 1, "method": "handler.run", "params": params}
            peer.receive(json.dumps(request).encode())
            await begun.wait()
            tasks.cancel_scope.cancel()
    assert ended == ["cancelled"]


async def test_a_result_that_json_cannot_hold_is_an_error_answer_and_told() -> None:
    """The call ends, and the kit knows that the adapter was not given it."""
    told: list[str] = []
    async with kit_and_host(lambda: {1, 2}) as (kit, host):
        kit.on_unsendable = lambda error: told.append(str(error))
        with pytest.raises(RemoteError, match="a value of type set"):
            await call(host)
    assert told == ["a value of type set"]


async def test_a_parameter_that_json_cannot_hold_is_not_sent_and_told() -> None:
    """No call waits for its answer."""
    told: list[str] = []
    async with kit_and_host(lambda: None) as (kit, _):
        kit.on_unsendable = lambda error: told.append(str(error))
        with pytest.raises(UnsendableError, match="type bytes"):
            await kit.call(TO_HOST["provider.get_job"], provider=1, queue_name="q", id=b"raw")
    assert told == ["a value of type bytes"]


async def test_a_method_that_the_other_end_does_not_have_is_an_error_answer() -> None:
    """As for an operation that is not declared."""
    async with kit_and_host(lambda: None) as (kit, _):
        with pytest.raises(RemoteError, match="no method"):
            await kit.call(TO_HOST["provider.remove_job"], provider=1, queue_name="q", id="x")


async def test_what_comes_at_once_begins_in_its_order() -> None:
    """Events and requests; a request that takes its time holds up nobody."""
    begun: list[int] = []
    all_begun, never = anyio.Event(), anyio.Event()

    async def event(subscription: int, payload: Any) -> None:
        begun.append(subscription)

    async def run(run: int, handler: int, data: Any, context: Any) -> None:
        begun.append(run)
        if len(begun) == MANY:
            all_begun.set()
        await never.wait()

    async def send(line: bytes) -> None:
        del line

    async with anyio.create_task_group() as tasks:
        peer = Peer(send, {"event": event, "handler.run": run}, tasks)
        for number in range(0, MANY, 2):
            peer.receive(
                b'{"jsonrpc":"2.0","method":"event","params":{"subscription":%d,"payload":{}}}' % number
            )
            params = b'{"run":%d,"handler":1,"data":null,"context":{}}' % (number + 1)
            peer.receive(b'{"jsonrpc":"2.0","id":%d,"method":"handler.run","params":%s}' % (number, params))
        with anyio.fail_after(10):
            await all_begun.wait()
        tasks.cancel_scope.cancel()
    assert begun == list(range(MANY))
