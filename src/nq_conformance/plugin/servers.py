"""The run's servers: started once, in the controller, told to the workers, ended with the run."""

from __future__ import annotations

import pytest

from nq_conformance.adapters import Adapter, Service
from nq_conformance.plugin.collection import ABOUT
from nq_conformance.plugin.processes import is_distributing, is_worker, worker_input
from nq_conformance.plugin.run import Run
from nq_conformance.report.document import ServiceEntry
from nq_conformance.services import (
    RunningService,
    ServiceError,
    ServiceInfo,
    clean_redis,
    start_redis,
)


class Servers:
    """Redis, if an adapter of the run needs it."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._redis: RunningService | None = None
        sent = worker_input(config)
        self._url: str | None = sent["redis"] if sent else None

    def redis_url(self) -> str:
        """The address of the run's Redis, which has been started."""
        if self._url is None:
            raise RuntimeError("Redis was not started: a fault of nq-conformance")
        return self._url

    def trouble(self, adapter: Adapter) -> str | None:
        """What is wrong with the adapter's server now, if something is: then no failure counts."""
        if adapter.service is not Service.REDIS or self._url is None:
            return None
        try:
            clean_redis(self._url, f"nq_{self._run.name}_probe")
        except Exception as error:  # whatever it is, the server does not work
            return f"the Redis server does not answer any more: {error}"
        return None

    def sent_to_workers(self) -> str | None:
        """The address, if there is one."""
        return self._url

    def infos(self) -> list[ServiceInfo]:
        """What runs."""
        return [self._redis.info] if self._redis else []

    def entries(self) -> list[ServiceEntry]:
        """What runs, for the report."""
        return [ServiceEntry(i.service, i.kind, i.version, i.real) for i in self.infos()]

    def pytest_sessionstart(self) -> None:
        """Under xdist the controller collects nothing, so the rules must tell what is needed.

        Runs after the header was printed and before xdist starts its workers.
        """
        if is_distributing(self._config) and not self._config.option.collectonly:
            needing = [t for t in self._run.targets if t.adapter.service is Service.REDIS]
            if any(self._run.has_something(target) for target in needing):
                self._start_redis()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Start what the collected items need; not if they can't run anyway."""
        option = self._config.option
        broken = session.testsfailed and not option.continue_on_collection_errors
        if is_worker(self._config) or self._url or option.collectonly or broken:
            return
        abouts = [item.stash.get(ABOUT, None) for item in session.items]
        if any(about and about.target.adapter.service is Service.REDIS for about in abouts):
            self._start_redis()

    def pytest_unconfigure(self) -> None:
        """End what was started, however the run ended."""
        if self._redis is not None:
            self._redis.stop()
            self._redis = None

    def _start_redis(self) -> None:
        try:
            self._redis = start_redis(self._run.options.redis)
        except ServiceError as error:
            raise pytest.UsageError(str(error)) from error
        self._url = self._redis.info.url
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.get_verbosity() >= 0:
            reporter.ensure_newline()
            reporter.write_line(f"nq-conformance uses {self._redis.info.describe()}")
