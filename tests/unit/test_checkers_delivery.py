"""Nothing is lost, duplicated or unexpected: what the checkers say, and with which witness."""

from __future__ import annotations

import pytest
from told_history import Told, assert_broken, assert_holds, assert_unknown

from nq_conformance.checkers.delivery import duplicated, lost, unexpected
from nq_conformance.history import History


@pytest.mark.parametrize("check", [lost, duplicated, unexpected])
def test_jobs_that_run_once_and_complete_are_in_order(check: object) -> None:
    """All three checkers have something to judge, and hold."""
    told = Told()
    told.done("a", "b")
    assert_holds(check, told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "what"),
    [(lost, "acknowledged enqueue"), (duplicated, "run"), (unexpected, "run")],
)
def test_an_empty_history_proves_nothing(check: object, what: str) -> None:
    """It is not green."""
    verdict = check(History().entries)  # type: ignore[operator]
    assert (verdict.state, verdict.doubts) == ("unknown", (f"there is no {what} in this history",))


# -- lost ----------------------------------------------------------------------------------


def test_a_job_that_is_not_found_is_lost() -> None:
    """The enqueue and the look show it."""
    told = Told()
    added = told.enqueue("a")
    look = told.look("a", None)
    assert_broken(lost, told, "job 'a' was acknowledged and is gone without an outcome", added, look)


def test_a_job_that_the_counts_lack_is_lost() -> None:
    """Two were enqueued, one has finished, nothing is left to do."""
    told = Told()
    told.done("a")
    added = told.enqueue("b")
    look = told.counts(finished=1)
    text = "job 'b' was acknowledged and has no outcome, and nothing is left to do"
    assert_broken(lost, told, text, added, look)


def test_a_job_may_have_finished_unseen() -> None:
    """As many have finished as were enqueued; but nothing tells that this one has."""
    told = Told()
    told.done("a")
    told.enqueue("b")
    told.counts(finished=2)
    assert_unknown(lost, told, "the history ends before it tells the outcome of a job on 'q'")


def test_a_look_before_the_enqueue_has_returned_proves_no_loss() -> None:
    """The job may not have been there yet."""
    told = Told()
    told.look("a", None)
    told.enqueue("a")
    assert_unknown(lost, told, "the history ends before it tells the outcome of a job on 'q'")


def test_jobs_that_may_still_come_are_unknown() -> None:
    """They are told with their number."""
    told = Told()
    told.enqueue("a")
    told.enqueue("b")
    told.counts(unfinished=2)
    assert_unknown(lost, told, "the history ends before it tells the outcome of a job on 'q' (2 times)")


@pytest.mark.parametrize("outcome", ["failed event", "look", "removed", "tried out", "final"])
def test_what_counts_as_an_outcome(outcome: str) -> None:
    """Afterwards the job may be gone."""
    told = Told()
    told.enqueue("a", attempts=2)
    match outcome:
        case "failed event":
            told.event("failed", "a")
        case "look":
            told.look("a", "failed")
        case "removed":
            told.add("call", "remove_job", "a")
        case "tried out":
            told.run("a", "raised")
            told.run("a", "raised", attempt=2)
        case "final":
            told.end(told.start("a"), "raised", final=True)
    told.look("a", None)
    assert_holds(lost, told)


def test_a_job_that_was_enqueued_again_and_tried_out_is_not_lost() -> None:
    """With each enqueue one attempt was allowed, and one has failed."""
    told = Told()
    told.enqueue("a")
    told.run("a", "raised")
    told.look("a", None)
    told.enqueue("a")
    told.run("a", "raised")
    told.look("a", None)
    assert_holds(lost, told)


def test_a_job_that_was_retried_once_too_few_is_lost() -> None:
    """One of two attempts has failed, and the job is gone."""
    told = Told()
    added = told.enqueue("a", attempts=2)
    told.run("a", "raised")
    look = told.look("a", None)
    assert_broken(lost, told, "job 'a' was acknowledged and is gone without an outcome", added, look)


def test_a_run_that_was_killed_is_no_outcome() -> None:
    """Even if the kit's handler went on and returned."""
    told = Told()
    added = told.enqueue("a")
    start = told.start("a", process="host 1")
    told.kill("host 1")
    told.end(start)
    look = told.look("a", None)
    assert_broken(lost, told, "job 'a' was acknowledged and is gone without an outcome", added, look)


# -- duplicated ----------------------------------------------------------------------------


def test_a_second_success_without_a_stall_is_a_duplicate() -> None:
    """The enqueue and the two ends show it."""
    told = Told()
    added = told.enqueue("a")
    (_, first), (_, second) = told.run("a"), told.run("a")
    text = "job 'a' succeeded 2 times, and was enqueued once, with no stall told"
    assert_broken(duplicated, told, text, added, first, second)


