"""What a history makes of what an adapter hands it in the place of texts."""

from __future__ import annotations

import uuid
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nq_conformance.contract import JobCounts
from nq_conformance.history import History
from nq_conformance.lab.facts import of_error, of_result, of_run
from nq_conformance.lab.handlers import Run
from nq_conformance.report.history_file import read_history, write_history

STRANGE: list[Any] = [uuid.UUID(int=5), 5, 1.5, {"id": 5}, ["a"], b"a"]


class Kind(Enum):
    """What some libraries sort their errors by."""

    BAD = 1


class SortedError(Exception):
    """One of them."""

    kind = Kind.BAD


@pytest.mark.parametrize("id", STRANGE, ids=repr)
def test_an_id_that_is_no_text_names_no_job(id: Any) -> None:
    """A text does, also one of a class of its own."""
    history = History()
    assert history.add("event", "completed", job_id=id).job_id is None
    assert history.add("event", "completed", job_id=type("Id", (str,), {})("a")).job_id == "a"


def test_a_timeline_for_ids_that_are_no_texts_shows_what_names_no_job() -> None:
    """One for none but such ids shows everything."""
    history = History()
    ids: list[Any] = ["a", "b", {}]
    for id in ids:
        history.add("call", "enqueue", job_id=id)
    assert [len(history.timeline(jobs)) for jobs in (["a"], ["a", {}], [{}, 5])] == [2, 2, 3]


def test_facts_that_checkers_reckon_with_are_of_one_kind() -> None:
    """Whatever an adapter has in their places; others are left out."""
    assert of_error(SortedError())["error"] == "Kind.BAD"
    states = [of_result("get_job", SimpleNamespace(state=state))["state"] for state in ("active", 5, None)]
    assert states == ["active", "5", None]
    assert of_run(Run((None, SimpleNamespace(process=5)), 1))["process"] == "5"
    odd: Any = ["1", None, 1.5]
    assert [of_result("get_job_counts", JobCounts(failed=count)) for count in odd] == [{}, {}, {}]
    counts = JobCounts(active=1, paused=2, failed=3)
    assert of_result("get_job_counts", counts) == {"unfinished": 3, "finished": 3}


@pytest.mark.parametrize("odd", STRANGE, ids=repr)
def test_what_is_recorded_of_oddities_reads_as_it_was_written(tmp_path: Path, odd: Any) -> None:
    """The kit refuses no file of its own."""
    history = History()
    history.add("event", "completed", job_id=odd)
    history.add("call", "enqueue", facts=of_error(SortedError()))
    history.add("call", "get_job", facts=of_result("get_job", SimpleNamespace(state=odd)))
    history.add("start", "handler", facts=of_run(Run((None, SimpleNamespace(process=odd, queue=odd)), 1)))
    write_history(tmp_path / "history.jsonl", history.entries, {})
    assert len(read_history(tmp_path / "history.jsonl")) == 4
