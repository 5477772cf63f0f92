"""Turns what pytest reports of a suite's test into an outcome, and a traceback into our text."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from nq_conformance.plugin.blocking import BLOCKED_BY
from nq_conformance.plugin.collection import ABOUT, About
from nq_conformance.plugin.fixtures import LAB
from nq_conformance.plugin.outcomes import attach, notes_of, outcome_of
from nq_conformance.plugin.run import Run, judged
from nq_conformance.plugin.servers import Servers
from nq_conformance.report.diagnosis import Diagnoser
from nq_conformance.report.failure_text import Where, failure_text
from nq_conformance.report.outcome import Failure, Outcome, Status
from nq_conformance.report.wrapping import printable

_LETTERS = {Status.BLOCKED: "b", Status.INCONCLUSIVE: "i"}
_WITH_TRACEBACK = ("long", "native")


class Recording:
    """Hooks on the reports of single tests; in every process of the run."""

    def __init__(self, run: Run, servers: Servers) -> None:
        self._run = run
        self._servers = servers
        self._tests_of_rule: dict[str, set[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests of each rule: with several, the command to repeat one must name it."""
        for item in session.items:
            about = item.stash.get(ABOUT, None)
            if about is not None:
                self._tests_of_rule.setdefault(about.rule, set()).add(_test_name(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the outcome, and reword the report of a test that did not pass."""
        report = yield
        about = item.stash.get(ABOUT, None)
        if about is not None:
            outcome = self._outcome(item, about, call, report)
            if call.when != "setup" or outcome.status is not Status.PASSED:
                attach(report, outcome)  # a test that was set up, and no more, has not passed
            self._reword(item, about, report, outcome)
            if call.when == "teardown" and LAB in item.stash:
                del item.stash[LAB]  # items live as long as the run, histories need not
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Blocked and inconclusive have a name and a letter of their own."""
        outcome = outcome_of(report) if isinstance(report, pytest.TestReport) else None
        if outcome is None or outcome.status not in _LETTERS:
            return None
        word = outcome.status.value
        return word, _LETTERS[outcome.status], (word.upper(), {"yellow": True})

    def _outcome(
        self, item: pytest.Item, about: About, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> Outcome:
        status, reason, failure = self._status(item, about, call)
        lab = item.stash.get(LAB, None)
        return Outcome(
            rule=about.rule,
            adapter=about.target.id,
            backend=about.backend,
            node_id=item.nodeid,
            status=status,
            duration_ms=round(report.duration * 1000),
            reason=reason,
            blocked_by=item.stash.get(BLOCKED_BY, None) if status is Status.BLOCKED else None,
            failure=failure,
            notes=notes_of(item),
            remarks=tuple(map(printable, lab.notes)) if lab is not None and call.when == "teardown" else (),
        )

    def _status(
        self, item: pytest.Item, about: About, call: pytest.CallInfo[None]
    ) -> tuple[Status, str | None, Failure | None]:
        if call.excinfo is None:
            return Status.PASSED, None, None
        error = call.excinfo.value
        if BLOCKED_BY in item.stash:
            return Status.BLOCKED, f"it rests on {item.stash[BLOCKED_BY]}, which failed", None
        diagnoser = Diagnoser((self._run.suite_dir,), self._run.scope.catalogue.get(about.rule).hints)
        reason = diagnoser.inconclusive(error)
        if reason is None and isinstance(error, pytest.skip.Exception):
            reason = printable(f"the test was skipped: {error.msg or 'no reason given'}")
        if reason is None:
            reason = self._servers.trouble(about.target.adapter)
        if reason is not None:
            return Status.INCONCLUSIVE, reason, None
        lab = item.stash.get(LAB, None)
        failure = diagnoser.failure(error, lab.history if lab is not None else None)
        return Status.FAILED, None, self._failure(item, about, failure)

    def _failure(self, item: pytest.Item, about: About, failure: Failure) -> Failure:
        several = len(self._tests_of_rule.get(about.rule, ())) > 1
        name = _test_name(item) if several else None
        seeded = "nq_drawing" not in getattr(item, "fixturenames", ())
        command = self._run.repeat(about.target, seeded=seeded).command(about.rule, about.backend, name)
        return failure.with_repeat(command)

    def _reword(self, item: pytest.Item, about: About, report: pytest.TestReport, outcome: Outcome) -> None:
        if outcome.status is Status.INCONCLUSIVE:
            report.outcome = "skipped"
            path, line, _ = item.location
            report.longrepr = (path, (line or 0) + 1, f"inconclusive: {outcome.reason}")
        elif outcome.failure is not None:
            self._reword_failure(item, about, report, outcome.failure)

    def _reword_failure(
        self, item: pytest.Item, about: About, report: pytest.TestReport, failure: Failure
    ) -> None:
        waiver = self._run.scope.waivers.find(about.rule, judged(about.target))
        if waiver is not None:
            report.outcome = "skipped"
            report.wasxfail = f"waived: {waiver.text()}"
        rule = self._run.scope.catalogue.get(about.rule)
        text = failure_text(rule, failure, Where(about.target.id, about.backend))
        option = item.config.option
        if option.fulltrace or option.tbstyle in _WITH_TRACEBACK:
            text = f"{text}\n\n{report.longreprtext}"
        report.longrepr = text


def _test_name(item: pytest.Item) -> str:
    return getattr(item, "originalname", None) or item.name
