"""Waiver files: what is refused, and which entries did no good."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from report_samples import CATALOGUE, adapter

from nq_conformance.report.verdict import JudgedAdapter
from nq_conformance.report.waivers import Waiver, WaiverError, Waivers, read_waivers, useless_waivers

TODAY = dt.date(2026, 6, 1)
GOOD = """
[[waiver]]
rule = "ENQ-01"
adapter = "shelf"
reason = "known"
link = "https://example.org/1"
expires = 2026-06-01
"""


def read(tmp_path: Path, text: str, *more: str) -> Waivers:
    """The waivers of files with these texts."""
    files = []
    for number, content in enumerate((text, *more)):
        files.append(tmp_path / f"w{number}.toml")
        files[-1].write_text(content, encoding="utf-8")
    return read_waivers(files, CATALOGUE, TODAY)


def test_an_entry_holds_on_its_last_day(tmp_path: Path) -> None:
    """And is read with all it says."""
    (waiver,) = read(tmp_path, GOOD).entries
    assert (waiver.number, waiver.rule, waiver.adapter, waiver.expires) == (1, "ENQ-01", "shelf", TODAY)


def test_an_entry_that_names_the_adapter_goes_before_one_for_all(tmp_path: Path) -> None:
    """Its reason is the better one."""
    for_all = GOOD.replace('adapter = "shelf"\n', "").replace("known", "general")
    waiver = read(tmp_path, for_all, GOOD).find("ENQ-01", adapter())
    assert waiver is not None
    assert waiver.reason == "known"


def test_an_entry_for_another_adapter_is_not_found(tmp_path: Path) -> None:
    """Nor is one for another rule."""
    waivers = read(tmp_path, GOOD)
    assert waivers.find("ENQ-01", adapter(name="box")) is None
    assert waivers.find("ENQ-02", adapter()) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('reason = "known"', ""), r"waiver 1 \(ENQ-01\): it lacks reason\. Required are"),
        (('link = "https://example.org/1"', ""), "it lacks link"),
        (("expires = 2026-06-01", ""), "it lacks expires"),
        (
            ("reason", "raeson"),
            r"it has unknown keys: raeson\. Known are rule, adapter, reason, link, expires",
        ),
        (("ENQ-01", "ENQ-99"), "it names an unknown rule: 'ENQ-99'"),
        (("2026-06-01", "2026-05-31"), r"it expired on 2026-05-31\. Remove it if the adapter is mended"),
        (("2026-06-01", '"2026-06-01"'), "it has no date in expires. Write it without quotes"),
        (("2026-06-01", "2026-06-01T00:00:00"), "it has no date in expires"),
        (('"known"', '" "'), "it has no text in reason"),
        (("https://example.org/1", "ask Bob"), "it has no address in link: 'ask Bob'"),
        (("[[waiver]]", "[[waivers]]"), r"only \[\[waiver\]\] entries are allowed\. It has waivers"),
        (("[[waiver]]", "[[waiver]"), "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    """File, number, what is wrong, and what to do."""
    with pytest.raises(WaiverError, match=message) as refused:
        read(tmp_path, GOOD.replace(*change))
    assert "w0.toml" in str(refused.value)


def test_the_second_of_two_equal_entries_is_refused(tmp_path: Path) -> None:
    """Also when it is in another file."""
    with pytest.raises(WaiverError, match=r"w1.toml, waiver 1 \(ENQ-01\) repeats .*w0.toml, waiver 1"):
        read(tmp_path, GOOD, GOOD)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is not an empty one."""
    with pytest.raises(WaiverError, match=r"There is no waiver file .*nowhere\.toml\. Check --nq-waivers"):
        read_waivers([tmp_path / "nowhere.toml"], CATALOGUE, TODAY)


def complaints(
    verdicts: dict[JudgedAdapter, str],
    *,
    name: str | None = None,
    complete: bool = True,
    partial: bool = False,
) -> list[str]:
    """What is complained of in an entry for ENQ-01 after these verdicts on it."""
    entry = Waiver("w.toml", 1, "ENQ-01", name, "known", "https://example.org", TODAY)
    ran = {(a.id, "ENQ-01") for a in verdicts} if complete else set()
    found = {a: {"ENQ-01": verdict} for a, verdict in verdicts.items()}
    return useless_waivers(Waivers((entry,)), found, ran, partial=partial)


@pytest.mark.parametrize("verdict", ["failed", "waived", "blocked", "inconclusive", "not selected"])
def test_an_entry_whose_rule_did_not_pass_is_not_complained_of(verdict: str) -> None:
    """It is needed, or the run can't tell."""
    assert complaints({adapter(): verdict}) == []


def test_an_entry_whose_rule_passed_is_stale() -> None:
    """It has to go."""
    assert complaints({adapter(): "passed"}) == [
        "w.toml, waiver 1 (ENQ-01) is stale: shelf passes this rule now. Remove the entry."
    ]


def test_an_entry_is_not_stale_if_tests_of_its_rule_were_left_out() -> None:
    """The failing one may be among them."""
    assert complaints({adapter(): "passed"}, complete=False) == []


def test_an_entry_for_all_is_needed_while_one_adapter_needs_it() -> None:
    """The other passes."""
    assert complaints({adapter(): "passed", adapter(name="box"): "waived"}) == []


@pytest.mark.parametrize("verdict", ["not claimed", "untested"])
def test_an_entry_whose_rule_does_not_apply_matches_nothing(verdict: str) -> None:
    """In a whole run; a partial one can't tell."""
    assert complaints({adapter(): verdict}) == [
        f"w.toml, waiver 1 (ENQ-01) matches nothing: the rule is {verdict}. Remove the entry."
    ]
    assert complaints({adapter(): verdict}, partial=True) == []


def test_an_entry_for_an_adapter_that_is_not_there_is_left_alone() -> None:
    """One file may serve several adapters."""
    assert complaints({adapter(): "passed"}, name="bullmq") == []
