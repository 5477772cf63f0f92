"""What a run says about rules, and that it ends well only if everything is well."""

from __future__ import annotations

import pytest

from plugin.kit_runs import TARGET, KitRuns

OK, FAILED, NOTHING = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED
PASSING = """
@rule("ENQ-02")
async def test_stores(lab): pass
"""
ROOT_AND_BRANCH = """
@rule("ORD-01")
async def test_branch(lab): raise Violation(expected="order", seen="none")

@rule("CON-01")
async def test_root(lab): raise Violation(expected="one", seen="two")
"""


def test_a_run_in_which_all_pass_is_green(kit: KitRuns) -> None:
    """Exit status 0, and the summary tells how little of a profile was tested."""
    kit.suite(PASSING)
    result = kit.run(f"--nq-adapter={TARGET}")
    assert result.ret == OK
    result.stdout.fnmatch_lines(
        [
            "*= conformance =*",
            "shelf (shelf:Provider) on asyncio, trio",
            "  area  level     passed  not claimed  untested",
            "  ENQ   MUST           1            3        14",
            "  all                  1*",
            "    core: earned (partly tested: 1 of * rules have a test, and all of them passed)",
            "    worker: not earned, no rule of it has a test yet",
            "    durable: not claimed",
            "All rules that ran passed or are waived.",
        ]
    )


def test_a_failed_rule_fails_the_run(kit: KitRuns) -> None:
    """The summary names rule and reason."""
    kit.suite('@rule("ENQ-02")\nasync def test_stores(lab): raise Violation(expected="one", seen="two")')
    result = kit.judge()
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(
        [
            "  failed        ENQ-02 MUST *",
            "                on asyncio: two",
            "Not green:",
            "  shelf: 1 failed: ENQ-02",
        ]
    )


def test_a_rule_is_not_run_when_one_it_rests_on_has_failed(kit: KitRuns) -> None:
    """It is blocked, by the name of its root."""
    kit.suite(ROOT_AND_BRANCH)
    result = kit.judge()
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(
        [
            "  blocked       ORD-01 MUST *",
            "                it rests on CON-01, which failed",
            "  shelf: 1 blocked: ORD-01",
            "*= 1 failed, 1 blocked in *",
        ]
    )


def test_blocked_rules_run_when_asked_for(kit: KitRuns) -> None:
    """With ``--nq-run-blocked`` both fail, and the verdict still names the root."""
    kit.suite(ROOT_AND_BRANCH)
    result = kit.judge("--nq-run-blocked")
    result.stdout.fnmatch_lines(["  shelf: 1 blocked: ORD-01", "*= 2 failed in *"])


def test_a_root_that_failed_in_another_process_blocks(kit: KitRuns) -> None:
    """Each worker runs one test; the controller sees that one explains the other."""
    kit.suite(ROOT_AND_BRANCH)
    result = kit.judge("-n2", "--nq-run-blocked")
    result.stdout.fnmatch_lines(["  shelf: 1 failed: CON-01", "  shelf: 1 blocked: ORD-01"])


def test_an_inconclusive_rule_is_not_green(kit: KitRuns) -> None:
    """It is told apart from a failure: the environment is to blame."""
    kit.suite('@rule("ENQ-02")\nasync def test_stores(lab): raise Inconclusive("the disk is full")')
    result = kit.judge()
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(
        ["  inconclusive  ENQ-02 MUST *", "                the disk is full", "*= 1 inconclusive in *"]
    )


def test_a_skipped_test_is_inconclusive(kit: KitRuns) -> None:
    """Whoever skips it: a rule of which nothing ran has not passed."""
    kit.suite('import pytest\n@rule("ENQ-02")\nasync def test_stores(lab): pytest.skip("no time")')
    result = kit.judge()
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["                the test was skipped: no time"])


def test_a_broken_teardown_fails_the_rule(kit: KitRuns) -> None:
    """A test that passed and could not be cleaned up after has not passed."""
    kit.suite(
        """
        import pytest

        @pytest.fixture
        def broken():
            yield
            raise OSError("can't let go")

        @rule("ENQ-02")
        async def test_stores(broken, lab): pass
        """
    )
    result = kit.judge()
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["  shelf: 1 failed: ENQ-02"])


def test_a_run_in_which_nothing_is_selected_is_not_green(kit: KitRuns) -> None:
    """It ends as pytest does when it found no tests."""
    kit.suite(PASSING)
    assert kit.judge("-k", "nothing_like_it").ret == NOTHING


def test_a_run_in_which_nothing_is_selected_is_not_green_under_xdist(kit: KitRuns) -> None:
    """The same with workers."""
    kit.suite(PASSING)
    assert kit.judge("-k", "nothing_like_it", "-n2").ret == NOTHING


