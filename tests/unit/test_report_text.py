"""Failures and summaries as text."""

from __future__ import annotations

import subprocess

import pytest
from report_samples import ROOT, adapter, outcome, plan, scope

from nq_conformance.report.failure_text import Where, failure_text
from nq_conformance.report.outcome import Failure, Status
from nq_conformance.report.repeat import Repeat, without_password
from nq_conformance.report.result import Evidence, RunResult, conclude
from nq_conformance.report.summary_text import summary_lines
from nq_conformance.report.wrapping import command, listed, wrapped

WHERE = Where("shelf", "asyncio")


def result(*, partial: bool = False, fake: bool = False) -> RunResult:
    """A run in which one rule failed, one is blocked by it, and one is waiting for its turn."""
    outcomes = [outcome("ENQ-01", Status.FAILED), outcome("ENQ-02", Status.FAILED)]
    return conclude(
        scope(),
        Evidence([adapter()], {"shelf": plan("ENQ-01", "ENQ-02")}, outcomes, (), partial, fake),
    )


def test_a_failure_reads_from_rule_to_repetition() -> None:
    """Each part under its label, in this order."""
    failure = Failure(
        "one", "two", timeline=("+0 ms  call init",), hints=("Look here.", "And there."), repeat="pytest -x"
    )
    assert failure_text(ROOT, failure, WHERE).splitlines() == [
        "ENQ-01 MUST  The sentence of ENQ-01.  (adapter shelf, asyncio)",
        "  expected  one",
        "  seen      two",
        "  timeline",
        "    +0 ms  call init",
        "  look at   Look here.",
        "            And there.",
        "  why       Why there is ENQ-01.",
        "  repeat    pytest -x",
    ]


def test_what_is_not_there_has_no_label() -> None:
    """No empty timeline, no empty trace."""
    assert "timeline" not in failure_text(ROOT, Failure("one", "two"), WHERE)


def test_a_slow_failure_says_so() -> None:
    """It came, only late."""
    assert "  seen      too slow: after 9 s" in failure_text(
        ROOT, Failure("x", "after 9 s", slow=True), WHERE
    )


def test_a_broken_command_can_be_pasted_as_it_stands() -> None:
    """Its lines end in a backslash, and options stay beside their values."""
    words = ["pytest", "--nq-adapter=a b:C", *(part for n in range(9) for part in ("--option", f"value{n}"))]
    lines = command("repeat", words, width=60)
    assert max(map(len, lines)) <= 60
    assert not any(line.removesuffix(" \\").endswith("--option") for line in lines)
    pasted = "\n".join(lines).replace("  repeat", "set --", 1)
    shell = subprocess.run(
        ["sh", "-c", f'{pasted}\nprintf "%s\\n" "$@"'], capture_output=True, text=True, check=True
    )
    assert shell.stdout.splitlines() == words


def test_the_command_to_repeat_names_rule_event_loop_seed_and_test() -> None:
    """And what else the user gave."""
    repeat = Repeat("a:B", 7, ("--nq-redis=local",))
    assert repeat.command("ENQ-01", "trio", "test_x") == (
        "pytest --nq-adapter=a:B --nq-rule ENQ-01 --nq-backend trio --nq-seed 7 -k test_x --nq-redis=local"
    )


def test_long_words_are_broken_and_long_lines_cut() -> None:
    """Nothing is wider than the width."""
    assert max(map(len, wrapped("x" * 250, 100))) <= 100
    assert max(map(len, listed("trace", ["y" * 250]))) <= 100


def test_the_summary_counts_by_area_and_level() -> None:
    """Columns that would be empty are left out."""
    lines = summary_lines(result())
    assert lines[:7] == [
        "shelf (shelf:Provider) on asyncio, trio",
        "",
        "  area  level     failed  blocked  not claimed  untested",
        "  ENQ   MUST           1        1            .         .",
        "  ORD   SHOULD         .        .            .         1",
        "  SCH   MUST           .        .            1         .",
        "  all                  1        1            1         1",
    ]


def test_the_summary_names_what_did_not_pass() -> None:
    """With the rule's sentence and the reason."""
    lines = summary_lines(result())
    start = lines.index("  failed        ENQ-01 MUST  The sentence of ENQ-01.")
    assert lines[start : start + 5] == [
        "  failed        ENQ-01 MUST  The sentence of ENQ-01.",
        "                on asyncio: two",
        "",
        "  blocked       ENQ-02 MUST  The sentence of ENQ-02.",
        "                it rests on ENQ-01, which failed",
    ]


def test_the_summary_says_why_the_run_is_not_green() -> None:
    """At its end."""
    assert summary_lines(result())[-3:] == [
        "Not green:",
        "  shelf: 1 failed: ENQ-01",
        "  shelf: 1 blocked: ENQ-02",
    ]


def test_a_partial_run_awards_nothing() -> None:
    """Where the profiles would stand."""
    assert "  profiles: none awarded, because this run is partial" in summary_lines(result(partial=True))


def test_a_fake_service_awards_nothing() -> None:
    """Where the profiles would stand."""
    assert any("a fake service does not certify" in line for line in summary_lines(result(fake=True)))


def test_the_summary_keeps_to_the_width() -> None:
    """Of a narrow terminal too."""
    assert max(map(len, summary_lines(result(), 60))) <= 60


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("redis://:s3cr3t@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://user:s3:cr@3t@host/1", "redis://user:***@host/1"),
        ("postgresql://u@[::1]:5432/db", "postgresql://u@[::1]:5432/db"),
        ("postgresql://h/db?user=u&password=s3cr3t&ssl=on", "postgresql://h/db?user=u&password=***&ssl=on"),
        ("local", "local"),
    ],
)
def test_a_command_that_is_shown_has_no_password(given: str, shown: str) -> None:
    """Reports end up in the logs of CI."""
    assert without_password(given) == shown
