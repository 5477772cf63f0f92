"""Which tests run: adapters, event loops, rules, claims."""

from __future__ import annotations

from plugin.kit_runs import TARGET, KitRuns

THREE = """
@rule("ORD-01")
async def test_order(lab): pass

@rule("ENQ-02")
async def test_stores(lab): pass

@rule("SCH-08")
async def test_ticks(lab): pass
"""


def collected(kit: KitRuns, *args: str) -> list[str]:
    """The names of the tests that a run would run."""
    result = kit.run("--collect-only", "-q", *args)
    return [line.partition("::")[2] for line in result.outlines if "::" in line]


def test_each_test_runs_for_each_adapter_and_event_loop(kit: KitRuns) -> None:
    """Their names are in the test's id."""
    kit.suite(THREE)
    kit.shelf('name = "box"')
    ids = collected(kit, f"--nq-adapter={TARGET}", "--nq-adapter=other:Provider", "--nq-rule=ENQ-02")
    assert ids == [
        f"test_stores[{name}]" for name in ("shelf-asyncio", "shelf-trio", "box-asyncio", "box-trio")
    ]


def test_adapters_of_one_name_are_told_apart(kit: KitRuns) -> None:
    """The second of a name is numbered."""
    kit.suite(THREE)
    kit.shelf("pass")
    adapters = (f"--nq-adapter={TARGET}", "--nq-adapter=other:Provider", "--nq-backend=asyncio")
    assert collected(kit, *adapters, "--nq-rule=ENQ-02") == [
        "test_stores[shelf-asyncio]",
        "test_stores[shelf2-asyncio]",
    ]


def test_uvloop_runs_when_asked_for(kit: KitRuns) -> None:
    """``all`` means every event loop that is declared."""
    kit.suite(THREE)
    kit.shelf('async_backends = ("asyncio", "uvloop")')
    run = ("--nq-adapter=other:Provider", "--nq-rule=ENQ-02")
    assert collected(kit, *run) == ["test_stores[shelf-asyncio]"]
    assert collected(kit, *run, "--nq-backend=all") == [
        "test_stores[shelf-asyncio]",
        "test_stores[shelf-uvloop]",
    ]


def test_each_event_loop_is_the_one_it_says(kit: KitRuns) -> None:
    """The test runs on asyncio, on uvloop's loop, and on trio."""
    kit.suite(
        """
        import asyncio
        import sniffio

        @rule("ENQ-02")
        async def test_loop(lab):
            library = sniffio.current_async_library()
            loop = type(asyncio.get_running_loop()).__module__ if library == "asyncio" else ""
            raise Violation(expected="a look", seen=f"{library} {loop.partition('.')[0]}")
        """
    )
    kit.shelf('async_backends = ("asyncio", "trio", "uvloop")')
    result = kit.run("--nq-adapter=other:Provider", "--nq-backend=all")
    result.stdout.fnmatch_lines(
        ["*seen      asyncio asyncio", "*seen      trio", "*seen      asyncio uvloop"]
    )


def test_rules_are_chosen_by_id_area_and_profile(kit: KitRuns) -> None:
    """In any case, repeated or separated by commas."""
    kit.suite(THREE)
    kit.shelf('capabilities = ("cron",)')
    run = ("--nq-adapter=other:Provider", "--nq-backend=asyncio")
    assert collected(kit, *run, "--nq-rule=core") == ["test_stores[shelf-asyncio]"]
    both = collected(kit, *run, "--nq-rule=ord,life", "--nq-rule=sch-08")
    assert sorted(both) == ["test_order[shelf-asyncio]", "test_ticks[shelf-asyncio]"]


def test_tests_have_markers_for_area_level_and_profile(kit: KitRuns) -> None:
    """They are registered, so that strict markers do not mind."""
    kit.suite(THREE)
    run = (f"--nq-adapter={TARGET}", "--nq-backend=asyncio", "--strict-markers")
    assert collected(kit, *run, "-m", "ord and must and worker") == ["test_order[shelf-asyncio]"]


def test_tests_are_found_by_rule_id(kit: KitRuns) -> None:
    """``-k`` knows the rule, although no test is named after it."""
    kit.suite(THREE)
    run = (f"--nq-adapter={TARGET}", "--nq-backend=asyncio")
    assert collected(kit, *run, "-k", "ENQ-02") == ["test_stores[shelf-asyncio]"]


