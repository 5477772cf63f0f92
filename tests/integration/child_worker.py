"""A worker to be killed: it runs one job in a child, writes the pids, and waits.

``python child_worker.py HANDLER RUNTIME FILE``
"""

import sys
from pathlib import Path

import anyio
from child_tools import until, workplace, write_whole


async def main(*arguments: str) -> None:
    """Run until killed."""
    handler, runtime, file = arguments
    async with workplace() as place:
        await place.work(handler, runtime)
        await place.add({"do": "wait_with_a_child", "flow_id": "f"})

        async def told() -> list[int] | None:
            return place.around.values.get("f:pids")

        pids = await until(told, "the pids")
        write_whole(Path(file), " ".join(map(str, pids)))
        await anyio.sleep_forever()


anyio.run(main, *sys.argv[1:])
