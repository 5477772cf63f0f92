"""The kit's side: starts hosts, speaks with them, and says whose fault it is when one falls silent."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, Process, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

from nq_conformance.adapters.host.lines import MAX_LINE_BYTES
from nq_conformance.adapters.host.methods import PROTOCOL, TO_HOST
from nq_conformance.adapters.host.peer import Peer, PeerGoneError, ProtocolError
from nq_conformance.adapters.host.remote import Callbacks, RemoteManager, RemoteProvider
from nq_conformance.adapters.setting import Setting

_LOG_LINES = 40


class HostError(Exception):
    """A host could not be started or does not keep to the protocol; the message says which."""


class Host:
    """One process with the adapter in it. Made by ``start``; ``kill`` it or ``close`` it."""

    def __init__(self, process: Process, tasks: TaskGroup, setting: Setting) -> None:
        assert process.stdin is not None  # noqa: S101 - asked for in start()
        self._process = process
        self._setting = setting
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._numbers = itertools.count(1)
        self._meant_to_die = False
        self.callbacks = Callbacks(setting, tasks)
        self.peer = Peer(process.stdin.send, self.callbacks.answers(), tasks)
        self.callbacks.peer = self.peer
        tasks.start_soon(self._read)
        tasks.start_soon(self._read_log)

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        setting: Setting,
        tasks: TaskGroup,
        *,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> Host:
        """Start ``command``, with ``env`` beside the environment of this process; raises ``HostError``
        if it can't be started."""
        try:
            process = await anyio.open_process(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **env},
                start_new_session=True,
            )
        except OSError as error:
            raise HostError(
                f"the adapter's host could not be started: {' '.join(command)}: {error}"
            ) from None
        return cls(process, tasks, setting)

    async def describe(self) -> Mapping[str, Any]:
        """Who the adapter is; raises ``HostError`` if the host speaks another protocol."""
        told = await self.peer.call(TO_HOST["host.describe"])
        if not isinstance(told, Mapping) or told.get("protocol") != PROTOCOL:
            raise HostError(f"the host speaks another protocol than {PROTOCOL}: {told!r}")
        return told

    async def provider(self) -> RemoteProvider:
        """One more provider in this process, not yet initialised."""
        place = {
            "namespace": self._setting.namespace,
            "url": self._setting.url,
            "dsn": self._setting.dsn,
            "directory": str(self._setting.directory) if self._setting.directory else None,
        }
        number = await self.peer.call(TO_HOST["provider.open"], setting=place)
        return RemoteProvider(self.peer, number, self.callbacks)

    async def manager(self, provider: RemoteProvider) -> RemoteManager:
        """One more manager in this process, for one of its providers."""
        number = await self.peer.call(TO_HOST["manager.open"], provider=provider.number)
        return RemoteManager(self.peer, number, self.callbacks)

    @property
    def log(self) -> Sequence[str]:
        """The last lines that it has written to stderr, or printed."""
        return tuple(self._log)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def kill(self, *, alone: bool = False) -> None:
        """Kill it as a power cut would: SIGKILL, and wait until it is gone; ``alone``, as an
        out-of-memory killer would, with what it has started left to itself."""
        self._meant_to_die = True
        if alone:
            self._process.kill()
        else:
            self._signal(signal.SIGKILL)
        await self._process.wait()

    def freeze(self) -> None:
        """Stop all of it where it stands; ``thaw`` lets it go on."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen host go on."""
        self._signal(signal.SIGCONT)

    async def close(self) -> None:
        """End it, frozen or not, and all that it has started."""
        await self.kill()
        await self._process.aclose()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            self._meant_to_die = True

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - asked for in start()
        lines = BufferedByteReceiveStream(self._process.stdout)
        try:
            while True:
                self.peer.receive(await lines.receive_until(b"\n", MAX_LINE_BYTES))
        except ProtocolError as error:
            self.peer.gone(HostError(f"the adapter's host does not keep to the protocol: it sent {error}"))
        except (
            anyio.EndOfStream,
            anyio.IncompleteRead,
            anyio.BrokenResourceError,
            anyio.ClosedResourceError,
        ):
            self.peer.gone(await self._obituary())
        except anyio.DelimiterNotFound:
            self.peer.gone(HostError(f"the adapter's host sent a line of more than {MAX_LINE_BYTES} bytes"))

    async def _read_log(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - asked for in start()
        await _lines_into(self._process.stderr, self._log.append)

    async def _obituary(self) -> Exception:
        if self._meant_to_die:
            return PeerGoneError("the host was killed by the kit")
        code = await self._process.wait()
        log = "\n".join(self._log)
        return HostError(f"the adapter's host ended by itself with exit code {code}; its last words:\n{log}")


async def _lines_into(stream: ByteReceiveStream, take: Callable[[str], None]) -> None:
    rest = b""
    try:
        async for chunk in stream:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                take(line.decode(errors="replace"))
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    if rest:
        take(rest.decode(errors="replace"))


def host_command(target: str, worker_manager: str | None, backend: str) -> list[str]:
    """The command that hosts ``target`` with this very Python."""
    command = [sys.executable, "-m", "nq_conformance.adapters.host", target, f"--backend={backend}"]
    return [*command, f"--worker-manager={worker_manager}"] if worker_manager else command


Starter = Callable[[Setting, TaskGroup], Awaitable[Host]]
