"""Stores the histories of tests that did not pass, or of all tests, where ``--nq-histories`` says."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from nq_conformance.plugin.collection import ABOUT, About
from nq_conformance.plugin.fixtures import LAB
from nq_conformance.plugin.run import Run
from nq_conformance.report.history_file import HistoryError, write_history

_WANTED = pytest.StashKey[bool]()


class Histories:
    """One file a test, in every process of the run, written when the test's lab is closed."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self._folder = folder

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Remember who did not pass, and tell its file; write it after the teardown."""
        report = yield
        about = item.stash.get(ABOUT, None)
        if about is None:
            return report
        if call.excinfo is not None and LAB in item.stash:
            item.stash[_WANTED] = True
            report.sections.append(("nq-conformance history", str(self._file(item, about))))
        wanted = self._run.options.histories_of_all or item.stash.get(_WANTED, False)
        if call.when == "teardown" and wanted and LAB in item.stash:
            self._write(item, about)
        return report

    def _write(self, item: pytest.Item, about: About) -> None:
        lab = item.stash[LAB]
        facts = {
            "rule": about.rule,
            "adapter": about.target.id,
            "backend": about.backend,
            "nodeId": item.nodeid,
            "seed": str(self._run.seed),
        }
        try:
            write_history(self._file(item, about), lab.history.entries, facts)
        except HistoryError as error:
            lab.notes.append(str(error))  # told in the report; no fault of the adapter

    def _file(self, item: pytest.Item, about: About) -> Path:
        name = re.sub(r"[^\w.-]+", "-", f"{about.rule}-{item.name}").strip("-")
        return self._folder / f"{name}.jsonl"
