"""Does not start a rule's test when a rule that it rests on has already failed in this process.

What runs in another process or before its root is found out at the end, from the verdicts.
"""

from __future__ import annotations

import pytest

from nq_conformance.plugin.collection import ABOUT, About
from nq_conformance.plugin.outcomes import outcome_of
from nq_conformance.plugin.run import Run, judged
from nq_conformance.report.outcome import Status
from nq_conformance.report.verdict import failed_root

BLOCKED_BY = pytest.StashKey[str]()


class Blocking:
    """Remembers failed rules and skips what rests on them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._failed: dict[str, set[tuple[str, str]]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip a blocked item. A waived rule runs always: its entry might be stale."""
        about = item.stash.get(ABOUT, None)
        if about is None or self._run.options.run_blocked or self._is_waived(about):
            return
        failed = frozenset(self._failed.get(about.target.id, ()))
        root = failed_root(self._run.scope.catalogue, about.rule, about.backend, failed)
        if root is not None:
            item.stash[BLOCKED_BY] = root
            pytest.skip(f"blocked: it rests on {root}, which failed")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember failures. A waived one blocks nothing beforehand: what rests on it may still pass."""
        outcome = outcome_of(report)
        if outcome is None or outcome.status is not Status.FAILED or hasattr(report, "wasxfail"):
            return
        self._failed.setdefault(outcome.adapter, set()).add((outcome.rule, outcome.backend))

    def _is_waived(self, about: About) -> bool:
        return self._run.scope.waivers.find(about.rule, judged(about.target)) is not None