def test_what_is_not_claimed_does_not_run(kit: KitRuns) -> None:
    """The rule's verdict is 'not claimed'; the shelf declares no cron."""
    kit.suite(THREE)
    kit.judge("--nq-rule=SCH-08").stdout.fnmatch_lines(
        ["*area*not claimed*", "*SCH*1*", "*Not green:*", "*shelf: no rule was run*"]
    )


def test_a_test_may_need_more_than_its_rule(kit: KitRuns) -> None:
    """RPC applies to whoever has a runtime; a test for one of them runs where that one is claimed."""
    kit.suite(
        """
        import pytest
        from nq_conformance.suite.rules import needs
        from nq_conformance.suite.scripted import each_runtime

        @rule("RPC-01")
        @each_runtime
        async def test_each(lab, runtime): pass

        @rule("RPC-01")
        @needs("cron")
        async def test_more(lab): pass
        """
    )
    kit.shelf('capabilities = ("node_runtime",)')
    run = ("--nq-adapter=other:Provider", "--nq-backend=asyncio", "--nq-rule=RPC")
    assert collected(kit, *run) == ["test_each[node-isolated-shelf-asyncio]"]
    kit.judge("--nq-rule=RPC").stdout.fnmatch_lines(["*area*not claimed*", "*RPC*"])


def test_a_rules_roots_run_before_it(kit: KitRuns) -> None:
    """ORD-01 rests on ENQ-02, which comes later in the file."""
    kit.suite(THREE)
    run = (f"--nq-adapter={TARGET}", "--nq-backend=asyncio", "--nq-rule=ORD-01,ENQ-02", "-v")
    kit.run(*run).stdout.fnmatch_lines(["*::test_stores* PASSED*", "*::test_order* PASSED*"])


def test_areas_run_in_the_catalogues_order(kit: KitRuns) -> None:
    """Files are not taken by the alphabet."""
    kit.suite('@rule("CNT-01")\nasync def test_counts(lab): pass', "test_cnt.py")
    kit.suite('@rule("LIFE-01")\nasync def test_lives(lab): pass', "test_life.py")
    run = (f"--nq-adapter={TARGET}", "--nq-backend=asyncio", "-v")
    kit.run(*run).stdout.fnmatch_lines(["*::test_lives* PASSED*", "*::test_counts* PASSED*"])


def test_the_seed_reaches_tests_and_workers(kit: KitRuns) -> None:
    """The lab is given the run's seed, in every process."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_seed(lab):
            assert lab.seed == 7
        """
    )
    kit.judge("--nq-seed=7", "-n2").assert_outcomes(passed=1)


def test_hypothesis_draws_by_the_seed(kit: KitRuns) -> None:
    """Two runs with one seed find the same first example."""
    kit.suite(
        """
        @rule("QRY-02")
        @given(number=st.integers(min_value=10**6))
        @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), max_examples=3)
        async def test_drawn(lab, number):
            lab.notes.append(f"drew {number}")
        """
    )
    runs = [kit.judge("--nq-seed=7").outlines for _ in range(2)]
    drawn = [[line for line in lines if "drew" in line] for lines in runs]
    assert len(drawn[0]) >= 2
    assert drawn[0] == drawn[1]


def test_a_debugger_switches_budgets_off(kit: KitRuns) -> None:
    """With ``--pdb`` a person takes time, and no budget may end the test meanwhile."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_budget(lab):
            assert lab.clock.time_scale >= 1e6
        """
    )
    result = kit.judge("--pdb")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["nq-conformance: all * rules, budgets off, seed *"])


def test_a_bare_provider_is_given_a_worker_manager(kit: KitRuns) -> None:
    """With ``--nq-worker-manager`` the rules about workers run too."""
    kit.suite(THREE)
    kit.shelf("worker_manager = None")
    run = ("--nq-adapter=other:Provider", "--nq-backend=asyncio", "--nq-rule=ORD-01")
    assert collected(kit, *run) == []
    assert collected(kit, *run, "--nq-worker-manager=shelf:Manager") == ["test_order[shelf-asyncio]"]
