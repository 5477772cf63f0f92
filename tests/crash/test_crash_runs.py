"""Nothing acknowledged is lost, and nothing runs twice but by a stall that was told, whoever is killed.

A few rounds for each adapter; ``NQ_CRASH_ROUNDS=200`` does more of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from crash.adapters import CANDIDATES, Candidate, Servers
from crash.session import run_session
from crash.tally import Tally, table
from nq_conformance.adapters import Service
from nq_conformance.checkers import Finding, check
from nq_conformance.report.check_text import check_text

ROUNDS = int(os.environ.get("NQ_CRASH_ROUNDS", "3"))
NEEDS = {"redis": "redis_server", "bullmq": "redis_server", "postgres": "postgres"}


def _parameter(candidate: Candidate) -> object:
    need = NEEDS.get(candidate.name)
    marks = [getattr(pytest.mark, f"needs_{need}")] if need else []
    return pytest.param(candidate, id=candidate.name, marks=marks)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Redis and Postgres of these tests, each started when it is first needed."""
    with Servers() as servers:
        yield servers


@pytest.mark.parametrize("candidate", [_parameter(each) for each in CANDIDATES])
def test_no_kill_costs_or_doubles_a_job(candidate: Candidate, servers: Servers) -> None:
    """Each round kills a process or two amid enqueues and runs; the checkers judge the whole history."""
    with servers.place(candidate) as place:
        result = run_session(candidate, place, ROUNDS, seed=1)
    verdicts = {verdict.checker: verdict for verdict in check(result.entries)}
    told = check_text(candidate.name, list(verdicts.values()))
    assert (result.stuck, result.rounds) == (None, ROUNDS)
    assert [verdict.findings for verdict in verdicts.values()] == [()] * len(verdicts), told
    assert all(verdicts[name].state == "holds" for name in ("lost", "exclusivity", "ceiling")), told
    assert result.kills >= ROUNDS
    assert verdicts["lost"].judged >= 8 * ROUNDS


@pytest.mark.parametrize(
    ("miniature", "alone", "checker"),
    [
        ("miniatures.durable:AcknowledgesBeforeItWrites", True, "lost"),
        ("miniatures.stall:RecoversInSilence", False, "attempts"),
    ],
)
def test_a_wrong_adapter_does_not_survive(
    miniature: str, alone: bool, checker: str, servers: Servers
) -> None:
    """What the rules fail by a kill at the right moment, kills at any moment find as well."""
    candidate = Candidate("miniature", miniature, Service.DIRECTORY, alone)
    with servers.place(candidate) as place:
        result = run_session(candidate, place, rounds=6, seed=1)
    verdicts = {verdict.checker: verdict for verdict in check(result.entries)}
    assert verdicts[checker].state == "broken", check_text(miniature, list(verdicts.values()))


def test_the_table_has_a_row_for_each_adapter() -> None:
    """With what was found in it."""
    tally = Tally("shelf", rounds=25, jobs=1_000, kills=30, stalls=12)
    tally.findings = {"lost": [Finding("gone", ())], "duplicated": [], "ceiling": [Finding("full", ())]}
    assert table([tally]).splitlines()[-1] == "| shelf | 25 | 1,000 | 30 | 12 | 1 | 0 | 1 | 0 | 0 |"
    assert tally.broken
