"""An adapter behind ``stdio:``: the reference, which keeps the rules, keeps them from there as well."""

from __future__ import annotations

import ast
import sys

import pytest

from plugin.kit_runs import SRC, KitRuns

TARGET = f"stdio:{sys.executable} -m nq_conformance.adapters.host nq_reference:MemoryProvider"
LEFT_OUT = "left out, as the adapter is in another process"
RULES = (
    *("CON-02", "CON-03", "CTX-04", "DSP-05", "DSP-07", "ENQ-14", "ENQ-17", "ENQ-18"),
    *("LIFE-03", "LIFE-08", "QRY-01", "RTY-13", "RUN-06", "SCH-16", "SCH-17"),
)
"""Of optional operations, of get_worker, of errors of any kind, and of what JSON has no form for."""
SLOW = ("any_text", "any_integer", "makes_no_further_job", "an_idle_worker", "nothing_is_called")


def test_the_reference_keeps_rules_whose_cases_hardly_cross(kit: KitRuns) -> None:
    """What can't cross is left out by name, and every rule has cases that do."""
    rules = [f"--nq-rule={rule}" for rule in RULES]
    chosen = " and ".join(f"not {words}" for words in SLOW)
    result = kit.run(f"--nq-adapter={TARGET}", "--nq-run-blocked", *rules, "-k", chosen)
    assert result.ret == pytest.ExitCode.OK
    lines = result.stdout.lines
    assert any(line.split() == ["all", str(len(RULES))] for line in lines)
    for what in (
        "NaN or an infinite number",
        "a value of type bytes",
        "a key of type int",
        "what holds itself",
    ):
        assert any(f"{LEFT_OUT}: {what}" in line for line in lines)
    assert any(f"{LEFT_OUT}: what lives in its process after close()" in line for line in lines)


def test_no_rule_rests_on_tests_alone_that_look_into_the_process() -> None:
    """Or it would be passed, from another process, without a single case."""
    tests: dict[str, list[bool]] = {}
    for file in (SRC / "nq_conformance" / "suite").glob("test_*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for rule in _rules(node):
                tests.setdefault(rule, []).append("lab.can_see(" in ast.unparse(node))
    assert any(any(looks) for looks in tests.values())
    assert [rule for rule, looks in tests.items() if all(looks)] == []


def _rules(node: ast.stmt) -> list[str]:
    """The rules that a function of the suite is decorated with."""
    calls = [d for d in getattr(node, "decorator_list", []) if isinstance(d, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "rule"]
    return [ast.literal_eval(call.args[0]) for call in named]
