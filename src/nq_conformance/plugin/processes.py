"""The run's processes under pytest-xdist: what the controller tells the workers, and they it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nq_conformance.plugin.collection import Plans
from nq_conformance.report.verdict import PlannedTest

if TYPE_CHECKING:
    from nq_conformance.plugin.evidence import EvidenceKeeper
    from nq_conformance.plugin.run import Run
    from nq_conformance.plugin.servers import Servers

_KEY = "nq_conformance"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def is_distributing(config: pytest.Config) -> bool:
    """Whether this process is the controller of xdist workers."""
    return not is_worker(config) and config.getoption("dist", default="no") != "no"


def worker_input(config: pytest.Config) -> dict[str, Any] | None:
    """What the controller told this worker; ``None`` if this is no worker."""
    sent: dict[str, Any] | None = getattr(config, "workerinput", {}).get(_KEY)
    return sent


class Workers:
    """Hooks of both sides. Those of the controller are called only if xdist is there."""

    def __init__(self, config: pytest.Config, run: Run, servers: Servers, keeper: EvidenceKeeper) -> None:
        self._config = config
        self._run = run
        self._servers = servers
        self._keeper = keeper

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker the run's name, seed, time scale and servers."""
        node.workerinput[_KEY] = {
            "name": self._run.name,
            "seed": self._run.seed,
            "calibrated": self._run.calibrated,
            "servers": self._servers.sent_to_workers(),
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over the plan of a worker that has ended; all workers have the same."""
        sent = getattr(node, "workeroutput", {}).get(_KEY)
        if sent is not None:
            self._keeper.take_plans(_plans(sent))

    def pytest_sessionfinish(self) -> None:
        """In a worker, send the plan."""
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        plans = self._keeper.plans(self._config)
        if output is not None and plans is not None:
            output[_KEY] = _sendable(plans)


def _sendable(plans: Plans) -> dict[str, Any]:
    planned = [
        [adapter, rule, test.node_id, test.backend]
        for adapter, rules in plans.planned.items()
        for rule, tests in rules.items()
        for test in tests
    ]
    return {"planned": planned, "narrowed": [list(pair) for pair in sorted(plans.narrowed)]}


def _plans(sent: dict[str, Any]) -> Plans:
    plans = Plans(narrowed={(adapter, rule) for adapter, rule in sent["narrowed"]})
    for adapter, rule, node_id, backend in sent["planned"]:
        tests = plans.planned.setdefault(adapter, {}).setdefault(rule, [])
        tests.append(PlannedTest(node_id, backend))
    return plans
