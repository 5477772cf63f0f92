"""Where each test works: a namespace of its own in the run's server, or a folder of its own."""

from __future__ import annotations

import itertools
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from nq_conformance.adapters import Adapter, Service, Setting
from nq_conformance.clock import MachineWatch
from nq_conformance.history import History
from nq_conformance.lab import make_setting
from nq_conformance.plugin.servers import Servers
from nq_conformance.services import clean_redis
from nq_conformance.violation import Inconclusive

PLACES = pytest.StashKey["Places"]()


@dataclass(frozen=True, slots=True)
class Place:
    """One test's place."""

    namespace: str
    url: str | None = None
    directory: Path | None = None

    def setting(self, history: History) -> Setting:
        """The place as the adapter is told of it."""
        return make_setting(self.namespace, history=history, url=self.url, directory=self.directory)


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

    @contextmanager
    def place(self, adapter: Adapter) -> Iterator[Place]:
        """A place for one test of ``adapter``, emptied at the end."""
        namespace = f"{self._prefix}_{next(self._numbers)}"
        with ExitStack() as stack:
            if adapter.service is Service.DIRECTORY:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=namespace))
                yield Place(namespace, directory=Path(folder))
            elif adapter.service is Service.REDIS:
                url = self._servers.redis_url()
                yield Place(namespace, url=url)
                self._clean_redis(url, namespace)
            else:
                yield Place(namespace)

    def _clean_redis(self, url: str, namespace: str) -> None:
        try:
            clean_redis(url, namespace)
        except Exception as error:
            raise Inconclusive(f"the Redis server could not be cleaned after the test: {error}") from error
