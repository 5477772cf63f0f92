"""The child's end of the JSON-RPC conversation: one thread listens, any thread may speak."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any

from nq_reference.worker.stdio import Stdio, encode

UNKNOWN_METHOD, BAD_PARAMS, FAILED = -32601, -32602, -32000
Settle = Callable[[Mapping[str, Any]], None]


class Link:
    """``executes`` receives the parent's execute requests, and ``None`` at the end of it all."""

    def __init__(self, stdio: Stdio) -> None:
        self.executes: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self.busy = False
        self._stdio = stdio
        self._ids = itertools.count(1)
        self._pending: dict[int, Settle] = {}
        threading.Thread(target=self._listen, name="nq-worker", daemon=True).start()

    def request(self, method: str, params: Mapping[str, Any], settle: Settle) -> None:
        """Ask; ``settle`` is given the whole reply, in the listening thread.

        Raises ``TypeError`` or ``ValueError`` for parameters that JSON can't hold.
        """
        id = next(self._ids)
        line = encode({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        self._pending[id] = settle
        self._stdio.send(line)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Tell, without a reply; raises as ``request`` does."""
        self._stdio.send(encode({"jsonrpc": "2.0", "method": method, "params": params}))

    def reply(self, line: bytes) -> None:
        """Send the encoded end of a job, after which the end of stdin finds nobody at work."""
        self.busy = False
        self._stdio.send(line)

    def _listen(self) -> None:
        for line in self._stdio.lines():
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                self._take(message)
        self.executes.put(None)
        if self.busy:
            _end_at_once()

    def _take(self, message: Mapping[str, Any]) -> None:
        if "method" not in message:
            settle = self._pending.pop(message.get("id", 0), None)
            if settle is not None:
                settle(message)
        elif message["method"] == "execute" and isinstance(message.get("params"), dict):
            self.busy = True
            self.executes.put(message)
        elif "id" in message:
            known = message["method"] == "execute"
            error = (
                {"code": BAD_PARAMS, "message": "execute needs an object as its params"}
                if known
                else {"code": UNKNOWN_METHOD, "message": f"no method {message['method']!r}"}
            )
            self._stdio.send(encode({"jsonrpc": "2.0", "id": message["id"], "error": error}))


def _end_at_once() -> None:
    """The parent died while a handler runs: its job is somebody else's now (RPC-13).

    What the handler has started ends too, if it is in the session that the parent made for us.
    """
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
