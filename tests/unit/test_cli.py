"""The command line: what it prints, and how it says no."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nq_conformance import __version__
from nq_conformance.cli import main
from nq_conformance.requirements import load

Output = pytest.CaptureFixture[str]

CNT_01 = """\
CNT-01  MUST  Counts

get_job_counts MUST have all six keys, each an int; for an unknown queue all are zero.

Why              A missing key is an exception in the dashboard, and a None breaks the sum. A new
                 queue must not be a special case for every caller.
A wrong adapter  Leaves out the key of a state in which there are no jobs.
Look first at    Start from six zeros and add what the backend reports.
                 GROUP BY returns no row for a state without jobs.
                 Redis and JSON may hand out numbers as text.
Flags            none: the provider alone shows it
Capability       none
Applies if       always: it holds for every adapter
Profile          core
Rests on         no other rule
Source           seed, section 1
Since            0.1.0
Tested           yes
Run it with      pytest --nq-adapter=... --nq-rule CNT-01
"""

PRI = """\
RULE    LEVEL  FLAGS  STATE   SENTENCE
PRI-01  MUST   w      tested  Among priorities above 0 the lower number MUST run first.
PRI-02  MUST   w      tested  Jobs without a priority, or with 0, MUST run before any job with a
                              priority above 0.
PRI-03  MUST   w      tested  Jobs of equal priority MUST run first in, first out.
PRI-04  MUST   w      tested  A priority MUST survive a delay, a retry, and pause and resume.
PRI-05  MUST   w      tested  A newly added job of better priority MUST be the next to start, ahead
                              of jobs that wait but have not begun.

5 rules, 0 of them without a test.
"""


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return monkeypatch


def test_explain_tells_all_about_a_rule(capsys: Output) -> None:
    """The whole page, word for word."""
    assert main(["explain", "CNT-01"]) == 0
    assert capsys.readouterr().out == CNT_01


def test_explain_spells_out_flags_roots_links_and_why_a_test_is_missing(capsys: Output) -> None:
    """What CNT-01 does not have: flags, roots at a distance, an issue with its link, no test."""
    assert main(["explain", "sch-15"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for part in (
        "w: seen only through a worker f: only under an injected fault",
        "Applies if cron, worker",
        "Profile worker",
        "Rests on SCH-12; through these on ENQ-02, ENQ-03, SCH-08, DSP-02",
        "OptimalBits/bull#2207 https://github.com/OptimalBits/bull/issues/2207",
        "Tested no: needs a server whose clock a test can set",
    ):
        assert part in out


def test_explain_gives_no_command_for_a_rule_without_a_test(capsys: Output) -> None:
    """A command that would run nothing helps nobody."""
    assert main(["explain", "SCH-15"]) == 0
    assert "--nq-rule" not in capsys.readouterr().out


def test_rules_lists_an_area_as_a_table(capsys: Output) -> None:
    """The whole table, word for word."""
    assert main(["rules", "pri"]) == 0
    assert capsys.readouterr().out == PRI


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_table_fits_the_terminal(capsys: Output, terminal: pytest.MonkeyPatch, columns: int) -> None:
    """No line of any rule is wider than the terminal."""
    terminal.setenv("COLUMNS", str(columns))
    assert main(["rules"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_rules_without_a_pattern_lists_them_all(capsys: Output) -> None:
    """Every id begins a row."""
    assert main(["rules"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows if row[:1].isupper() and row[:4] != "RULE"] == list(load().rules)


def test_rules_as_json_has_every_field(capsys: Output) -> None:
    """Machines get what people get, with keys in camelCase."""
    assert main(["rules", "SCH-11", "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)
    told = load().get("SCH-11")
    assert rule == {
        "id": "SCH-11",
        "area": "SCH",
        "level": "MUST",
        "sentence": told.sentence,
        "why": told.why,
        "fault": told.fault,
        "flags": ["w", "p"],
        "capabilities": ["cron"],
        "uses": [],
        "profiles": ["distributed"],
        "source": ["OptimalBits/bull#1189"],
        "restsOn": ["SCH-08", "DST-01"],
        "hints": list(told.hints),
        "since": "0.1.0",
        "untested": told.untested,
    }


def test_areas_lists_areas_and_profiles_with_their_sizes(capsys: Output) -> None:
    """One row for each, so that a pattern for ``rules`` can be picked."""
    assert main(["areas"]) == 0
    rows = [row.split(maxsplit=2) for row in capsys.readouterr().out.splitlines()]
    assert ["LIFE", "9", "Life cycle"] in rows
    assert ["runtime", "25", "runs handlers in child processes"] in rows


@pytest.mark.parametrize(
    "arguments", [["explain", "ORD-1"], ["rules", "ORD-1"], ["rules", "ORD-1", "--json"]]
)
def test_an_unknown_rule_is_one_line_with_the_nearest_ids(capsys: Output, arguments: list[str]) -> None:
    """Exit code 2, nothing on stdout, and no traceback."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("nq-conformance: There is no rule")
    assert "ORD-01" in err


def test_version_is_that_of_the_package(capsys: Output) -> None:
    """``--version`` prints name and version."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"nq-conformance {__version__}\n"


def test_no_command_is_bad_usage(capsys: Output) -> None:
    """argparse's own exit code for it is 2, too."""
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_reader_that_stops_early_is_no_error() -> None:
    """``nq-conformance rules | head`` must not end in a traceback."""
    with subprocess.Popen(
        [sys.executable, "-m", "nq_conformance.cli", "rules", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        error = process.stderr.read()
    assert (process.returncode, error) == (0, b"")
