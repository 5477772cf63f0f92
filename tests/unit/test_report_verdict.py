"""From outcomes to verdicts."""

from __future__ import annotations

import datetime as dt

from report_samples import adapter, outcome, plan, scope

from nq_conformance.report.outcome import Outcome, Status, merged
from nq_conformance.report.result import Evidence, conclude
from nq_conformance.report.verdict import RuleVerdict, Scope, Verdict, judge
from nq_conformance.report.waivers import Waiver, Waivers

FAILED, PASSED = Status.FAILED, Status.PASSED


def verdict(rule: str, *outcomes: Outcome, about: Scope | None = None) -> RuleVerdict:
    """The verdict on one rule after these outcomes, of which all were planned on both event loops."""
    planned = plan("ENQ-01", "ENQ-02", "ENQ-03", backends=("asyncio", "trio"))
    return {v.rule: v for v in judge(adapter(), about or scope(), planned, outcomes)}[rule]


def both(rule: str, status: Status = PASSED) -> tuple[Outcome, Outcome]:
    """The same on both event loops."""
    return outcome(rule, status), outcome(rule, status, "trio")


def waived(rule: str) -> Scope:
    """A run with a waiver for the rule."""
    entry = Waiver("w.toml", 1, rule, None, "known", "https://example.org", dt.date(2999, 1, 1))
    return scope(waivers=Waivers((entry,)))


def test_a_rule_passes_when_all_its_tests_passed() -> None:
    """On every event loop."""
    assert verdict("ENQ-01", *both("ENQ-01")).verdict is Verdict.PASSED


def test_a_rule_fails_when_one_of_its_tests_failed() -> None:
    """The reason names the event loop."""
    found = verdict("ENQ-01", outcome("ENQ-01"), outcome("ENQ-01", FAILED, "trio"))
    assert (found.verdict, found.reason) == (Verdict.FAILED, "on trio: two")


def test_a_rule_of_which_a_test_did_not_run_has_not_passed() -> None:
    """It is inconclusive."""
    found = verdict("ENQ-01", outcome("ENQ-01"))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason == "1 of 2 tests did not run: the run ended early"


def test_a_failure_weighs_more_than_the_environment() -> None:
    """Failed beside inconclusive is failed."""
    outcomes = outcome("ENQ-01", FAILED), outcome("ENQ-01", Status.INCONCLUSIVE, "trio", reason="moon")
    assert verdict("ENQ-01", *outcomes).verdict is Verdict.FAILED


def test_a_failed_rule_is_blocked_by_the_deepest_failed_rule_it_rests_on() -> None:
    """Not by the one in between, which is blocked itself."""
    outcomes = [o for r in ("ENQ-01", "ENQ-02", "ENQ-03") for o in both(r, FAILED)]
    found = verdict("ENQ-03", *outcomes)
    assert (found.verdict, found.blocked_by) == (Verdict.BLOCKED, "ENQ-01")


def test_a_root_that_failed_on_another_event_loop_explains_nothing() -> None:
    """Each event loop for itself."""
    outcomes = (
        outcome("ENQ-01", FAILED),
        outcome("ENQ-01", backend="trio"),
        outcome("ENQ-02"),
        outcome("ENQ-02", FAILED, "trio"),
    )
    assert verdict("ENQ-02", *outcomes).verdict is Verdict.FAILED


def test_a_waived_failure_is_waived() -> None:
    """With the waiver's reason."""
    found = verdict("ENQ-01", *both("ENQ-01", FAILED), about=waived("ENQ-01"))
    assert found.verdict is Verdict.WAIVED
    assert found.reason == "known (https://example.org, until 2999-01-01)"


def test_a_waived_root_blocks_what_fails_on_it() -> None:
    """A waiver excuses its own rule only."""
    outcomes = (*both("ENQ-01", FAILED), *both("ENQ-02", FAILED))
    assert verdict("ENQ-02", *outcomes, about=waived("ENQ-01")).verdict is Verdict.BLOCKED


def test_a_rule_whose_claims_are_missing_is_not_claimed() -> None:
    """The missing claim is named."""
    found = verdict("SCH-01")
    assert (found.verdict, found.reason) == (Verdict.NOT_CLAIMED, "needs cron")


def test_a_rule_without_a_test_is_untested() -> None:
    """With its reason."""
    found = verdict("ORD-01")
    assert (found.verdict, found.reason) == (Verdict.UNTESTED, "nobody wrote one")


def test_a_rule_that_is_not_asked_for_is_not_selected() -> None:
    """Whatever else is to be said of it."""
    assert verdict("SCH-01", about=scope("ENQ-01")).verdict is Verdict.NOT_SELECTED


def test_the_worst_phase_of_a_test_counts() -> None:
    """A broken teardown after a passed call is a failure; durations add up."""
    phases = outcome("ENQ-01", duration_ms=2), outcome("ENQ-01", FAILED, duration_ms=3)
    whole = merged(phases)["ENQ-01[asyncio]"]
    assert (whole.status, whole.duration_ms) == (FAILED, 5)


def test_an_outcome_survives_json() -> None:
    """As it must, between processes."""
    one = outcome("ENQ-01", FAILED, notes=("a",))
    assert Outcome.from_dict({**one.to_dict(), "notes": ["a"]}) == one


def test_a_claim_is_unproven_when_its_rules_need_another_claim() -> None:
    """Cron is declared here by an adapter without workers, which the cron rule needs."""
    evidence = Evidence([adapter("cron", worker=False)], {"shelf": plan("ENQ-01")}, [], (), False, False)
    result = conclude(scope(), evidence)
    assert (
        "cron is declared, but none of its rules was run: SCH-01 needs worker" in result.adapters[0].problems
    )


def test_a_remark_is_told_once_with_its_count() -> None:
    """A broken clean-up would else fill the screen."""
    outcomes = [outcome("ENQ-01", remarks=("it leaks",)), outcome("ENQ-02", remarks=("it leaks",))]
    evidence = Evidence([adapter()], {"shelf": plan("ENQ-01", "ENQ-02")}, outcomes, (), False, False)
    assert conclude(scope(), evidence).adapters[0].warnings == ("it leaks (2 tests)",)
