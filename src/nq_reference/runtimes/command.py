"""What is started for a handler: the command, its environment, its folder, its limit."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nq_conformance.contract import Runtime
from nq_reference.runtimes.options import DEFAULT_ENV, ChildOptions

_SDK = Path(__file__).parent.parent / "worker"
_PATH_VARIABLE = "NQ_WORKER_PATH"  # worker/bootstrap.py reads it
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """A child to be started; ``address_space`` is a limit in bytes."""

    argv: Sequence[str]
    env: dict[str, str]
    cwd: str | None = None
    address_space: int | None = None


def command_for(target: str, runtime: Runtime, options: ChildOptions) -> Command:
    """How a child of ``runtime`` is started for ``target``, a path or ``module:function``."""
    env = {name: os.environ[name] for name in (*DEFAULT_ENV, *options.pass_env) if name in os.environ}
    limit = options.memory_limit_mb
    if runtime == "python":
        if options.python == sys.executable:
            # As with multiprocessing, what this process can import its children can, too.
            env[_PATH_VARIABLE] = os.pathsep.join(place for place in sys.path if place)
        argv = [options.python, "-u", "-X", "utf8", str(_SDK / "bootstrap.py"), target]
        address_space = None if limit is None else limit * _MIB
    else:
        heap = [] if limit is None else [f"--max-old-space-size={limit}"]
        argv = [options.node, *heap, str(_SDK / "node" / "bootstrap.mjs"), target]
        address_space = None  # V8 reserves far more of it than it will use
    return Command(argv, {**env, **options.env}, options.cwd, address_space)