def test_a_stall_allows_one_more_success_and_no_third() -> None:
    """It is part of the witness."""
    told = Told()
    added = told.enqueue("a")
    _, first = told.run("a")
    stall = told.event("stalled", "a")
    _, second = told.run("a")
    assert_holds(duplicated, told)
    _, third = told.run("a")
    text = "job 'a' succeeded 3 times, and was enqueued once, with one stall told"
    assert_broken(duplicated, told, text, added, first, stall, second, third)


def test_a_job_that_was_enqueued_again_may_succeed_again() -> None:
    """So it may if the second enqueue may have taken effect."""
    told = Told()
    told.done("a")
    told.call("enqueue", jobId="a", outcome="raised", error="ConnectionError")
    told.run("a")
    assert_holds(duplicated, told)


def test_a_failure_and_a_success_are_no_duplicate() -> None:
    """Attempts are another checker's business."""
    told = Told()
    told.enqueue("a")
    told.run("a", "raised")
    told.run("a", attempt=2)
    assert_holds(duplicated, told)


def test_nobody_listened_for_stalls() -> None:
    """Then a second success proves nothing."""
    told = Told(with_listener=False)
    told.enqueue("a")
    told.run("a")
    told.run("a")
    assert_unknown(
        duplicated, told, "a job succeeded again, and a stall may have been told that nobody heard"
    )


def test_who_listened_was_killed() -> None:
    """Of three processes in a row the second may have had a stall on its lips when it was killed."""
    told = Told(with_listener=False, slots=0)
    told.enqueue("a")
    for process in ("host 1", "host 2", "host 3"):
        told.listen("stalled", process=process)
        told.worker(1, process=process)
        if process != "host 2":
            told.run("a", process=process)
        told.kill(process)
    assert_unknown(
        duplicated, told, "a job succeeded again, and a stall may have been told that nobody heard"
    )


def test_processes_that_follow_one_another_hear_enough() -> None:
    """One is killed after its run; the next listens before it works: a stall would have been heard."""
    told = Told(with_listener=False, slots=0)
    told.listen("stalled", process="host 1")
    told.worker(1, process="host 1")
    added = told.enqueue("a")
    _, first = told.run("a", process="host 1")
    told.kill("host 1")
    told.listen("stalled", process="host 2")
    told.worker(1, process="host 2")
    _, second = told.run("a", process="host 2")
    text = "job 'a' succeeded 2 times, and was enqueued once, with no stall told"
    assert_broken(duplicated, told, text, added, first, second)


# -- unexpected ----------------------------------------------------------------------------


def test_a_job_that_nobody_enqueued_is_unexpected() -> None:
    """Its start shows it."""
    told = Told()
    told.done("a")
    start, _ = told.run("b")
    assert_broken(unexpected, told, "job 'b' ran, and nobody enqueued it", start)


def test_a_refused_enqueue_explains_no_run() -> None:
    """The adapter has said that there is no such job."""
    told = Told()
    told.call("enqueue", jobId="b", outcome="raised", error="InvalidJobError")
    start, _ = told.run("b")
    assert_broken(unexpected, told, "job 'b' ran, and nobody enqueued it", start)


def test_a_job_that_runs_before_its_enqueue_is_unexpected() -> None:
    """The start and the enqueue show it."""
    told = Told()
    start, _ = told.run("a")
    added = told.enqueue("a")
    assert_broken(unexpected, told, "job 'a' ran before it was enqueued", start, added)


def test_a_job_may_run_before_its_enqueue_has_returned() -> None:
    """It was called before."""
    told = Told()
    start = told.start("a")
    told.end(start)
    told.enqueue("a", beganMs=start.at_ms - 5)
    assert_holds(unexpected, told)


def test_a_call_whose_outcome_is_not_known_explains_one_job() -> None:
    """A second one is unexpected."""
    told = Told()
    told.call("enqueue", outcome="cancelled", error="CancelledError")
    told.run("x")
    assert_unknown(unexpected, told, "a job may come from an enqueue whose outcome is not known")
    start, _ = told.run("y")
    assert_broken(unexpected, told, "job 'y' ran, and nobody enqueued it", start)


def test_jobs_of_a_series_or_a_burst_have_ids_that_nobody_tells() -> None:
    """Nothing can be said of them."""
    doubt = "a job may come from a series, or from a call that does not tell its jobs"
    for label, facts in (("schedule", {"series": True}), ("enqueue_many", {}), ("enqueue", {})):
        told = Told()
        told.call(label, "series" if facts else None, **facts)
        told.run("x")
        assert_unknown(unexpected, told, doubt)
