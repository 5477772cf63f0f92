"""The suite fails each miniature by the rule that it breaks, and says the right thing.

By default each miniature is judged by its own rule, which takes some minutes. Where ``NQ_KILL_TABLE``
names a folder (``nox -s kill_table``), the whole suite is run for every miniature, which takes an hour
or two: then the table also shows what else a miniature is failed by, and is written to
``docs/kill-table.md``. The folder keeps the reports, and a run that was broken off goes on there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from miniatures.base import AnyMiniature
from miniatures.gallery import Verdicts, all_miniatures, judge, judge_all
from miniatures.nothing import DoesNothing, RaisesAlways
from nq_conformance.requirements import load

MINIATURES = all_miniatures()
TESTED = [rule.id for rule in load().rules.values() if rule.untested is None]
WITHOUT_SERVICE = [rule_id for rule_id in TESTED if "none" in (load().get(rule_id).services or ("none",))]
WHOLE = os.environ.get("NQ_KILL_TABLE")
BATCH = 12
PAGE = Path(__file__).parents[2] / "docs" / "kill-table.md"
HEAD = """# The kill table

Each rule has at least one *miniature*: the memory adapter with one behaviour bent, which that rule must fail.
`nox -s kill_table` makes this page anew, with the whole suite run for every miniature; only the rules of
child runtimes (RPC) are left out, but for the miniatures of RPC and RUN.
The last column has what else failed a miniature then, or, until such a run has come to it, what it declares.

| rule | miniature | what is bent | also failed by |
|---|---|---|---|
"""


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdicts]:
    """The suite's verdicts on every miniature."""
    if WHOLE:
        return judge_all(
            MINIATURES, Path(WHOLE).resolve(), "-p", "miniatures.whole_suite", "-n2", batch=BATCH
        )
    report = tmp_path_factory.mktemp("gallery") / "report.json"
    return judge(MINIATURES, report, "--nq-time-scale=0.5", "-n2", "-p", "miniatures.own_rules")


def test_every_tested_rule_has_a_miniature() -> None:
    """A rule that nothing can fail is a defect."""
    assert sorted({m.breaks for m in MINIATURES}) == sorted(TESTED)


@pytest.mark.parametrize("miniature", MINIATURES, ids=lambda m: f"{m.breaks}-{m.__name__}")
def test_a_miniature_is_failed_by_its_rule_and_hardly_any_other(
    miniature: type[AnyMiniature], verdicts: dict[str, Verdicts]
) -> None:
    """By that rule, with a message that says what is wrong, and by the others that it names."""
    seen = verdicts[miniature.__name__]
    told = str(seen.failures.get(miniature.breaks))
    assert seen.by_rule[miniature.breaks] == "failed", told
    assert seen.are("failed") - {miniature.breaks} <= set(miniature.also)
    assert miniature.tells in told
    assert len(miniature.also) <= 3
    assert bool(miniature.also) == bool(miniature.because)


def test_the_kill_table_is_printed(verdicts: dict[str, Verdicts], capsys: pytest.CaptureFixture[str]) -> None:
    """Miniature by rule, for people."""
    rows = [_row(miniature, verdicts[miniature.__name__]) for miniature in MINIATURES]
    with capsys.disabled():
        print(f"\n\nkill table{'' if WHOLE else ', own rules only'}")
        for rule, name, _, others in rows:
            print(f"  {rule:8} {name:44} {others}")
    if WHOLE:
        PAGE.write_text(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows))


def test_the_kept_kill_table_has_every_miniature() -> None:
    """A page that was forgotten is found out."""
    kept = [line.split(" | ")[1] for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    assert kept == [miniature.__name__ for miniature in MINIATURES]


@pytest.mark.parametrize("adapter", [DoesNothing, RaisesAlways])
def test_an_adapter_that_does_not_even_try_passes_no_rule(adapter: type, tmp_path: Path) -> None:
    """Also when each rule is put to the test in spite of those that it rests on."""
    options = ("--nq-time-scale=0.02", "--nq-run-blocked", "-n2")
    seen = judge([adapter], tmp_path / "report.json", *options)[adapter.__name__]
    assert seen.are("passed") == set()
    assert seen.are("failed") | seen.are("blocked") == set(WITHOUT_SERVICE)


def _row(miniature: type[AnyMiniature], seen: Verdicts) -> tuple[str, str, str, str]:
    doc = " ".join((miniature.__doc__ or "").split())
    others = ", ".join(sorted(seen.are("failed") - {miniature.breaks}))
    return miniature.breaks, miniature.__name__, doc, f"{others}: {miniature.because}" if others else ""
