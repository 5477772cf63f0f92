"""Any right history passes all checkers; the same history with a flaw does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from right_queue import retimed, right_histories
from told_history import Told

from nq_conformance.checkers import CHECKERS, check
from nq_conformance.history import Entry


def broken(entries: Sequence[Entry]) -> set[str]:
    """The checkers that find a breach."""
    return {verdict.checker for verdict in check(retimed(entries)) if verdict.findings}


def pick(data: st.DataObject, entries: Sequence[Entry], kind: str, *labels: str) -> int:
    """The place of one entry of a kind."""
    places = [i for i, e in enumerate(entries) if e.kind == kind and (not labels or e.label in labels)]
    return data.draw(st.sampled_from(places))


def any_start(entries: Sequence[Entry]) -> Entry:
    return next(entry for entry in entries if entry.kind == "start")


def another_run(start: Entry) -> Entry:
    """The same start as that of a run of its own."""
    return dataclasses.replace(start, facts={**start.facts, "run": 1_000})


@settings(deadline=None)  # on a busy machine
@given(right_histories())
def test_a_right_history_has_no_breach_and_no_doubt(entries: list[Entry]) -> None:
    """Except that there may be nothing to judge for one or the other."""
    for verdict in check(entries):
        assert verdict.findings == ()
        assert verdict.state == "holds" or not verdict.judged, verdict


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_a_missing_enqueue_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """Its job comes from nowhere."""
    del entries[pick(data, entries, "call", "enqueue")]
    assert "unexpected" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_a_job_that_nothing_tells_of_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """It was acknowledged, and the counts lack it."""
    place = pick(data, entries, "call", "enqueue")
    job, added = entries[place].job_id, entries[place]
    rest = [e for e in entries if e is added or job not in (e.job_id, e.facts.get("jobId"))]
    finished = sum(e.label == "enqueue" for e in rest) - 1
    rest += [Told().counts(finished=finished)]
    rest = [e for e in rest if e.label != "get_job_counts" or e.facts["finished"] == finished]
    assert broken(rest) == {"lost"}


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_a_second_success_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """A job's last run once more when all is done, and once for each stall."""
    job = entries[pick(data, entries, "event", "completed")].job_id
    start = next(e for e in reversed(entries) if e.kind == "start" and e.job_id == job)
    stalls = sum(e.label == "stalled" and e.job_id == job for e in entries)
    for number in range(1_000, 1_001 + stalls):
        facts = {**start.facts, "run": number, "process": None}
        again = dataclasses.replace(start, facts=facts)
        ended = dataclasses.replace(start, kind="end", facts={**facts, "outcome": "returned"})
        entries += [again, ended]
    assert "duplicated" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_an_overlapping_run_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """A job that was never killed starts twice in a row."""
    place = pick(data, entries, "start")
    assume(not any(e.label == "stalled" and e.job_id == entries[place].job_id for e in entries))
    entries.insert(place + 1, another_run(entries[place]))
    assert "exclusivity" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_one_run_too_many_at_once_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """Three jobs more than there can be slots start together."""
    place = pick(data, entries, "start")
    start = entries[place]
    more = [
        dataclasses.replace(start, job_id=f"more {n}", facts={**start.facts, "run": 1_000 + n})
        for n in range(3)
    ]
    entries[place + 1 : place + 1] = more
    assert "ceiling" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_a_start_during_a_pause_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """A job's first start, moved behind a pause of the kit's own process."""
    place = pick(data, entries, "start")
    here = dataclasses.replace(entries[place], facts={**entries[place].facts, "process": None})
    entries[place : place + 1] = [Told().call("pause"), here, Told().call("resume")]
    assert "pause" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(lone=True), st.data())
def test_swapped_starts_are_caught(entries: list[Entry], data: st.DataObject) -> None:
    """With one slot, two jobs that follow each other and had both been enqueued before either started."""
    entries += [Told().enqueue(job) for job in ("early", "late")]  # such a pair in every example
    entries += [dataclasses.replace(any_start(entries), job_id=job) for job in ("early", "late")]
    firsts = {e.job_id: i for i, e in reversed(list(enumerate(entries))) if e.kind == "start"}
    known = {e.job_id: i for i, e in enumerate(entries) if e.label == "enqueue"}
    places = sorted(firsts.values())
    pairs = [(i, j) for i, j in pairwise(places) if known[entries[j].job_id] < i]
    i, j = data.draw(st.sampled_from(pairs))
    entries[i], entries[j] = entries[j], entries[i]
    assert "order" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(killed=True), st.data())
def test_a_stall_that_was_not_told_is_caught(entries: list[Entry], data: st.DataObject) -> None:
    """The attempt came again for no reason."""
    del entries[pick(data, entries, "event", "stalled")]
    assert "attempts" in broken(entries)


@settings(deadline=None)  # on a busy machine
@given(right_histories(), st.data())
def test_a_missing_end_is_noticed(entries: list[Entry], data: st.DataObject) -> None:
    """It is no breach in itself: the run may have gone on. But nothing holds any more."""
    job = entries[pick(data, entries, "event", "completed")].job_id
    place = max(i for i, e in enumerate(entries) if e.kind == "end" and e.job_id == job)
    del entries[place]
    assert CHECKERS["attempts"](retimed(entries)).state != "holds"
