"""An application that ends without closing its workers still ends."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio
from nq_conformance.contract import JobInput, JobOptions
from nq_reference import MemoryProvider

async def main():
    provider = MemoryProvider()
    await provider.init()
    started = asyncio.Event()

    async def handler(data, ctx):
        started.set()
        await asyncio.sleep(3600)

    await provider.worker_manager().register_worker("queue", "job", handler)
    await provider.enqueue("queue", JobInput("job", None, JobOptions(timeout={timeout})))
    await started.wait()

asyncio.run(main())
print("ended")
"""


def test_asyncio_run_ends_while_a_handler_still_runs() -> None:
    """The loop's cancellation is not taken for one that the handler raised, with or without a timeout."""
    for timeout in ("None", "3_600_000"):
        program = PROGRAM.replace("{timeout}", timeout)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.stdout == "ended\n", done.stderr
