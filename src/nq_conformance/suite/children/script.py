"""A child that does what its job's payload says, by the protocol or against it. Same as ``script.mjs``.

``params.job.data.script`` is a list of steps: a name, which is that of a method below, and its
arguments. In arguments, ``{"$": NAME}`` stands for a value that only the child knows.
Nothing that it starts or waits for lasts longer than ``PATIENCE_S``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE_S = 120


class Child:
    """One process: takes ``execute`` requests until its input ends, and does their steps."""

    def __init__(self) -> None:
        self.line = ""
        self.request: Any = None
        self.messages: list[Any] = []

    def serve(self) -> None:
        """Work until the parent closes our input."""
        while True:
            message = self.read()
            if isinstance(message, dict) and message.get("method") == "execute":
                self.request, self.messages = message, []
                self.do(message["params"]["job"]["data"]["script"])

    def do(self, steps: list[list[Any]]) -> None:
        """One step after the other."""
        for name, *args in steps:
            getattr(self, f"do_{name}")(*args)

    def do_write(self, *parts: Any) -> None:
        """Write the parts to stdout, all at once."""
        _write_all(1, b"".join(self.encoded(part) for part in parts))

    def do_receive(self, *ids: Any) -> None:
        """Read messages until there is an answer for each of the ids."""
        missing = self.filled(list(ids))
        while missing:
            message = self.read()
            self.messages.append(message)
            id = message.get("id")
            if "method" not in message and id in missing:
                missing.remove(id)

    def do_complain(self, text: str, times: int) -> None:
        """Write ``text`` to stderr, so many times."""
        for _ in range(times):
            _write_all(2, text.encode())

    def do_note(self, path: str, value: Any) -> None:
        """Write a file for the test, as a whole or not at all."""
        draft = Path(f"{path}.draft")
        draft.write_text(json.dumps(self.filled(value)), encoding="utf-8")
        draft.replace(path)

    def do_until(self, path: str) -> None:
        """Wait for a file of the test."""
        end = time.monotonic() + PATIENCE_S
        while not Path(path).exists():
            if time.monotonic() > end:
                os._exit(70)
            time.sleep(0.005)

    def do_hang(self) -> None:
        """Neither read nor write any more."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(1)
        os._exit(70)

    def do_exit(self, code: int) -> None:
        """End, at once."""
        os._exit(code)

    def do_die(self, name: str) -> None:
        """End by a signal."""
        if name != "SIGKILL":  # a run that was started by nohup ignores SIGHUP, and so do its children
            signal.signal(signal.Signals[name], signal.SIG_DFL)
        os.kill(os.getpid(), signal.Signals[name])
        time.sleep(PATIENCE_S)

    def do_when_told_to_end(self, *steps: list[Any]) -> None:
        """Answer TERM with these steps, and not by ending."""
        signal.signal(signal.SIGTERM, lambda *_: self.do(list(steps)))

    def do_spawn(self, path: str) -> None:
        """Start a process that inherits our pipes; note its pid."""
        process = subprocess.Popen(["sleep", str(PATIENCE_S)])  # noqa: S603, S607 - sleep is everywhere
        self.do_note(path, process.pid)

    def do_close(self, descriptor: int) -> None:
        """Close a descriptor of ours."""
        os.close(descriptor)

    def read(self) -> Any:
        """The next message; the end of the input is our end."""
        line = sys.stdin.buffer.readline()
        if not line:
            os._exit(0)
        self.line = line.decode()
        return json.loads(line)

    def encoded(self, part: Any) -> bytes:
        """A part of what is written: text, bytes in hex, a frame, or one side of a frame that is cut
        behind the first byte of ``at``."""
        if isinstance(part, str):
            return part.encode()
        if "hex" in part:
            return bytes.fromhex(part["hex"])
        frame = _encode(self.filled(part["frame"])) + b"\n"
        cut = frame.index(part["at"].encode()) + 1 if "at" in part else 0
        return frame[:cut] if part.get("side") == "head" else frame[cut:]

    def filled(self, value: Any) -> Any:
        """``value`` with what only the child knows put in."""
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if "$" not in value:
            return {name: self.filled(inner) for name, inner in value.items()}
        return self.known()[value["$"]](value)

    def known(self) -> dict[str, Callable[[Any], Any]]:
        """What ``{"$": NAME}`` may stand for."""
        return {
            "id": lambda _: self.request["id"],
            "line": lambda _: self.line,
            "payload": lambda _: self.request["params"]["job"]["data"].get("payload"),
            "context": lambda _: self.request["params"]["context"],
            "variables": lambda _: sorted(os.environ),
            "pid": lambda _: os.getpid(),
            "messages": lambda _: self.messages,
            "json": lambda asked: _encode(self.filled(asked["of"])).decode(),
            "text": lambda asked: asked["of"] * asked["times"],
        }


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    Child().serve()
