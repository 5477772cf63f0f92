"""Whether processes that a test knows by their ids are still there, and what is open in one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from nq_conformance.clock import Budget
from nq_conformance.lab import Lab
from nq_conformance.services.owner import exists

GONE = Budget("gone", 10_000, "a process that was told to end has ended, after TERM and its grace KILL")


async def are_gone(lab: Lab, pids: Mapping[str, int], when: str) -> None:
    """Wait until none of the processes, by what they are, runs any more."""

    async def gone() -> bool:
        return not any(map(is_running, pids.values()))

    await lab.eventually(
        gone,
        budget=GONE,
        expected=f"{' and '.join(pids)} ended {when}",
        seen=lambda: f"still running: {', '.join(who for who, pid in pids.items() if is_running(pid))}",
    )


def is_running(pid: int) -> bool:
    """Whether a process is there and not a zombie. An orphan's zombie is nobody's fault but
    its new parent's."""
    return exists(pid) and not is_zombie(pid)


def is_zombie(pid: int) -> bool:
    """Whether it has ended and its parent has not waited for it; false where the system does not tell."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def open_pipes(pid: int) -> int:
    """How many pipes and sockets a process of ours has open; 0 where the system does not tell.

    Without connections by TCP, which no child is talked to by: an adapter may open more of them as it
    has more to do, and keep them.
    """
    count, connections = 0, _connections(pid)
    with suppress(OSError):
        for entry in list(Path(f"/proc/{pid}/fd").iterdir()):
            with suppress(OSError):  # closed meanwhile
                target = str(entry.readlink())
                count += target.startswith(("pipe:", "socket:")) and target not in connections
    return count


def _connections(pid: int) -> set[str]:
    """All TCP sockets that a process of ours may have, in the words of ``/proc/<pid>/fd``."""
    found: set[str] = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            found.update(f"socket:[{line.split()[9]}]" for line in lines)
    return found
