"""The JSON report of a run."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from nq_conformance.report.document import schema
from plugin.kit_runs import TARGET, KitRuns

SUITE = """
@rule("ENQ-02")
async def test_stores(lab): pass

@rule("CON-01")
async def test_limit(lab):
    queue = await lab.queue()
    await queue.add(1)
    raise Violation(expected="one", seen="two\\udc80", slow=True)

@rule("ORD-01")
async def test_order(lab): pass
"""


def report(kit: KitRuns, *args: str) -> dict[str, Any]:
    """The report of a run, checked against its schema."""
    kit.run("--nq-report=report.json", *args)
    loaded: dict[str, Any] = json.loads((kit.path / "report.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    validator.validate(loaded)
    return loaded


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_report_has_verdicts_failures_and_circumstances(kit: KitRuns, workers: tuple[str, ...]) -> None:
    """It is written although the run fails, and the same with workers."""
    kit.suite(SUITE)
    found = report(kit, f"--nq-adapter={TARGET}", "--nq-seed=7", *workers)
    verdicts = {v["rule"]: v for v in found["adapters"][0]["verdicts"]}
    assert {v: verdicts[v]["verdict"] for v in ("ENQ-02", "CON-01", "SCH-08", "RPC-01")} == {
        "ENQ-02": "passed",
        "CON-01": "failed",
        "SCH-08": "not claimed",
        "RPC-01": "not claimed",
    }
    failure = verdicts["CON-01"]["failures"][0]
    assert (failure["expected"], failure["slow"], failure["fault"]) == ("one", True, "adapter")
    assert failure["timeline"][0].endswith("call init")
    assert failure["repeat"].startswith("pytest --nq-adapter=shelf:Provider --nq-rule CON-01 --nq-backend ")
    assert found["run"]["seed"] == 7
    assert found["summary"]["exitCode"] == 1
    assert found["partial"] is False


def test_a_partial_run_is_marked(kit: KitRuns) -> None:
    """And earns no profile."""
    kit.suite(SUITE)
    found = report(kit, f"--nq-adapter={TARGET}", "--nq-rule=ENQ-02")
    assert found["partial"] is True
    assert not any(profile["earned"] for profile in found["adapters"][0]["profiles"])


def test_a_fake_service_is_marked_and_earns_nothing(kit: KitRuns) -> None:
    """An imitation of Redis proves little about Redis."""
    kit.suite('@rule("ENQ-02")\nasync def test_stores(lab): assert lab.setting.url')
    kit.shelf('service = "redis"\nname = "needy"\ndef __init__(self, url="", prefix=""): self.jobs = {}')
    found = report(kit, "--nq-adapter=other:Provider", "--nq-redis=fake")
    assert [service["real"] for service in found["services"]] == [False]
    assert not any(profile["earned"] for profile in found["adapters"][0]["profiles"])


def test_a_fake_service_is_told_in_the_summary(kit: KitRuns) -> None:
    """The summary says that it does not certify."""
    kit.suite('@rule("ENQ-02")\nasync def test_stores(lab): pass')
    kit.shelf('service = "redis"\nname = "needy"\ndef __init__(self, url="", prefix=""): self.jobs = {}')
    result = kit.run("--nq-adapter=other:Provider", "--nq-redis=fake")
    result.stdout.fnmatch_lines(["fakeredis: does not certify. *"])
