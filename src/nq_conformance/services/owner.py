"""Which process a container belongs to, as a label's text, and whether that process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_process() -> str:
    """The label of what this process starts: machine, process id, and when the process began."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{_began(pid)}"


def is_gone(label: str) -> bool:
    """Whether the process of a label is known to be gone. False for one of another machine: we can't tell."""
    machine, *process = label.rsplit("/", 2)
    if machine != _machine() or len(process) != 2 or not process[0].isdigit():
        return False
    pid = int(process[0])
    return not exists(pid) or _began(pid) != process[1]


def _machine() -> str:
    """The host's name, and the process namespace: two containers may share the first."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        namespace = ""
    return f"{socket.gethostname()}:{namespace}"


def exists(pid: int) -> bool:
    """Whether there is a process with this id, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _began(pid: int) -> str:
    """When the process began, in the kernel's ticks; '' where that is not told (macOS)."""
    try:
        after_name = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        )
    except OSError:
        return ""
    return after_name.split()[19]
