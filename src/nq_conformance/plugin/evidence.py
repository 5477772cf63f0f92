"""Collects in the controller what all processes of the run found out."""

from __future__ import annotations

import pytest

from nq_conformance.plugin.collection import PLAN, Plans
from nq_conformance.plugin.outcomes import outcome_of
from nq_conformance.plugin.run import Run, judged
from nq_conformance.report.outcome import Failure, Outcome, Status
from nq_conformance.report.result import Evidence
from nq_conformance.report.verdict import PlannedTest

_NOT_COLLECTED = "the suite's tests could not be collected"
_INTERRUPTED = "the run was interrupted; of what its processes had not told by then nothing is known"


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

    def evidence(self, config: pytest.Config, *, fake_service: bool, interrupted: bool) -> Evidence:
        """Everything, to be judged. Of a run that was ``interrupted`` nobody may have told what was to
        run; then it is what did."""
        known = self.plans(config)
        plans = known or self._have_run()
        broken_off = interrupted and bool(self._outcomes)  # errors of the collection interrupt as well
        narrowed = broken_off or (known is not None and (bool(known.narrowed) or self._left_out(known)))
        trouble = _INTERRUPTED if broken_off else _NOT_COLLECTED
        return Evidence(
            tuple(judged(target) for target in self._run.targets),
            plans.planned,
            [*self._outcomes, *self._crashes(plans)],
            plans.narrowed,
            self._run.narrowed or narrowed,
            fake_service,
            troubles=() if known else (trouble,),
        )

    def _have_run(self) -> Plans:
        plans = Plans()
        for outcome in self._outcomes:
            tests = plans.planned.setdefault(outcome.adapter, {}).setdefault(outcome.rule, [])
            tests.append(PlannedTest(outcome.node_id, outcome.backend))
        return plans

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
