"""The host: an adapter behind the protocol, in a process that the kit may kill, freeze or cut off.

stdout belongs to the protocol: whatever the adapter prints goes to stderr. The process ends
when stdin does.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio

from nq_conformance.adapters.adapter import ASYNC_BACKENDS, Adapter
from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.host.hosted import Hosted
from nq_conformance.adapters.host.peer import Peer, ProtocolError
from nq_conformance.adapters.loading import load_adapter


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one adapter until stdin ends; returns the exit code."""
    args = _arguments(argv)
    logging.basicConfig(level=logging.INFO)  # to stderr, of which the kit keeps the last lines
    sys.path.insert(0, str(Path.cwd()))
    try:
        adapter = load_adapter(args.target, worker_manager=args.worker_manager)
    except TargetError as error:
        print(error, file=sys.stderr)
        return 2
    lines, send = _take_over_stdio()
    options = {"use_uvloop": True} if args.backend == "uvloop" else {}
    backend = "asyncio" if args.backend == "uvloop" else args.backend
    anyio.run(_serve, adapter, lines, send, backend=backend, backend_options=options)
    return 0


async def _serve(adapter: Adapter, lines: Any, send: Callable[[bytes], Awaitable[None]]) -> None:
    reader = anyio.wrap_file(lines)
    async with anyio.create_task_group() as tasks:
        answers: dict[str, Callable[..., Awaitable[Any]]] = {}
        peer = Peer(send, answers, tasks)
        answers |= Hosted(adapter, peer).answers()
        while line := await reader.readline():
            try:
                peer.receive(line)
            except ProtocolError as error:
                print(f"the kit sent {error}", file=sys.stderr)
        # Adapters may have tasks that never end; nobody is left to whom they could matter.
        sys.stderr.flush()
        os._exit(0)


def _take_over_stdio() -> tuple[Any, Callable[[bytes], Awaitable[None]]]:
    """Keep the protocol's descriptors to ourselves, and let ``print`` go to stderr."""
    reading = os.fdopen(os.dup(0), "rb")
    writing = os.dup(1)
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    async def send(line: bytes) -> None:
        await anyio.to_thread.run_sync(_write_all, writing, line)

    return reading, send


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nq_conformance.adapters.host", description=__doc__)
    parser.add_argument("target", help="the adapter, as for --nq-adapter")
    parser.add_argument("--worker-manager", help="as for --nq-worker-manager")
    parser.add_argument("--backend", choices=ASYNC_BACKENDS, default="asyncio", help="the event loop")
    return parser.parse_args(argv)
