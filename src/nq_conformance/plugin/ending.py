"""The end of a run, in the controller: verdicts, exit status, report, header and summary."""

from __future__ import annotations

import datetime as dt
import platform
import shutil
from collections.abc import Generator
from typing import Any

import pytest

import nq_conformance
from nq_conformance.plugin.evidence import EvidenceKeeper
from nq_conformance.plugin.run import Run
from nq_conformance.plugin.servers import Servers
from nq_conformance.report.document import RunFacts, make_document
from nq_conformance.report.report_file import ReportError, write_document
from nq_conformance.report.result import RunResult, conclude
from nq_conformance.report.summary_text import summary_lines
from nq_conformance.report.wrapping import WIDTH

_JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


class Ending:
    """Hooks that tell the user what the run is about and what it found."""

    def __init__(self, config: pytest.Config, run: Run, servers: Servers, keeper: EvidenceKeeper) -> None:
        self._config = config
        self._run = run
        self._servers = servers
        self._keeper = keeper
        self._started = _now()
        self._result: RunResult | None = None
        self._report_problem: str | None = None

    def pytest_report_header(self) -> list[str]:
        """What is judged, and on what terms."""
        run = self._run
        kit = f"nq-conformance {nq_conformance.__version__}"
        lines = [f"{kit}: adapter {t.id} ({t.text}) on {', '.join(t.backends)}" for t in run.targets]
        selected, known = len(run.scope.selected), len(run.scope.catalogue.rules)
        rules = f"all {known} rules" if selected == known else f"{selected} of {known} rules"
        return [*lines, f"nq-conformance: {rules}, {run.told_time_scale}, seed {run.seed}"]

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int | pytest.ExitCode
    ) -> Generator[None, Any, None]:
        """Judge, set the exit status and write the report, after all others but before the summary."""
        outcome = yield
        if exitstatus == pytest.ExitCode.INTERRUPTED and outcome.excinfo is not None:
            outcome.force_result([])  # a test that was broken off can't be torn down; that is no news
        if self._config.option.collectonly or exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        fake = any(not info.real for info in self._servers.infos())
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
        evidence = self._keeper.evidence(self._config, fake_service=fake, interrupted=interrupted)
        self._result = conclude(self._run.scope, evidence)
        if exitstatus in _JUDGED:
            nothing = not any(evidence.plans.values())
            session.exitstatus = self._exit_status(self._result, nothing=nothing)
        self._write(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary."""
        if self._result is None:
            return
        terminalreporter.section("conformance")
        for line in summary_lines(self._result, shutil.get_terminal_size((WIDTH, 24)).columns):
            terminalreporter.write_line(line)
        if self._run.options.report is not None:
            told = self._report_problem or f"Report written to {self._run.options.report}"
            terminalreporter.write_line(told)

    def _exit_status(self, result: RunResult, *, nothing: bool) -> pytest.ExitCode:
        if nothing:
            return pytest.ExitCode.NO_TESTS_COLLECTED
        return pytest.ExitCode.OK if result.green else pytest.ExitCode.TESTS_FAILED

    def _write(self, session: pytest.Session) -> None:
        file = self._run.options.report
        if file is None or self._result is None:
            return
        facts = RunFacts(
            kit=nq_conformance.__version__,
            python=platform.python_version(),
            platform=platform.platform(),
            started=self._started,
            finished=_now(),
            seed=self._run.seed,
            time_scale=self._run.time_scale,
        )
        document = make_document(self._result, facts, self._servers.entries(), int(session.exitstatus))
        try:
            write_document(file, document)
        except ReportError as error:
            self._report_problem = str(error)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
