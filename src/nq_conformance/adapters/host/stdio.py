"""Targets ``stdio:COMMAND``: an adapter in any language, behind the host protocol."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
from typing import IO, Any, NoReturn

from nq_conformance.adapters.adapter import Adapter
from nq_conformance.adapters.capability import Capability
from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.host.methods import PROTOCOL
from nq_conformance.adapters.setting import Service, Setting
from nq_conformance.contract import QueueProvider, WorkerManager

PREFIX = "stdio:"
_ANSWER_S = 30.0
_LOG_BYTES = 2_000
_DESCRIBE = b'{"jsonrpc":"2.0","id":1,"method":"host.describe","params":{}}\n'


class StdioAdapter(Adapter):
    """An adapter that lives in processes of its own; the lab starts them and asks them for providers."""

    shares_objects = False

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
    not say what ``host.describe`` asks for. Whatever it has started is ended with it.
    """
    command = _words(target)
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


def _words(target: str) -> list[str]:
    """The command as a shell would see it."""
    remedy = "write stdio:COMMAND, as in stdio:node host.mjs."
    try:
        command = shlex.split(target.removeprefix(PREFIX))
    except ValueError as error:
        _refuse(target, f"the command behind stdio: can't be split into words ({error}).", remedy)
    if not command:
        _refuse(target, "there is no command behind stdio:.", remedy)
    return command


def _first_line(target: str, command: list[str]) -> tuple[bytes, str]:
    """What the command answers, and what it has written to stderr meanwhile."""
    with tempfile.TemporaryFile() as log:  # a pipe would stay open in whatever outlives the command
        process = _started(target, command, log)
        with process:
            try:
                line = _answer(process)
            finally:
                _end(process)
        return line, _end_of(log)


def _started(target: str, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the user asked for this command
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        _refuse(target, f"it could not be started: {error}", "try the command by hand.")


def _answer(process: subprocess.Popen[bytes]) -> bytes:
    """What it says up to the first end of a line, its end, or the end of the time that it has.

    No call here waits for the pipe's end alone: a grandchild that has left the group can hold it open.
    """
    assert process.stdin is not None  # noqa: S101 - asked for above
    assert process.stdout is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):  # gone already: what has it said?
        process.stdin.write(_DESCRIBE)
    said, end = b"", time.monotonic() + _ANSWER_S
    with selectors.DefaultSelector() as pipes:
        pipes.register(process.stdout, selectors.EVENT_READ)
        while b"\n" not in said and pipes.select(max(0.0, end - time.monotonic())):
            chunk = os.read(process.stdout.fileno(), 65_536)
            if not chunk:
                break
            said += chunk
    return said.partition(b"\n")[0]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and what it has started; its id is its own until it is waited for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: only a zombie is left
        os.killpg(process.pid, signal.SIGKILL)


def _end_of(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
    return log.read().decode(errors="replace")


def _refuse(target: str, problem: str, remedy: str) -> NoReturn:
    raise TargetError(target, "adapter", problem, remedy)
