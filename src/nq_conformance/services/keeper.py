"""The keeper: a small process between a run and its server, which ends the server when the run is over.

A run may end by Ctrl-C, a crash or kill -9, and then can't clean up. The keeper can: it is the
server's parent, and its stdin is a pipe that only the run holds. At the end of that pipe, however
it came about, the keeper ends the server, runs the order's last command and removes the server's
directory. It lives in a session of its own, so that Ctrl-C in a terminal does not reach it.

It is run as a file, by path (``python -I -S keeper.py ORDER``), so that it starts fast and whatever
the run's import path is. Hence: standard library only, nothing of this package. It says what
happens as JSON, one object a line, on stdout: ``started``, ``exited``, ``failed``. On its stdin the
run may ask for ``off`` and ``on``: to end the server, and to run it again on what it has left behind.
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
from typing import IO

LOG_NAME = "server.log"
PARENT_CHECK_S = 1.0
"""How often the keeper looks whether its parent lives: a forked child of the run may hold the pipe open."""
TERMINATE_BUDGET_S = 5.0
PREPARE_BUDGET_S = 60.0
LAST_COMMAND_BUDGET_S = 30.0
SECRET_VARIABLE = "NQ_KEEPER_SECRET"  # noqa: S105 - the variable's name
"""Brings a secret from the run: other users see a process's arguments, but not its environment."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what conditions a server runs.

    ``prepare``: commands that are run one after the other in its directory before it. ``user``: the
    user and group id that these and the server get, and the directory with them; () for the
    keeper's own. ``secret_file``: a name in the directory, for a file with the secret that came in
    ``SECRET_VARIABLE``; '' for none. ``stop_signal``: what asks the server to end. ``parent``: the
    folder that its directory is made in; '' for that of temporary files.
    """

    prepare: tuple[tuple[str, ...], ...] = ()
    user: tuple[int, ...] = ()
    secret_file: str = ""
    stop_signal: int = signal.SIGTERM
    parent: str = ""


PLAIN = Conditions()


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
    conditions: Conditions = PLAIN

    def to_json(self) -> str:
        """The order as the keeper's one argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """The reverse of ``to_json``."""
        fields = json.loads(text)
        under = fields["conditions"]
        return cls(
            parent=fields["parent"],
            command=tuple(fields["command"]),
            directory_prefix=fields["directory_prefix"],
            last_command=tuple(fields["last_command"]),
            conditions=Conditions(
                prepare=tuple(tuple(command) for command in under["prepare"]),
                user=tuple(under["user"]),
                secret_file=under["secret_file"],
                stop_signal=under["stop_signal"],
                parent=under["parent"],
            ),
        )


def main(order: Order) -> None:
    """Start the server, wait for the end of the run, and leave nothing behind."""
    wake = _listen_for_signals()
    secret = os.environ.pop(SECRET_VARIABLE, "")
    directory: Path | None = None
    servers: list[subprocess.Popen[bytes]] = []
    try:
        if order.command:
            parent = order.conditions.parent or None
            directory = Path(tempfile.mkdtemp(prefix=order.directory_prefix, dir=parent))
            servers += _start(order, directory, secret)
        _watch(order, directory, servers, wake)
    finally:
        for server in servers:
            _terminate(server, order.conditions.stop_signal)
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


def _start(order: Order, directory: Path, secret: str) -> list[subprocess.Popen[bytes]]:
    """The server, or nothing if it could not be started."""
    program = order.command[0]
    try:
        with (directory / LOG_NAME).open("wb") as log:
            _furnish(order.conditions, directory, secret)
            for command in order.conditions.prepare:
                program = command[0]
                _run_first(command, order.conditions.user, directory, log)
            program = order.command[0]
            server = _run(order.command, order.conditions.user, directory, log)
    except subprocess.CalledProcessError as error:
        said = _last_line(directory / LOG_NAME)
        _say({"failed": f"{program} ended with exit status {error.returncode}: {said}"})
        return []
    except (OSError, subprocess.SubprocessError) as error:
        _say({"failed": f"{program} can't be run: {error}"})
        return []
    _say({"started": server.pid, "directory": str(directory)})
    return [server]


def _start_again(order: Order, directory: Path) -> list[subprocess.Popen[bytes]]:
    try:
        with (directory / LOG_NAME).open("ab") as log:
            server = _run(order.command, order.conditions.user, directory, log)
    except (OSError, subprocess.SubprocessError) as error:
        _say({"failed": f"{order.command[0]} can't be run again: {error}"})
        return []
    _say({"started": server.pid, "directory": str(directory)})
    return [server]


def _furnish(conditions: Conditions, directory: Path, secret: str) -> None:
    """Write the secret, and make the directory and all in it the server's."""
    if conditions.secret_file:
        file = directory / conditions.secret_file
        file.touch(mode=0o600)
        file.write_text(secret, encoding="utf-8")
    if conditions.user:
        for path in (directory, *directory.iterdir()):
            os.chown(path, *conditions.user)


def _run_first(command: tuple[str, ...], user: tuple[int, ...], directory: Path, log: IO[bytes]) -> None:
    """Run a command of ``prepare`` to its end; raises CalledProcessError if it failed."""
    with _run(command, user, directory, log) as process:
        try:
            status = process.wait(PREPARE_BUDGET_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if status:
        raise subprocess.CalledProcessError(status, command)


def _run(
    command: tuple[str, ...], user: tuple[int, ...], directory: Path, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    user_id, group_id = user or (None, None)
    return subprocess.Popen(  # noqa: S603 - the command is the kit's own
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        user=user_id,
        group=group_id,
        extra_groups=[] if user else None,
        preexec_fn=_death_wish(),  # noqa: PLW1509 - the keeper has one thread
    )


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


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


def _watch(order: Order, directory: Path | None, servers: list[subprocess.Popen[bytes]], wake: int) -> None:
    """Return when the run is over: its pipe is closed, it is gone, or the keeper is told to go.

    Of ``servers`` the last is the one that runs; another is added when the run asks for it.
    """
    ends_told = 0
    while os.getppid() == order.parent:
        ready, _, _ = select.select([0, wake], [], [], PARENT_CHECK_S)
        if 0 in ready:
            asked = os.read(0, 4096)
            if not asked:
                return
            if b"off" in asked and servers:
                _terminate(servers[-1], order.conditions.stop_signal)
            if b"on" in asked and directory is not None:
                servers += _start_again(order, directory)
        if wake in ready and signal.SIGTERM in os.read(wake, 4096):
            return
        while ends_told < len(servers) and servers[ends_told].poll() is not None:
            _say({"exited": servers[ends_told].returncode})
            ends_told += 1


def _terminate(server: subprocess.Popen[bytes], stop_signal: int) -> None:
    if server.poll() is not None:
        return
    server.send_signal(stop_signal)
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
