"""The run's servers: started once, in the controller, told to the workers, ended with the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from nq_conformance.adapters import Adapter, Service
from nq_conformance.plugin.collection import ABOUT
from nq_conformance.plugin.options import Options
from nq_conformance.plugin.processes import is_distributing, is_worker, worker_input
from nq_conformance.plugin.run import Run
from nq_conformance.report.document import ServiceEntry
from nq_conformance.services import (
    RunningService,
    ServiceError,
    ServiceInfo,
    ask_postgres,
    clean_redis,
    start_postgres,
    start_redis,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the plugin has to know of a kind of server.

    ``probe`` takes an address and a namespace of its own, and raises if the server does not work.
    """

    title: str
    start: Callable[[str | None], RunningService]
    choice: Callable[[Options], str | None]
    probe: Callable[[str, str], object]


KINDS: Mapping[Service, Kind] = {
    Service.REDIS: Kind("Redis", start_redis, lambda options: options.redis, clean_redis),
    Service.POSTGRES: Kind(
        "Postgres", start_postgres, lambda options: options.postgres, lambda url, _: ask_postgres(url)
    ),
}


class Servers:
    """The servers that adapters of the run need."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config = config
        self._run = run
        self._running: dict[Service, RunningService] = {}
        sent = worker_input(config)
        told = sent["servers"] if sent else {}
        self._urls: dict[Service, str] = {Service(name): url for name, (url, _) in told.items()}
        self._kinds: dict[Service, str] = {Service(name): kind for name, (_, kind) in told.items()}

    def url(self, service: Service) -> str:
        """The address of the run's server of this kind, which has been started."""
        if service not in self._urls:
            raise RuntimeError(f"{KINDS[service].title} was not started: a fault of nq-conformance")
        return self._urls[service]

    def kind(self, service: Service) -> str | None:
        """How the run came by its server: url, container, local, embedded or fake; None without one."""
        return self._kinds.get(service)

    def trouble(self, adapter: Adapter) -> str | None:
        """What is wrong with the adapter's server now, if something is: then no failure counts."""
        url = self._urls.get(adapter.service)
        if url is None:
            return None
        kind = KINDS[adapter.service]
        try:
            kind.probe(url, f"nq_{self._run.name}_probe")
        except Exception as error:  # whatever it is, the server does not work
            return f"the {kind.title} server does not answer any more: {str(error) or type(error).__name__}"
        return None

    def sent_to_workers(self) -> dict[str, tuple[str, str]]:
        """Address and kind, by the services' names."""
        return {service.value: (url, self._kinds[service]) for service, url in self._urls.items()}

    def infos(self) -> list[ServiceInfo]:
        """What runs."""
        return [running.info for running in self._running.values()]

    def entries(self) -> list[ServiceEntry]:
        """What runs, for the report."""
        return [ServiceEntry(i.service, i.kind, i.version, i.real) for i in self.infos()]

    def pytest_sessionstart(self) -> None:
        """Under xdist the controller collects nothing, so the rules must tell what is needed.

        Runs after the header was printed and before xdist starts its workers.
        """
        if is_distributing(self._config) and not self._config.option.collectonly:
            self._start(t.adapter.service for t in self._run.targets if self._run.has_something(t))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Start what the collected items need; not if they can't run anyway."""
        option = self._config.option
        broken = session.testsfailed and not option.continue_on_collection_errors
        if is_worker(self._config) or option.collectonly or broken:
            return
        abouts = [item.stash.get(ABOUT, None) for item in session.items]
        self._start(about.target.adapter.service for about in abouts if about)

    def pytest_unconfigure(self) -> None:
        """End what was started, however the run ended; also the second, should the first not end."""
        with ExitStack() as ends:
            while self._running:
                ends.callback(self._running.popitem()[1].stop)

    def _start(self, services: Iterable[Service]) -> None:
        """Start those of ``services`` that are servers and do not run yet."""
        for service in dict.fromkeys(services):
            if service in KINDS and service not in self._urls:
                self._start_one(service, KINDS[service])

    def _start_one(self, service: Service, kind: Kind) -> None:
        try:
            running = kind.start(kind.choice(self._run.options))
        except ServiceError as error:
            raise pytest.UsageError(str(error)) from error
        self._running[service] = running
        self._urls[service] = running.info.url
        self._kinds[service] = running.info.kind
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and self._config.get_verbosity() >= 0:
            reporter.ensure_newline()
            reporter.write_line(f"nq-conformance uses {running.info.describe()}")
