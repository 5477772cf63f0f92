"""Waivers in a run: shown as expected failures, and complained of when they do no good."""

from __future__ import annotations

import pytest

from plugin.kit_runs import TARGET, KitRuns

OK, FAILED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED
WRONG = '@rule("CON-01")\nasync def test_limit(lab): raise Violation(expected="one", seen="two")\n'
RIGHT = '@rule("ENQ-02")\nasync def test_stores(lab): pass\n'


def entry(rule: str, more: str = "") -> str:
    """One entry of a waiver file."""
    return (
        f'[[waiver]]\nrule = "{rule}"\nreason = "known"\nlink = "https://example.org/1"\n'
        f"expires = 2999-01-31\n{more}\n"
    )


def run(kit: KitRuns, entries: str, *args: str) -> pytest.RunResult:
    """Judge the shelf on its own event loops, with these waivers."""
    kit.file("w.toml", entries)
    return kit.run(f"--nq-adapter={TARGET}", "--nq-waivers=w.toml", *args)


def test_a_waived_failure_is_green_and_told(kit: KitRuns) -> None:
    """pytest shows it as an expected failure, the summary with reason and last day."""
    kit.suite(WRONG + RIGHT)
    result = run(kit, entry("CON-01", 'adapter = "shelf"'), "-rx")
    assert result.ret == OK
    result.stdout.fnmatch_lines(
        [
            "  waived        CON-01 MUST *",
            "                known (https://example.org/1, until 2999-01-31)",
            "XFAIL *test_limit?shelf-asyncio? - waived: known (https://example.org/1, until 2999-01-31)",
            "*= 2 passed, 2 xfailed in *",
        ]
    )


def test_a_waived_root_still_blocks_what_fails_on_it(kit: KitRuns) -> None:
    """A waiver excuses its own rule only."""
    kit.suite(WRONG + '@rule("ORD-01")\nasync def test_order(lab): raise Violation(expected="1", seen="2")')
    result = run(kit, entry("CON-01"))
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(
        ["                it rests on CON-01, which failed", "  shelf: 1 blocked: ORD-01"]
    )


def test_what_rests_on_a_waived_root_may_pass(kit: KitRuns) -> None:
    """So it is run."""
    kit.suite(WRONG + '@rule("ORD-01")\nasync def test_order(lab): pass')
    assert run(kit, entry("CON-01")).ret == OK


def test_a_waiver_for_a_rule_that_passes_is_stale(kit: KitRuns) -> None:
    """It has to go, or the next failure would hide behind it."""
    kit.suite(RIGHT)
    result = run(kit, entry("ENQ-02"))
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(
        [
            "Not green:",
            "  w.toml, waiver 1 (ENQ-02) is stale: shelf passes this rule now. Remove*",
        ]
    )


def test_a_waiver_is_not_stale_where_some_tests_were_left_out(kit: KitRuns) -> None:
    """The one that fails might be among them."""
    kit.suite(RIGHT + '@rule("ENQ-02")\nasync def test_more(lab): raise Violation(expected="1", seen="2")')
    assert run(kit, entry("ENQ-02"), "-k", "test_stores").ret == OK


@pytest.mark.parametrize("rule", ["SCH-08", "RPC-01"])
def test_a_waiver_for_a_rule_that_does_not_apply_is_an_error(kit: KitRuns, rule: str) -> None:
    """Not claimed, or without a test: there is nothing to excuse."""
    kit.suite(RIGHT)
    result = run(kit, entry(rule))
    assert result.ret == FAILED
    result.stdout.fnmatch_lines([f"*waiver 1 ({rule}) matches nothing: the rule is *. Remove*"])


def test_a_narrowed_run_leaves_other_waivers_alone(kit: KitRuns) -> None:
    """What is not selected is not judged."""
    kit.suite(RIGHT)
    assert run(kit, entry("CON-01") + entry("SCH-08"), "--nq-rule=ENQ-02").ret == OK


def test_waivers_of_other_adapters_are_left_alone(kit: KitRuns) -> None:
    """One file may serve several adapters."""
    kit.suite(RIGHT)
    assert run(kit, entry("ENQ-02", 'adapter = "bullmq"')).ret == OK


def test_an_expired_waiver_ends_the_run_at_once(kit: KitRuns) -> None:
    """Nobody has to look through a summary for it."""
    kit.suite(RIGHT)
    result = run(kit, entry("ENQ-02").replace("2999", "2020"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (told,) = [line for line in result.errlines if line.startswith("ERROR")]
    assert told == (
        "ERROR: w.toml, waiver 1 (ENQ-02): it expired on 2020-01-31. "
        "Remove it if the adapter is mended, else give it a new date and say why in reason."
    )
