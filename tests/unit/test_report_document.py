"""The JSON report, its schema and its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report_samples import adapter, outcome, plan, scope

from nq_conformance.report.document import Document, RunFacts, ServiceEntry, make_document, schema, to_json
from nq_conformance.report.outcome import Failure, Status
from nq_conformance.report.report_file import ReportError, check_writable, write_document
from nq_conformance.report.result import Evidence, conclude

FACTS = RunFacts("0.1.0", "3.11", "linux", "2026-01-01T00:00:00+00:00", "2026-01-01T00:01:00+00:00", 7, 1.0)


def document() -> Document:
    """The report on a run with a failure, a blocked rule and a server."""
    outcomes = [
        outcome("ENQ-01", Status.FAILED, failure=Failure("one", "two", timeline=("+0 ms  call init",))),
        outcome("ENQ-02", Status.FAILED),
        outcome("ENQ-03", notes=("remove_job",)),
    ]
    plans = {"shelf": plan("ENQ-01", "ENQ-02", "ENQ-03")}
    result = conclude(scope(), Evidence([adapter("durable")], plans, outcomes, (), False, False))
    return make_document(result, FACTS, [ServiceEntry("redis", "local", "7.0", True)], 1)


def written() -> dict[str, Any]:
    """The report as JSON."""
    loaded: dict[str, Any] = json.loads(json.dumps(to_json(document())))
    return loaded


def test_a_report_keeps_to_its_schema() -> None:
    """The schema itself is a valid one, of draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(written())


@pytest.mark.parametrize("lost", ["schemaVersion", "adapters", "partial", "summary"])
def test_the_schema_misses_what_is_not_there(lost: str) -> None:
    """It would not be a check otherwise."""
    broken = written()
    del broken[lost]
    assert not jsonschema.Draft202012Validator(schema()).is_valid(broken)


def test_the_schema_knows_no_other_keys() -> None:
    """In a verdict, for one."""
    broken = written()
    broken["adapters"][0]["verdicts"][0]["color"] = "green"
    assert not jsonschema.Draft202012Validator(schema()).is_valid(broken)


def test_a_blocked_rule_names_its_root() -> None:
    """In camelCase, as everything."""
    verdicts = {v["rule"]: v for v in written()["adapters"][0]["verdicts"]}
    assert (verdicts["ENQ-02"]["verdict"], verdicts["ENQ-02"]["blockedBy"]) == ("blocked", "ENQ-01")


def test_the_summary_counts_verdicts() -> None:
    """Over all adapters."""
    counts = written()["summary"]["counts"]
    assert {v: n for v, n in counts.items() if n} == {
        "passed": 1,
        "failed": 1,
        "blocked": 1,
        "not claimed": 1,
        "untested": 1,
    }


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """An older report is gone, and nothing is left beside the new one."""
    file = tmp_path / "report.json"
    file.write_text("old", encoding="utf-8")
    write_document(file, document())
    assert json.loads(file.read_text(encoding="utf-8")) == written()
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_write_leaves_the_older_report(tmp_path: Path) -> None:
    """And no half of a new one; here the target is a folder that can't be replaced."""
    file = tmp_path / "report.json"
    (file / "full").mkdir(parents=True)
    with pytest.raises(ReportError, match="can't be written"):
        write_document(file, document())
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """It is found before the run."""
    with pytest.raises(ReportError, match=r"is a folder\. Give the name of a file in it"):
        check_writable(tmp_path)
