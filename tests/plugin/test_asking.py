"""When the suite runs, and when the plugin keeps out of the way."""

from __future__ import annotations

import sys

import pytest

from plugin.kit_runs import SRC, TARGET, KitRuns

ONE_PASSING = """
@rule("ENQ-02")
async def test_stores(lab):
    queue = await lab.queue()
    assert await queue.add(1) == "1"
"""


def test_loading_the_plugin_imports_none_of_its_libraries(pytester: pytest.Pytester) -> None:
    """Without the option, everybody's pytest pays for pytest and the standard library only."""
    heavy = ["anyio", "hypothesis", "redis", "trio", "jsonschema", "cronsim"]
    ours = ["requirements", "report", "suite", "services", "lab", "history", "adapters.loading"]
    code = f"""
        import sys
        sys.path.insert(0, {str(SRC)!r})
        import pytest

        class Look:
            def pytest_sessionfinish(self):
                names = {heavy!r} + ["nq_conformance." + name for name in {ours!r}]
                print("loaded:", [name for name in names if name in sys.modules])

        args = ["-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "nq_conformance.plugin", "-s"]
        sys.exit(pytest.main(args, plugins=[Look()]))
    """
    script = pytester.makepyfile(look=code)
    pytester.makepyfile(test_mine="def test_mine(): pass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        result = pytester.run(sys.executable, str(script))
    result.stdout.fnmatch_lines(["*loaded: []", "*1 passed*"])


def test_an_adapter_alone_runs_the_suite(kit: KitRuns) -> None:
    """In a folder without a test or conftest, the suite is what runs."""
    kit.suite(ONE_PASSING)
    kit.judge().assert_outcomes(passed=1)


def test_an_adapter_alone_runs_the_suite_in_workers(kit: KitRuns) -> None:
    """The adapter's module is found in xdist workers too, without being installed."""
    kit.suite(ONE_PASSING)
    kit.judge("-n2").assert_outcomes(passed=1)


def test_the_suite_runs_instead_of_testpaths(kit: KitRuns) -> None:
    """The user's ``testpaths`` do not keep the suite from running."""
    kit.suite(ONE_PASSING)
    kit.file("tests/test_mine.py", "def test_mine(): pass")
    kit.file("pytest.ini", "[pytest]\ntestpaths = tests\n")
    kit.judge("-v").stdout.fnmatch_lines(["*test_stores?shelf-asyncio? PASSED*", "*= 1 passed*"])


def test_paths_run_the_users_tests_alone(kit: KitRuns) -> None:
    """With paths given, an adapter on the command line changes nothing."""
    kit.suite(ONE_PASSING)
    kit.file("tests/test_mine.py", "def test_mine(): pass")
    result = kit.judge("tests")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*conformance*=*")


def test_the_suite_runs_beside_paths_when_asked_for(kit: KitRuns) -> None:
    """``--nq-suite`` adds the suite to the paths."""
    kit.suite(ONE_PASSING)
    kit.file("tests/test_mine.py", "def test_mine(): pass")
    kit.judge("tests", "--nq-suite").assert_outcomes(passed=2)


def test_an_adapter_in_the_configuration_asks_for_nothing(kit: KitRuns) -> None:
    """It is a default for ``--nq-suite``; plain pytest runs the user's tests as always."""
    kit.suite(ONE_PASSING)
    kit.file("test_mine.py", "def test_mine(): pass")
    kit.file("pytest.ini", f"[pytest]\nnq_adapter = {TARGET}\nnq_backend = asyncio\n")
    kit.run().stdout.fnmatch_lines(["test_mine.py .*", "*= 1 passed*"])


def test_options_may_come_from_the_configuration(kit: KitRuns) -> None:
    """Adapter, event loop, seed and rules are read from there."""
    kit.suite(ONE_PASSING)
    kit.file(
        "pytest.ini",
        f"[pytest]\nnq_adapter = {TARGET}\nnq_backend = asyncio\nnq_seed = 7\nnq_rule = enq\n"
        "nq_time_scale = 2\n",
    )
    result = kit.run("--nq-suite")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["nq-conformance: * of * rules, time scale 2, seed 7"])


def test_the_suite_can_be_named_as_a_package(kit: KitRuns) -> None:
    """``--pyargs nq_conformance.suite.test_enq`` runs that part of the kit's own suite."""
    kit.file("sub/empty.txt", "")
    result = kit.judge("--pyargs", "nq_conformance.suite.test_enq", "--nq-rule=ENQ-02", "-v", "--tb=no")
    result.stdout.fnmatch_lines(["nq_conformance/suite/test_enq.py::test_*?shelf-asyncio? *"])


def test_the_suite_is_found_whatever_names_the_user_gives_to_tests(kit: KitRuns) -> None:
    """The patterns for files and functions in the configuration are for the user's own tests."""
    kit.suite(ONE_PASSING)
    kit.file("pytest.ini", "[pytest]\npython_files = check_*.py\npython_functions = check_*\n")
    kit.judge().assert_outcomes(passed=1)


def test_the_suite_without_an_adapter_is_refused(kit: KitRuns) -> None:
    """The message says how to give one."""
    result = kit.run("--nq-suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[:2] == [
        "ERROR: The conformance suite judges an adapter, and none is given.",
        "Add --nq-adapter=mypkg:Provider, or nq_adapter to pytest's configuration.",
    ]


def test_help_is_shown_whatever_the_target(kit: KitRuns) -> None:
    """A wrong target does not stand in the way of reading how to write it."""
    kit.run("--nq-adapter=nowhere:Nothing", "--help").stdout.fnmatch_lines(["*--nq-adapter=TARGET*"])
