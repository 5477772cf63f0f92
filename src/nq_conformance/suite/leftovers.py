"""What lives in this process besides the test: tasks, timers, threads, open files and sockets, children.

Seen from outside of the adapter, by comparing two moments. Where the system does not tell
(files and children elsewhere than on Linux, timers of an event loop that keeps them to
itself), that kind is left out. So is what belongs to the event loop, or to a server that
runs in this process: the kit's fake Redis.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PROC = Path("/proc/self")
_NOT_THEIRS = (
    "asyncio_",
    "AnyIO worker thread",
    "Trio thread",
    "Trio worker thread",
    "process_request_thread",
)
"""In names of threads of the event loop's own pools, which end with the loop and not with who used
them, and of a server's threads in this process, which end when they notice that a client has gone."""


@dataclass(frozen=True, slots=True, eq=False)
class Living:
    """All that lives at one moment. ``things``: what it is in words, by kind and identity.

    ``kept`` keeps the objects, so that none of a later moment can have the identity of an
    earlier one.
    """

    things: dict[tuple[object, ...], str]
    kept: list[object]

    @classmethod
    def now(cls, server: str | None = None) -> Living:
        """What lives now; ``server`` is the URL of one that may be in this process."""
        tasks, timers = list(_tasks()), list(_timers())
        threads = [t for t in threading.enumerate() if not any(n in t.name for n in _NOT_THEIRS)]
        things: dict[tuple[object, ...], str] = {}
        things |= {("task", id(task)): f"task {_name(task)}" for task in tasks}
        things |= {("timer", id(timer)): f"timer {timer!r}" for timer in timers}
        things |= {("thread", id(thread)): f"thread {thread.name!r}" for thread in threads}
        things |= {("file", *file): f"open file {file[0]}: {file[1]}" for file in _files(_port_of(server))}
        things |= {("child", *child): f"child process {child[0]} ({child[1]})" for child in _children()}
        return cls(things, [*tasks, *timers, *threads])

    def since(self, before: Living) -> list[str]:
        """What lives in this moment and did not in the earlier one."""
        return [words for key, words in self.things.items() if key not in before.things]


def _tasks() -> Iterator[Any]:
    trio = sys.modules.get("trio")
    if trio is None or not trio.lowlevel.in_trio_run():
        yield from asyncio.all_tasks()
        return
    unseen = [trio.lowlevel.current_root_task()]
    while unseen:
        task = unseen.pop()
        yield task
        unseen += [child for nursery in task.child_nurseries for child in nursery.child_tasks]


def _timers() -> list[Any]:
    try:
        scheduled = getattr(asyncio.get_running_loop(), "_scheduled", ())
    except RuntimeError:  # not on asyncio: there a timer is a task that sleeps
        return []
    return [handle for handle in scheduled if not handle.cancelled()]


def _files(server_port: int | None) -> Iterator[tuple[str, str]]:
    with suppress(OSError):
        for entry in list((_PROC / "fd").iterdir()):
            with suppress(OSError):  # the descriptor by which the folder was read is closed by now
                target = str(entry.readlink())
                theirs = target.startswith("socket:") and _is_a_servers(int(entry.name), server_port)
                if not theirs and target != os.devnull:  # uvloop keeps one in reserve
                    yield entry.name, target


def _is_a_servers(descriptor: int, port: int | None) -> bool:
    if port is None:
        return False
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        name = copy.getsockname()
    return isinstance(name, tuple) and name[1:2] == (port,)


def _port_of(url: str | None) -> int | None:
    return None if url is None else urlsplit(url).port


def _children() -> Iterator[tuple[str, str]]:
    with suppress(OSError):
        for thread in list((_PROC / "task").iterdir()):
            with suppress(OSError):
                for pid in (thread / "children").read_text().split():
                    name = Path("/proc", pid, "comm")
                    yield pid, name.read_text().strip() if name.exists() else "ended"


def _name(task: Any) -> str:
    name = task.get_name() if isinstance(task, asyncio.Task) else task.name
    return repr(name)
