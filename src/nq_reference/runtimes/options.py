"""How children are run: for all workers of a manager, or for one of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from nq_conformance.contract import InvalidWorkerError, WorkerOptions
from nq_reference.validation import check_int

DEFAULT_ENV: tuple[str, ...] = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LD_LIBRARY_PATH", "LOGNAME",
    "NODE_PATH", "PATH", "PYTHONHASHSEED", "PYTHONHOME", "PYTHONPATH", "SHELL", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "TEMP", "TMP", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV",
)  # fmt: skip
"""What of its own environment a worker hands to a child. The rest may be secrets of its own, such as
the address of its Redis, and reaches a child only if it is named."""


@dataclass(frozen=True, slots=True)
class ChildOptions:
    """How a handler's children are started, used and ended.

    - ``spares``: how many are started ahead, with the handler's module loaded, so that a job need
      not wait for a start; 0 starts each for its job.
    - ``reuse``: how many jobs a child runs one after another; 1 gives each job one of its own.
    - ``kill_grace_ms``: how long a child that is to end may take from TERM to KILL (RPC-10).
    - ``max_frame_bytes``: the longest line taken from a child (RPC-05).
    - ``memory_limit_mb``: for Python the limit of its address space, where the system can set one
      (Linux); for Node of its heap. ``None`` is no limit.
    - ``python``, ``node``: the programs; this very interpreter, and Node from ``PATH``.
    - ``pass_env``: names of further variables to hand on, beside ``DEFAULT_ENV``; ``env``: variables
      to set. ``cwd``: the folder to run in, this process's own if it is ``None``.
    """

    spares: int = 1
    reuse: int = 1
    kill_grace_ms: int = 2_000
    max_frame_bytes: int = 64 * 1024 * 1024
    memory_limit_mb: int | None = None
    python: str = sys.executable
    node: str = "node"
    pass_env: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class ChildWorkerOptions(WorkerOptions):
    """``WorkerOptions`` that also say how this worker's children are run; ``None``: as the manager's."""

    child: ChildOptions | None = None


_LEAST = {"spares": 0, "reuse": 1, "kill_grace_ms": 0, "max_frame_bytes": 1024}


def child_options(opts: Any, default: ChildOptions) -> ChildOptions:
    """The checked options for children in ``opts``, else ``default``. Raises ``InvalidWorkerError``."""
    given = getattr(opts, "child", None)
    return default if given is None else checked(given)


def checked(options: ChildOptions) -> ChildOptions:
    """``options``, if they can be kept to. Raises ``InvalidWorkerError``."""
    if not isinstance(options, ChildOptions):
        names = ", ".join(each.name for each in fields(ChildOptions))
        raise InvalidWorkerError(f"child must be ChildOptions({names}), not {options!r}")
    for name, least in _LEAST.items():
        check_int(f"child.{name}", getattr(options, name), InvalidWorkerError, least=least)
    if options.memory_limit_mb is not None:
        check_int("child.memory_limit_mb", options.memory_limit_mb, InvalidWorkerError, least=1)
    return options
