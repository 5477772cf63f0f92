"""Lets a miniature run handlers in child processes, by the naive conversation that it has bent."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from anyio.abc import Process

from miniatures.base import Miniature
from miniatures.naive_children import Conversation
from nq_conformance import Capability


def in_children(miniature: type[Miniature]) -> type[Miniature]:
    """Let a miniature claim both runtimes, and run their handlers by its ``conversation_class``."""
    conversation_class = miniature.__dict__.get("conversation_class", Conversation)

    class Manager(miniature.manager_class):  # type: ignore[name-defined, misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.processes: list[Process] = []

        async def register_worker(
            self, queue_name: str, job_name: str, handler: Any, opts: Any = None
        ) -> None:
            if isinstance(handler, str):
                handler = partial(_converse, conversation_class, handler, opts.runtime, self.processes)
                opts = replace(opts, runtime="in-process")
            await super().register_worker(queue_name, job_name, handler, opts)

        async def close_all(self) -> None:
            await super().close_all()
            # Whatever is bent, nothing outlives a test: no process, and no open transport.
            for process in self.processes:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.aclose()

    miniature.manager_class = Manager
    miniature.capabilities |= {Capability.PYTHON_RUNTIME, Capability.NODE_RUNTIME}
    return miniature


async def _converse(
    kind: type[Conversation], handler: str, runtime: str, processes: list[Process], data: Any, ctx: Any
) -> Any:
    return await kind(handler, runtime, processes, data, ctx).run()
