"""The keeper: a small process between a run and its server, which ends the server when the run is over.

A run may end by Ctrl-C, a crash or kill -9, and then can't clean up. The keeper can: it is the
server's parent, and its stdin is a pipe that only the run holds. At the end of that pipe, however
it came about, the keeper ends the server, runs the order's last command and removes the server's
directory. It lives in a session of its own, so that Ctrl-C in a terminal does not reach it.

It is run as a file, by path (``python -I -S keeper.py ORDER``), so that it starts fast and whatever
the run's import path is. Hence: standard library only, nothing of this package. It says what
happens as JSON, one object a line, on stdout: ``started``, ``exited``, ``failed``.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

LOG_NAME = "server.log"
PARENT_CHECK_S = 1.0
"""How often the keeper looks whether its parent lives: a forked child of the run may hold the pipe open."""
TERMINATE_BUDGET_S = 5.0
LAST_COMMAND_BUDGET_S = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Order:
    """What a keeper is to do.

    ``parent``: the run's process id. ``command``: the server, or () for none. ``directory_prefix``:
    begins the name of the directory made for the server, which is its working directory and holds
    its log. ``last_command``: is run at the end, e.g. to remove a container; () for none.
    """

    parent: int
    command: tuple[str, ...] = ()
    directory_prefix: str = "nq-conformance-"
    last_command: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The order as the keeper's one argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """The reverse of ``to_json``."""
        fields = json.loads(text)
        return cls(
            parent=fields["parent"],
            command=tuple(fields["command"]),
            directory_prefix=fields["directory_prefix"],
            last_command=tuple(fields["last_command"]),
        )


def main(order: Order) -> None:
    """Start the server, wait for the end of the run, and leave nothing behind."""
    wake = _listen_for_signals()
    directory: Path | None = None
    server: subprocess.Popen[bytes] | None = None
    try:
        if order.command:
            directory = Path(tempfile.mkdtemp(prefix=order.directory_prefix))
            server = _start(order.command, directory)
        _watch(order.parent, server, wake)
    finally:
        if server is not None:
            _terminate(server)
        _run_last(order.last_command)
        if directory is not None:
            _remove(directory)


def _listen_for_signals() -> int:
    """A descriptor that becomes readable when a child ends or the keeper is told to terminate."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    # Handlers that do nothing rather than SIG_IGN, which the server would inherit.
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return readable


def _start(command: tuple[str, ...], directory: Path) -> subprocess.Popen[bytes] | None:
    try:
        with (directory / LOG_NAME).open("wb") as log:
            server = subprocess.Popen(  # noqa: S603 - the command is the kit's own
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_death_wish(),  # noqa: PLW1509 - the keeper has one thread
            )
    except OSError as error:
        _say({"failed": f"{command[0]} can't be run: {error}"})
        return None
    _say({"started": server.pid, "directory": str(directory)})
    return server


def _death_wish() -> Callable[[], object] | None:
    """On Linux: has the kernel kill the server should the keeper itself be killed."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # noqa: PLC0415 - not in every Python

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(parent: int, server: subprocess.Popen[bytes] | None, wake: int) -> None:
    """Return when the run is over: its pipe is closed, it is gone, or the keeper is told to go."""
    exit_told = server is None
    while os.getppid() == parent:
        ready, _, _ = select.select([0, wake], [], [], PARENT_CHECK_S)
        if 0 in ready and not os.read(0, 4096):
            return
        if wake in ready and signal.SIGTERM in os.read(wake, 4096):
            return
        if not exit_told and server is not None and server.poll() is not None:
            _say({"exited": server.returncode})
            exit_told = True


def _terminate(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.terminate()
    server.send_signal(signal.SIGCONT)  # a server that was frozen can't obey
    try:
        server.wait(TERMINATE_BUDGET_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _run_last(command: tuple[str, ...]) -> None:
    if not command:
        return
    try:
        subprocess.run(  # noqa: S603 - the command is the kit's own
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=LAST_COMMAND_BUDGET_S
        )
    except subprocess.CalledProcessError as error:
        output = error.stderr.decode(errors="replace").strip()
        _say({"failed": output.splitlines()[-1] if output else str(error)})
    except (OSError, subprocess.TimeoutExpired) as error:
        _say({"failed": str(error)})


def _remove(directory: Path) -> None:
    try:
        shutil.rmtree(directory)
    except OSError as error:
        _say({"failed": f"{directory} can't be removed: {error}"})


def _say(report: dict[str, object]) -> None:
    with contextlib.suppress(OSError):  # the run may be gone
        os.write(1, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main(Order.from_json(sys.argv[1]))
