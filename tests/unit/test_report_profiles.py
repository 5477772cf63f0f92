"""What an adapter earns."""

from __future__ import annotations

import pytest
from report_samples import CATALOGUE

from nq_conformance.report.profiles import ProfileResult, profile_line, profile_results
from nq_conformance.report.verdict import RuleVerdict, Verdict

P, F, N, U = Verdict.PASSED, Verdict.FAILED, Verdict.NOT_CLAIMED, Verdict.UNTESTED
WORKER = frozenset({"worker"})


def result(
    name: str, verdicts: dict[str, Verdict], claims: frozenset[str] = WORKER, *, awards: bool = True
) -> ProfileResult:
    """The result for one profile; rules that are not named passed."""
    found = {rule: RuleVerdict(rule, verdicts.get(rule, P)) for rule in CATALOGUE.rules}
    return next(p for p in profile_results(CATALOGUE, claims, found, awards=awards) if p.name == name)


def test_a_profile_is_earned_when_all_its_tested_rules_passed() -> None:
    """Rules without a test do not stand in the way, and are told."""
    found = result("core", {})
    assert (found.earned, profile_line(found)) == (
        True,
        "core: earned (3 of 3 rules have a test, and all of them passed)",
    )


def test_untested_rules_are_told_with_an_earned_profile() -> None:
    """So that nobody takes it for more than it is."""
    line = profile_line(result("core", {"ENQ-03": U}))
    assert line == "core: earned (partly tested: 2 of 3 rules have a test, and all of them passed)"


def test_one_rule_that_did_not_pass_costs_the_profile() -> None:
    """It is named with its verdict."""
    line = profile_line(result("core", {"ENQ-02": F, "ENQ-03": Verdict.BLOCKED}))
    assert line == "core: not earned (ENQ-02 failed, ENQ-03 blocked; 3 of 3 rules have a test)"


def test_a_waived_rule_costs_the_profile() -> None:
    """A waiver keeps a run green, not a badge."""
    assert not result("core", {"ENQ-02": Verdict.WAIVED}).earned


def test_rules_of_capabilities_that_are_not_claimed_do_not_count() -> None:
    """The cron rule belongs to the worker profile only where cron is claimed."""
    assert result("worker", {"SCH-01": N, "ORD-01": P}).rules == 1
    assert result("worker", {"SCH-01": P, "ORD-01": P}, WORKER | {"cron"}).rules == 2


@pytest.mark.parametrize("name", ["durable", "distributed", "runtime"])
def test_a_profile_whose_claim_is_missing_is_not_claimed(name: str) -> None:
    """Nothing is said about its rules."""
    assert profile_line(result(name, {})) == f"{name}: not claimed"


def test_a_profile_without_a_single_test_is_not_earned() -> None:
    """Nothing is green by default."""
    found = result("worker", {"ORD-01": U, "SCH-01": N})
    assert (found.earned, profile_line(found)) == (
        False,
        "worker: not earned, no rule of it has a test yet",
    )


def test_a_run_that_awards_nothing_earns_nothing() -> None:
    """Although everything passed."""
    assert not result("core", {}, awards=False).earned