def test_an_adapter_for_which_nothing_ran_is_not_green(kit: KitRuns) -> None:
    """Even if another adapter passed."""
    kit.suite('@rule("CON-01")\nasync def test_limit(lab): pass')
    kit.shelf('name = "lame"\nworker_manager = None')
    result = kit.judge("--nq-adapter=other:Provider")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["Not green:", "  lame: no rule was run"])


def test_a_claim_that_nothing_could_prove_is_not_green(kit: KitRuns) -> None:
    """The cron rules need a worker, and this adapter has none."""
    kit.suite(PASSING + '\n@rule("SCH-08")\nasync def test_ticks(lab): pass')
    kit.shelf('capabilities = ("cron",)\nworker_manager = None')
    result = kit.run("--nq-adapter=other:Provider", "--nq-backend=asyncio")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(
        ["  shelf: cron is declared, but none of its rules was run: SCH-08 needs worker"]
    )


def test_a_claim_without_a_tested_rule_is_told(kit: KitRuns) -> None:
    """It is no fault of the adapter's."""
    kit.suite(PASSING)
    kit.shelf('capabilities = ("cron_seconds",)')
    result = kit.run("--nq-adapter=other:Provider", "--nq-backend=asyncio")
    assert result.ret == OK
    result.stdout.fnmatch_lines(["  warning: declared, but no rule tests it yet: cron_seconds"])


def test_a_capability_that_works_undeclared_is_told(kit: KitRuns) -> None:
    """The test notes it."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_stores(lab, record_property): record_property("nq_note", "remove_job")
        """
    )
    kit.judge().stdout.fnmatch_lines(["  also works, though not declared: remove_job"])


@pytest.mark.parametrize("narrowing", ["--nq-rule=ENQ-02", "-k test_stores", "--nq-backend=asyncio"])
def test_a_narrowed_run_awards_nothing(kit: KitRuns, narrowing: str) -> None:
    """It passes, and says that it is partial."""
    kit.suite(PASSING + '\n@rule("QRY-02")\nasync def test_other(lab): pass')
    result = kit.run(f"--nq-adapter={TARGET}", *narrowing.split())
    assert result.ret == OK
    result.stdout.fnmatch_lines(
        [
            "  profiles: none awarded, because this run is partial",
            "Partial run: only a part of the rules was selected. It awards nothing.",
        ]
    )


def test_a_run_that_stops_early_has_not_passed_the_rest(kit: KitRuns) -> None:
    """After ``-x``, what did not run is inconclusive."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_first(lab): raise Violation(expected="one", seen="two")

        @rule("LIFE-01")
        async def test_second(lab): pass
        """
    )
    result = kit.judge("-x")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["                1 of 1 tests did not run: the run ended early"])


def test_a_worker_that_dies_fails_the_rule(kit: KitRuns) -> None:
    """xdist reports the crash; the verdict is found by the test's id."""
    kit.suite(
        """
        import os

        @rule("ENQ-02")
        async def test_dies(lab): os._exit(3)

        @rule("LIFE-01")
        async def test_lives(lab): pass
        """
    )
    result = kit.judge("-n1")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["  failed        ENQ-02 MUST *", "*the process it ran in died"])


def test_a_suite_that_can_not_be_imported_is_not_green(kit: KitRuns) -> None:
    """pytest's error stays, and nothing is claimed to have passed."""
    kit.suite("import nowhere_to_be_found")
    result = kit.judge()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["Not green:", "  the suite's tests could not be collected"])


def test_collecting_alone_judges_nothing(kit: KitRuns) -> None:
    """``--collect-only`` ends well and without a summary."""
    kit.suite(PASSING)
    result = kit.judge("--collect-only")
    assert result.ret == OK
    result.stdout.no_fnmatch_line("*= conformance =*")


def test_last_failed_runs_what_failed(kit: KitRuns) -> None:
    """``--lf`` works with the suite's ids."""
    kit.suite(
        PASSING + '\n@rule("LIFE-01")\nasync def test_wrong(lab): raise Violation(expected="1", seen="2")'
    )
    cache = ("-p", "cacheprovider")
    kit.judge(*cache)
    result = kit.judge(*cache, "--lf")
    result.stdout.fnmatch_lines(["*= 1 failed, 1 deselected*"])


def test_the_users_own_failures_count_too(kit: KitRuns) -> None:
    """In a mixed run, a green suite does not hide them."""
    kit.suite(PASSING)
    kit.file("test_mine.py", "def test_mine(): assert False")
    result = kit.judge("--nq-suite", "test_mine.py")
    assert result.ret == FAILED
    result.stdout.fnmatch_lines(["All rules that ran passed or are waived.", "*= 1 failed, 1 passed in *"])
