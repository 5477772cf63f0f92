"""What a newcomer reads first: the messages for input and machines that can't be used."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from nq_conformance.plugin import run as run_module
from nq_conformance.plugin.options import Options
from nq_conformance.plugin.targets import load_targets
from nq_conformance.requirements import load
from plugin.kit_runs import TARGET, KitRuns

USAGE = pytest.ExitCode.USAGE_ERROR
NEEDS_REDIS = 'service = "redis"\nname = "needy"\ndef __init__(self, url="", prefix=""): self.jobs = {}'


def told(result: pytest.RunResult) -> list[str]:
    """What pytest says on standard error from the error on, without empty lines."""
    assert result.ret == USAGE
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    lines = [line for line in result.errlines if line.strip()]
    return lines[next(i for i, line in enumerate(lines) if line.startswith("ERROR:")) :]


def test_a_module_that_is_not_there(kit: KitRuns) -> None:
    """The message names Python and folder, because one of them is usually the wrong one."""
    assert told(kit.run("--nq-adapter=mypgk:Provider")) == [
        "ERROR: 'mypgk:Provider' cannot be used as the adapter: no module 'mypgk' was found.",
        f"    Python: {sys.executable}",
        f"    Current folder: {kit.path} (is on sys.path)",
        "To mend it: check the spelling, or install the package that has it for the Python named above.",
    ]


def test_a_wrong_target_is_told_once_under_xdist(kit: KitRuns) -> None:
    """The controller finds it, before there are workers."""
    lines = told(kit.run("--nq-adapter=shelf:Provder", "-n2"))
    assert sum(line.startswith("ERROR:") for line in lines) == 1
    assert "has no 'Provder'" in lines[0]


def test_a_rule_that_is_not_there(kit: KitRuns) -> None:
    """The message lists areas and profiles, and what was likely meant."""
    lines = told(kit.judge("--nq-rule=ORD-1"))
    assert lines[0].startswith("ERROR: There is no rule, area or profile 'ORD-1' (areas: LIFE ENQ QRY ")
    assert "Did you mean ORD-01 or " in lines[0]


def test_a_redis_that_does_not_answer(kit: KitRuns) -> None:
    """A given server that is not there is the environment's fault; nothing runs."""
    kit.shelf(NEEDS_REDIS)
    lines = told(
        kit.run("--nq-adapter=other:Provider", "--nq-redis=redis://127.0.0.1:1/0", "--nq-rule=ENQ-02")
    )
    assert lines[0].startswith("ERROR: --nq-redis=URL can't be used (the environment's fault): ")
    assert lines[1].startswith("    What to do: ")


def test_a_redis_that_does_not_answer_is_told_once_under_xdist(kit: KitRuns) -> None:
    """The server is started by the controller, before there are workers."""
    kit.shelf(NEEDS_REDIS)
    lines = told(
        kit.run("--nq-adapter=other:Provider", "--nq-redis=redis://127.0.0.1:1/0", "--nq-rule=ENQ-02", "-n2")
    )
    assert sum(line.startswith("ERROR:") for line in lines) == 1


