"""Where each test works: a namespace of its own in the run's server, or a folder of its own."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest

from nq_conformance.adapters import Adapter, Service, Setting
from nq_conformance.clock import MachineWatch
from nq_conformance.history import History
from nq_conformance.lab import make_setting
from nq_conformance.plugin.servers import Servers
from nq_conformance.services import Databases, DatabasesAhead, clean_redis
from nq_conformance.violation import Inconclusive

PLACES = pytest.StashKey["Places"]()


@dataclass(frozen=True, slots=True)
class Place:
    """One test's place; ``server_kind`` is how the run came by the server that it is on."""

    namespace: str
    url: str | None = None
    dsn: str | None = None
    directory: Path | None = None
    server_kind: str | None = None

    def setting(self, history: History) -> Setting:
        """The place as the adapter is told of it."""
        return make_setting(
            self.namespace, history=history, url=self.url, dsn=self.dsn, directory=self.directory
        )


class Places:
    """Gives places out, in one process of the run."""

    def __init__(self, run_name: str, servers: Servers) -> None:
        worker = re.sub(r"[^a-z0-9]", "", os.environ.get("PYTEST_XDIST_WORKER", ""))
        self._prefix = f"nq_{run_name}{worker}"
        self._numbers = itertools.count(1)
        self._servers = servers

    @cached_property
    def machine(self) -> MachineWatch:
        """The watch over this machine, from the first test on."""
        return MachineWatch()

    def close(self) -> None:
        """End the watch, if it was started."""
        if "machine" in self.__dict__:
            self.machine.close()

    def settle(self) -> None:
        """Wait until nothing of ours goes on beside the test."""
        if "_ahead" in self.__dict__:
            self._ahead.settle()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        """Leave no database behind, once the last test has left its own: a server that is not the run's
        goes on."""
        yield
        if "_ahead" in self.__dict__:
            try:
                self._ahead.close()
            except Exception as error:
                warnings.warn(
                    pytest.PytestWarning(f"databases named {self._prefix}_* may be left behind: {error}"),
                    stacklevel=1,
                )

    @cached_property
    def _databases(self) -> Databases:
        """Of the run's Postgres, which has been started."""
        return Databases(self._servers.url(Service.POSTGRES))

    @cached_property
    def _ahead(self) -> DatabasesAhead:
        return DatabasesAhead(self._databases, self._next_name)

    def _next_name(self) -> str:
        return f"{self._prefix}_{next(self._numbers)}"

    @contextmanager
    def place(self, adapter: Adapter) -> Iterator[Place]:
        """A place for one test of ``adapter``, emptied at the end."""
        kind = self._servers.kind(adapter.service)
        if adapter.service is Service.DIRECTORY:
            namespace = self._next_name()
            with tempfile.TemporaryDirectory(prefix=namespace) as folder:
                yield Place(namespace, directory=Path(folder))
        elif adapter.service is Service.REDIS:
            namespace, url = self._next_name(), self._servers.url(Service.REDIS)
            yield Place(namespace, url=url, server_kind=kind)
            with _no_fault_of_the_adapter("the Redis server could not be cleaned after the test"):
                clean_redis(url, namespace)
        elif adapter.service is Service.POSTGRES:
            with _no_fault_of_the_adapter("the Postgres server gave the test no place"):
                given = self._ahead.take()
            yield Place(given.namespace, dsn=given.dsn, server_kind=kind)
            self._ahead.give_back(given.namespace)
        else:
            yield Place(self._next_name())

    @contextmanager
    def series(self, adapter: Adapter) -> Iterator[Callable[[], AbstractContextManager[Place]]]:
        """Makes places for one test that needs many, one after the other.

        In Postgres they are in one database, which is emptied each time: a new one costs much more.
        """
        if adapter.service is not Service.POSTGRES:
            yield lambda: self.place(adapter)
            return
        with self.place(adapter) as shared:
            numbers = itertools.count(1)
            yield lambda: self._emptied_after(shared, next(numbers))

    @contextmanager
    def _emptied_after(self, shared: Place, number: int) -> Iterator[Place]:
        yield replace(shared, namespace=f"{shared.namespace}_{number}")
        with _no_fault_of_the_adapter("the Postgres server could not be emptied for the next example"):
            self._databases.empty(shared.namespace)


@contextmanager
def _no_fault_of_the_adapter(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise Inconclusive(f"{what}: {str(error) or type(error).__name__}") from error
