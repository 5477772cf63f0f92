"""The suite fails each miniature by the rule that it breaks, and says the right thing.

The whole suite is run for every miniature, in one run, so that the table also shows what
else a miniature is failed by.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from miniatures.base import Miniature
from miniatures.gallery import Verdicts, all_miniatures, judge
from miniatures.nothing import DoesNothing, RaisesAlways
from nq_conformance.requirements import load

MINIATURES = all_miniatures()
TESTED = [rule.id for rule in load().rules.values() if rule.untested is None]


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdicts]:
    """The whole suite's verdicts on every miniature."""
    report = tmp_path_factory.mktemp("gallery") / "report.json"
    return judge(MINIATURES, report, "--nq-time-scale=0.5", "-n2")


def test_every_tested_rule_has_a_miniature() -> None:
    """A rule that nothing can fail is a defect."""
    assert sorted({m.breaks for m in MINIATURES}) == sorted(TESTED)


@pytest.mark.parametrize("miniature", MINIATURES, ids=lambda m: f"{m.breaks}-{m.__name__}")
def test_a_miniature_is_failed_by_its_rule_and_hardly_any_other(
    miniature: type[Miniature], verdicts: dict[str, Verdicts]
) -> None:
    """By that rule, with a message that says what is wrong, and by the others that it names."""
    seen = verdicts[miniature.__name__]
    told = str(seen.failures.get(miniature.breaks))
    assert seen.by_rule[miniature.breaks] == "failed", told
    assert seen.are("failed") == {miniature.breaks, *miniature.also}
    assert miniature.tells in told
    assert len(miniature.also) < 3
    assert bool(miniature.also) == bool(miniature.because)


def test_the_kill_table_is_printed(verdicts: dict[str, Verdicts], capsys: pytest.CaptureFixture[str]) -> None:
    """Miniature by rule, for people."""
    with capsys.disabled():
        print("\n\nkill table: rule, miniature, also failed by")
        for miniature in MINIATURES:
            others = sorted(verdicts[miniature.__name__].are("failed") - {miniature.breaks})
            print(f"  {miniature.breaks:8} {miniature.__name__:38} {', '.join(others)}")


@pytest.mark.parametrize("adapter", [DoesNothing, RaisesAlways])
def test_an_adapter_that_does_not_even_try_passes_no_rule(adapter: type, tmp_path: Path) -> None:
    """Also when each rule is put to the test in spite of those that it rests on."""
    options = ("--nq-time-scale=0.02", "--nq-run-blocked", "-n2")
    seen = judge([adapter], tmp_path / "report.json", *options)[adapter.__name__]
    assert seen.are("passed") == set()
    assert seen.are("failed") | seen.are("blocked") == set(TESTED)
