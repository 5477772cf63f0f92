"""The order of a conversation between the kit and a host."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from nq_conformance.adapters.host.peer import Peer

pytestmark = pytest.mark.anyio
MANY = 50


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
