"""One measurement in a process of its own: ``python -m benchmarks.child SYSTEM TASK JSON``.

The JSON has ``url``, ``name``, ``concurrency`` and ``jobs``. Lines on stdout: ``ready`` where the
parent is to wait for that, then the result as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from typing import Any

from benchmarks.measuring import TASKS, Measurement
from benchmarks.systems.protocol import Place

CLOSING_S = 3


def main(system: str, task: str, spec: dict[str, Any]) -> None:
    """Measure, print, and end at once: threads of a peer may be in no hurry."""
    asyncio.run(_measure(system, task, spec))
    sys.stdout.flush()
    os._exit(0)


async def _measure(system: str, task: str, spec: dict[str, Any]) -> None:
    measured = importlib.import_module(f"benchmarks.systems.{system}").Measured()
    place = Place(spec["url"], spec["name"], spec["concurrency"])
    _say(json.dumps(await TASKS[task](Measurement(measured, place, spec["jobs"], _say))))
    try:
        await asyncio.wait_for(measured.close(), CLOSING_S)
    except Exception as error:
        sys.stderr.write(f"{system} did not close: {error!r}\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
