"""A server program of this machine, run for the length of a run on a free port of 127.0.0.1."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nq_conformance.services.errors import UnavailableError, with_log
from nq_conformance.services.keeper import LOG_NAME, PLAIN, Conditions
from nq_conformance.services.kept import Kept

READY_BUDGET_S = 20.0
POLL_INTERVAL_S = 0.02
PORT_TRIES = 5
_PORT_TAKEN = ("address already in use", "failed listening on port")


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """How to run one server.

    ``command`` makes its command line for a port; its working directory will be a new one.
    ``version_when_ready`` takes the port and the server's process id, and returns its version,
    or None as long as that very server does not answer. ``secret`` is for the file that
    ``conditions`` name for it.
    """

    service: str
    program: str
    command: Callable[[int], tuple[str, ...]]
    version_when_ready: Callable[[int, int], str | None]
    conditions: Conditions = PLAIN
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that answers; ``kept.end()`` ends it."""

    kept: Kept
    port: int
    pid: int
    directory: Path
    version: str


class _PortTakenError(Exception):
    """Somebody took the port between our finding it free and the server's binding it."""


class ProcessSwitch:
    """The ``Switch`` of a server process."""

    def __init__(
        self, plan: ServerPlan, server: ServerProcess, ready_budget_s: float = READY_BUDGET_S
    ) -> None:
        self._plan = plan
        self._server = server
        self._ready_budget_s = ready_budget_s

    def off(self) -> None:
        """See ``Switch.off``."""
        self._server.kept.take_down()

    def on(self) -> None:
        """See ``Switch.on``."""
        server = self._server
        pid = server.kept.bring_back()
        _await_answer(self._plan, server.kept, server.port, (pid, server.directory), self._ready_budget_s)


def start_server(plan: ServerPlan, ready_budget_s: float = READY_BUDGET_S) -> ServerProcess:
    """Run ``plan``'s server and wait until it answers, at most ``ready_budget_s`` seconds.

    Raises UnavailableError with the end of the server's log if it ends or stays silent.
    """
    for _ in range(PORT_TRIES):
        port = free_port()
        command = plan.command(port)
        kept = Kept(plan.service, command=command, conditions=plan.conditions, secret=plan.secret)
        try:
            return _wait_until_ready(plan, kept, port, ready_budget_s)
        except _PortTakenError:
            kept.abandon()
        except BaseException:  # Ctrl-C included
            kept.abandon()
            raise
    raise UnavailableError(
        f"{plan.program} found its port taken {PORT_TRIES} times in a row",
        "look for a program that opens ports of 127.0.0.1 as fast as they are free",
    )


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now; somebody else may take it first."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(plan: ServerPlan, kept: Kept, port: int, budget_s: float) -> ServerProcess:
    pid, directory = _started(plan, kept, budget_s)
    version = _await_answer(plan, kept, port, (pid, directory), budget_s)
    return ServerProcess(kept, port, pid, directory, version)


def _await_answer(plan: ServerPlan, kept: Kept, port: int, process: tuple[int, Path], budget_s: float) -> str:
    """The server's version, once it answers."""
    pid, directory = process
    deadline = time.monotonic() + budget_s
    while time.monotonic() < deadline:
        version = plan.version_when_ready(port, pid)
        if version is not None:
            return version
        report = kept.next_report(
            POLL_INTERVAL_S
        )  # the pause between two looks; ends early if the server does
        if report is not None and "exited" in report:
            raise _ended(plan, directory, int(report["exited"]))
        if kept.gone:
            raise _unavailable(plan, "lost its keeper to somebody else before it answered", "")
    raise _unavailable(plan, f"did not answer on port {port} within {budget_s:g} s", _log(directory))


def _started(plan: ServerPlan, kept: Kept, budget_s: float) -> tuple[int, Path]:
    report = kept.next_report(budget_s) or {"failed": f"no word from its keeper within {budget_s:g} s"}
    if "started" not in report:
        raise _unavailable(plan, f"could not be started: {report.get('failed', report)}", "")
    return int(report["started"]), Path(report["directory"])


def _ended(plan: ServerPlan, directory: Path, code: int) -> Exception:
    log = _log(directory)
    if any(sign in log.lower() for sign in _PORT_TAKEN):
        return _PortTakenError()
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit status {code}"
    return _unavailable(plan, f"{how} before it answered", log)


def _unavailable(plan: ServerPlan, what: str, log: str) -> UnavailableError:
    return UnavailableError(
        with_log(f"{plan.program} {what}", log),
        f"run {plan.program} by hand to see what it lacks, or choose another way to {plan.service}",
    )


def _log(directory: Path) -> str:
    try:
        return (directory / LOG_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
