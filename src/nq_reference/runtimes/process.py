"""A child as the operating system has it: a session of its own, three pipes, an end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

from nq_reference.runtimes.command import Command
from nq_reference.runtimes.errors import ChildStartError
from nq_reference.runtimes.exits import ExitWatch
from nq_reference.runtimes.pipes import ReadPipe, WritePipe


class ChildProcess:
    """Started when it is made. Raises ``ChildStartError`` if it can't be."""

    def __init__(self, command: Command) -> None:
        try:
            # A session, and so a process group, of its own: it can be killed with all that it
            # starts, and a Ctrl-C at the worker's terminal is the worker's to deal with (RPC-11).
            self._popen = subprocess.Popen(  # noqa: S603 - the command is the application's
                command.argv,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=command.env,
                cwd=command.cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ChildStartError(f"could not start {command.argv[0]!r}: {error}") from error
        assert self._popen.stdin is not None  # noqa: S101 - asked for above
        assert self._popen.stdout is not None  # noqa: S101
        assert self._popen.stderr is not None  # noqa: S101
        self.pid = self._popen.pid
        self.stdin = WritePipe(self._popen.stdin)
        self.stdout = ReadPipe(self._popen.stdout)
        self.stderr = ReadPipe(self._popen.stderr)
        self.exit = ExitWatch(self._popen)
        if command.address_space is not None:
            _limit(self.pid, command.address_space)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it and to whatever it has started; that there is nobody is no error."""
        # macOS refuses permission where there are only zombies
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def close(self) -> None:
        """Close all pipes; nobody may be reading or writing."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            pipe.close()


def _limit(pid: int, address_space: int) -> None:
    """Set the limit from outside: code between fork and exec is safe only without threads."""
    try:
        import resource  # noqa: PLC0415 - not everywhere

        resource.prlimit(pid, resource.RLIMIT_AS, (address_space, address_space))
    except (ImportError, AttributeError, OSError):
        pass  # a system without it; said in ChildOptions
