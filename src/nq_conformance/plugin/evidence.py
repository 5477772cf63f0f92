"""Collects in the controller what all processes of the run found out."""

from __future__ import annotations

import pytest

from nq_conformance.plugin.collection import PLAN, Plans
from nq_conformance.plugin.outcomes import outcome_of
from nq_conformance.plugin.run import Run, judged
from nq_conformance.report.outcome import Failure, Outcome, Status
from nq_conformance.report.result import Evidence


class EvidenceKeeper:
    """Keeps outcomes as they come in, and the plan."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._outcomes: list[Outcome] = []
        self._crashed: dict[str, str] = {}
        self._taken: Plans | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a test's outcome; a failure without one comes from a worker that died."""
        outcome = outcome_of(report)
        if outcome is not None:
            self._outcomes.append(outcome)
        elif report.failed:
            self._crashed[report.nodeid] = report.longreprtext

    def take_plans(self, plans: Plans) -> None:
        """Use the plan that a worker sent."""
        self._taken = plans

    def plans(self, config: pytest.Config) -> Plans | None:
        """What was to run; ``None`` where the collection of tests did not get to its end."""
        return self._taken or config.stash.get(PLAN, None)

    def evidence(self, config: pytest.Config, *, fake_service: bool) -> Evidence:
        """Everything, to be judged."""
        known = self.plans(config)
        plans = known or Plans()
        narrowed = known is not None and (bool(known.narrowed) or self._left_out(known))
        return Evidence(
            tuple(judged(target) for target in self._run.targets),
            plans.planned,
            [*self._outcomes, *self._crashes(plans)],
            plans.narrowed,
            self._run.narrowed or narrowed,
            fake_service,
            troubles=() if known else ("the suite's tests could not be collected",),
        )

    def _left_out(self, plans: Plans) -> bool:
        """Whether a file of the suite was left out on the command line, or by ``--lf``."""
        untested = self._run.scope.untested
        return any(
            self._run.may_run(target, rule) and rule not in plans.planned.get(target.id, {})
            for target in self._run.targets
            for rule in self._run.scope.catalogue.rules
            if rule not in untested
        )

    def _crashes(self, plans: Plans) -> list[Outcome]:
        crashed = []
        for adapter, rules in plans.planned.items():
            for rule, tests in rules.items():
                for test in tests:
                    if test.node_id in self._crashed:
                        failure = Failure("the test ends", "the process it ran in died")
                        crashed.append(
                            Outcome(rule, adapter, test.backend, test.node_id, Status.FAILED, failure=failure)
                        )
        return crashed
