"""Targets ``stdio:COMMAND``: an adapter in any language, behind the host protocol."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
from typing import Any, NoReturn

from nq_conformance.adapters.adapter import Adapter
from nq_conformance.adapters.capability import Capability
from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.host.methods import PROTOCOL
from nq_conformance.adapters.setting import Service, Setting
from nq_conformance.contract import QueueProvider, WorkerManager

PREFIX = "stdio:"
_ANSWER_S = 30.0
_DESCRIBE = b'{"jsonrpc":"2.0","id":1,"method":"host.describe","params":{}}\n'


class StdioAdapter(Adapter):
    """An adapter that lives in processes of its own; the lab starts them and asks them for providers."""

    def __init__(self, command: list[str], told: dict[str, Any]) -> None:
        self.command = command
        self.name = str(told["name"])
        self.service = Service(told["service"])
        self.capabilities = frozenset(Capability(c) for c in told["capabilities"])
        self._has_workers = told["hasWorkers"] is True

    @property
    def has_workers(self) -> bool:
        """What the host says."""
        return self._has_workers

    def provider(self, setting: Setting) -> QueueProvider:
        """Not to be had without a host: see ``Lab.new_provider``."""
        raise NotImplementedError("an adapter behind stdio has its providers in its hosts")

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """Not to be had without a host: see ``Lab.new_manager``."""
        raise NotImplementedError("an adapter behind stdio has its managers in its hosts")


def load_stdio(target: str) -> StdioAdapter:
    """Start the command of ``stdio:COMMAND`` once and ask who it is.

    Raises ``TargetError`` if it can't be started, says nothing for half a minute, or does
    not say what ``host.describe`` asks for.
    """
    command = shlex.split(target.removeprefix(PREFIX))
    if not command:
        _refuse(
            target, "there is no command behind stdio:.", "write stdio:COMMAND, as in stdio:node host.mjs."
        )
    line, log = _first_line(target, command)
    try:
        answer = json.loads(line)
        told = answer["result"]
        if told["protocol"] != PROTOCOL:
            _refuse(
                target,
                f"it speaks protocol {told['protocol']!r}",
                f"speak protocol {PROTOCOL}, as this kit does.",
            )
        return StdioAdapter(command, told)
    except (ValueError, KeyError, TypeError) as error:
        said = line.decode(errors="replace").strip()[:200] or "nothing"
        _refuse(
            target,
            f"its answer to host.describe is not understood ({error!r}): {said}\n{log}",
            "answer with a line of JSON-RPC 2.0 whose result has protocol, name, service, "
            "capabilities, asyncBackends and hasWorkers; nothing else may be printed to stdout.",
        )


def _first_line(target: str, command: list[str]) -> tuple[bytes, str]:
    try:
        process = subprocess.Popen(  # noqa: S603 - the user asked for this command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        _refuse(target, f"it could not be started: {error}", "try the command by hand.")
    assert process.stdin is not None  # noqa: S101 - asked for above
    assert process.stdout is not None  # noqa: S101
    watchdog = threading.Timer(_ANSWER_S, process.kill)
    watchdog.start()
    try:
        process.stdin.write(_DESCRIBE)
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = b""
    finally:
        watchdog.cancel()
        process.kill()
        _, log = process.communicate()
    return line, log.decode(errors="replace")[-2000:]


def _refuse(target: str, problem: str, remedy: str) -> NoReturn:
    raise TargetError(target, "adapter", problem, remedy)