def test_a_container_without_docker(kit: KitRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Docker down, the message says so and what to do."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    kit.shelf(NEEDS_REDIS)
    lines = told(kit.run("--nq-adapter=other:Provider", "--nq-redis=container", "--nq-rule=ENQ-02"))
    assert lines[0].startswith("ERROR: --nq-redis=container can't be used (the environment's fault): ")
    assert any(line.startswith("    What to do: ") for line in lines)


def test_a_postgres_that_does_not_answer(kit: KitRuns) -> None:
    """A given DSN is tried before any test, and its password is not shown."""
    kit.shelf('service = "postgres"\nname = "elephant"\ndef __init__(self, dsn=""): pass')
    dsn = "postgresql://me:geheim@127.0.0.1:1/nothing"
    lines = told(kit.run("--nq-adapter=other:Provider", f"--nq-postgres={dsn}", "--nq-rule=ENQ-02"))
    assert lines[0].startswith("ERROR: --nq-postgres=URL can't be used (the environment's fault): no answer")
    assert not any("geheim" in line for line in lines)


def test_an_event_loop_that_nobody_declares(kit: KitRuns) -> None:
    """Asking for it is a mistake, not a run of nothing."""
    assert told(kit.run(f"--nq-adapter={TARGET}", "--nq-backend=uvloop")) == [
        "ERROR: --nq-backend=uvloop: no adapter of this run declares it (shelf declares asyncio, trio).",
        "Choose one that is declared, or add it to the adapter's async_backends.",
    ]


def test_an_event_loop_that_there_is_not(kit: KitRuns) -> None:
    """The known ones are listed."""
    assert told(kit.run(f"--nq-adapter={TARGET}", "--nq-backend=curio")) == [
        "ERROR: --nq-backend=curio: there is no such event loop. Known are asyncio, trio, uvloop, all."
    ]


def test_an_event_loop_that_is_not_installed(kit: KitRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it, and how to go without."""
    monkeypatch.syspath_prepend(kit.path)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "trio" else real(name))
    options = Options((TARGET,), None, (), None, None, None, (), (), 1.0, None, False, False)
    with pytest.raises(pytest.UsageError) as refused:
        load_targets(options)
    assert str(refused.value).splitlines() == [
        "The adapter shelf is to run on trio, which is not installed.",
        "Run pip install trio, or leave it out with --nq-backend=asyncio.",
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--nq-time-scale=0", "--nq-time-scale=0: a number above 0 is needed, such as 2.5."),
        ("--nq-time-scale=fast", "--nq-time-scale=fast: a number above 0 is needed, such as 2.5."),
        ("--nq-seed=x", "--nq-seed=x: a whole number is needed."),
        ("--nq-examples=0", "--nq-examples=0: a whole number above 0 is needed, such as 500."),
        ("--nq-examples=many", "--nq-examples=many: a whole number above 0 is needed, such as 500."),
    ],
)
def test_a_number_that_is_none(kit: KitRuns, option: str, message: str) -> None:
    """The option is named with what was given."""
    assert told(kit.judge(option)) == [f"ERROR: {message}"]


def test_a_report_that_can_not_be_written(kit: KitRuns) -> None:
    """It is found before the run, not after it."""
    (line,) = told(kit.judge("--nq-report=nowhere/report.json"))
    assert line == (
        f"ERROR: --nq-report={kit.path}/nowhere/report.json can't be written: No such file or directory. "
        f"The folder {kit.path}/nowhere must exist and be writable."
    )


def test_a_waiver_file_with_a_mistake(kit: KitRuns) -> None:
    """File, number of the entry and what to do are named."""
    kit.file("w.toml", '[[waiver]]\nrule = "ORD-01"\nreason = "slow disk"\nlink = "https://example.org/1"\n')
    assert told(kit.judge("--nq-waivers=w.toml")) == [
        "ERROR: w.toml, waiver 1 (ORD-01): it lacks expires. Required are rule, reason, link, expires."
    ]


def test_pytest_asyncio_in_auto_mode(kit: KitRuns) -> None:
    """It would take the suite's tests over. A stand-in of the same name and options plays its part
    where it is not installed."""
    kit.file(
        "stand_in.py",
        """
        def pytest_addoption(parser):
            parser.addini("asyncio_mode", "", default="strict")

        def pytest_configure(config):
            if not config.pluginmanager.has_plugin("asyncio"):
                config.pluginmanager.register(object(), "asyncio")
        """,
    )
    installed = importlib.util.find_spec("pytest_asyncio") is not None
    plugin = () if installed else ("-p", "stand_in")
    kit.file("pytest.ini", "[pytest]\nasyncio_mode = auto\npythonpath = .\n")
    assert told(kit.judge(*plugin)) == [
        "ERROR: pytest-asyncio is in auto mode and would run the conformance suite on loops of its own.",
        "Add -o asyncio_mode=strict, or -p no:asyncio, to this command.",
    ]


def test_a_run_without_anyios_plugin(kit: KitRuns) -> None:
    """The suite's tests can't run without it."""
    assert told(kit.judge("-p", "no:anyio")) == [
        "ERROR: The conformance suite needs anyio's pytest plugin: leave out -p no:anyio."
    ]


def test_a_tested_rule_marked_untested_is_the_kits_fault() -> None:
    """Catalogue and suite contradict each other; the user can only report it."""
    catalogue = load()
    marked = next(rule.id for rule in catalogue.rules.values() if rule.untested)
    with pytest.raises(pytest.UsageError, match=f"marked untested but have a test: {marked}") as refused:
        run_module.untested_rules(catalogue, frozenset({marked}), whole=False)
    assert "This is a fault of nq-conformance" in str(refused.value)


def test_a_rule_without_a_test_and_a_mark_is_the_kits_fault() -> None:
    """In the kit's own suite; another suite may lack tests."""
    catalogue = load()
    with pytest.raises(pytest.UsageError, match=r"have no test and are not marked untested: .*ENQ-02"):
        run_module.untested_rules(catalogue, frozenset(), whole=True)


def test_catalogue_and_suite_agree() -> None:
    """The kit's own suite has a test for exactly the rules that are not marked untested."""
    folder = Path(run_module.__file__).parents[1] / "suite"
    untested = run_module.untested_rules(load(), run_module.rules_with_tests(folder), whole=True)
    assert set(untested) == {rule.id for rule in load().rules.values() if rule.untested}


def test_a_test_about_no_rule_is_the_kits_fault(kit: KitRuns) -> None:
    """Its verdict would count for nothing."""
    kit.suite("async def test_something(lab): pass")
    (line,) = told(kit.judge())
    assert line.endswith(
        "suite/test_ord.py::test_something is about no rule. This is a fault of nq-conformance."
    )
