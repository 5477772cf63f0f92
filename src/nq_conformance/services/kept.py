"""The run's side of a keeper: starts it, hears its reports, and lets it go."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from nq_conformance.services import keeper
from nq_conformance.services.errors import ServiceError

Report = dict[str, Any]

END_BUDGET_S = keeper.TERMINATE_BUDGET_S + keeper.LAST_COMMAND_BUDGET_S + 10.0


class Kept:
    """A keeper at work for this process; ``end`` lets it clean up, as the death of this process does.

    ``secret`` is what the file will hold that ``conditions`` name for it.
    """

    def __init__(
        self,
        service: str,
        *,
        command: tuple[str, ...] = (),
        last_command: tuple[str, ...] = (),
        conditions: keeper.Conditions = keeper.PLAIN,
        secret: str = "",
    ) -> None:
        self._service = service
        order = keeper.Order(
            parent=os.getpid(),
            command=command,
            directory_prefix=f"nq-conformance-{service}-",
            last_command=last_command,
            conditions=conditions,
        )
        self._process = subprocess.Popen(  # noqa: S603 - our own file, by our own Python
            [sys.executable, "-I", "-S", keeper.__file__, order.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Whoever reads the run's stderr to its end must not have to wait for the keeper.
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={**os.environ, keeper.SECRET_VARIABLE: secret} if secret else None,
            start_new_session=True,
        )
        self._unread = b""

    def next_report(self, timeout_s: float) -> Report | None:
        """The keeper's next report; None if there is none within ``timeout_s`` or the keeper is gone."""
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it is a pipe
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([stdout], [], [], left)[0]:
                return None
            more = os.read(stdout.fileno(), 4096)
            if not more:
                return None
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        report: Report = json.loads(line)
        return report

    def take_down(self) -> None:
        """Have the server ended and wait until it is; raises ServiceError if the keeper is gone."""
        self._ask("off", until="exited")

    def bring_back(self) -> int:
        """Have the server run again in its directory; its new process id, which need not answer yet.

        Raises ServiceError if it can't be run.
        """
        return int(self._ask("on", until="started"))

    def _ask(self, word: str, *, until: str) -> Any:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{word}\n".encode())
        deadline = time.monotonic() + END_BUDGET_S
        while (report := self.next_report(deadline - time.monotonic())) is not None:
            if until in report:
                return report[until]
            if "failed" in report:
                break
        why = report["failed"] if report else "there is no word from its keeper"
        message = f"{self._service} could not be switched {word} (the environment's fault): {why}"
        raise ServiceError(message, service=self._service)

    @property
    def pid(self) -> int:
        """The keeper's process id."""
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether the keeper has ended, asked to or not."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Let the keeper end its server and clean up, and wait until it has; again: nothing.

        Raises ServiceError if something is left behind: the keeper's own word, or it hung or was killed.
        """
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        if self._process.stdin.closed:
            return
        self._process.stdin.close()
        failures = self._last_failures()
        self._process.stdout.close()
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if status != 0:
            failures.append(f"its keeper ended with status {status} before it had cleaned up")
        if failures:
            message = f"{self._service} is not fully removed (the environment's fault): {'; '.join(failures)}"
            raise ServiceError(message, service=self._service)

    def abandon(self) -> None:
        """``end`` after a failed start, whose error matters more than what may be left behind."""
        with contextlib.suppress(ServiceError):
            self.end()

    def _last_failures(self) -> list[str]:
        failures = []
        deadline = time.monotonic() + END_BUDGET_S
        while (report := self.next_report(deadline - time.monotonic())) is not None:
            if "failed" in report:
                failures.append(str(report["failed"]))
        return failures
