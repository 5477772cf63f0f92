"""Overlaps, slots, pauses, order and attempts: what the checkers say, and with which witness."""

from __future__ import annotations

from told_history import Told, assert_broken, assert_holds, assert_unknown

from nq_conformance.checkers.attempts import attempts
from nq_conformance.checkers.ceiling import ceiling
from nq_conformance.checkers.exclusivity import exclusivity
from nq_conformance.checkers.order import order
from nq_conformance.checkers.pause import CROSSING_MS, pause

# -- exclusivity ---------------------------------------------------------------------------


def test_runs_one_after_the_other_do_not_overlap() -> None:
    """Nor do those of different jobs."""
    told = Told()
    told.done("a", "b")
    told.run("a", attempt=2)
    first, second = told.start("c"), told.start("d")
    told.end(first)
    told.end(second)
    assert_holds(exclusivity, told)


def test_two_runs_of_a_job_at_once_are_a_breach() -> None:
    """The two starts and the first one's end show it."""
    told = Told()
    told.enqueue("a")
    first, second = told.start("a"), told.start("a")
    ended = told.end(first)
    told.end(second)
    text = "two runs of job 'a' overlap, and no stall was told between"
    assert_broken(exclusivity, told, text, first, second, ended)


def test_a_stall_explains_one_takeover() -> None:
    """It may be heard late; a second takeover needs another."""
    told = Told()
    told.start("a")
    second = told.start("a")
    told.event("stalled", "a")
    assert_holds(exclusivity, told)
    third = told.start("a")
    text = "two runs of job 'a' overlap, and no stall was told between"
    assert_broken(exclusivity, told, text, second, third)


def test_a_stall_from_before_the_first_run_explains_nothing() -> None:
    """It was about another run."""
    told = Told()
    told.event("stalled", "a")
    first, second = told.start("a"), told.start("a")
    text = "two runs of job 'a' overlap, and no stall was told between"
    assert_broken(exclusivity, told, text, first, second)


def test_the_run_of_a_killed_process_is_over() -> None:
    """Its handler goes on in the kit, and that is no overlap."""
    told = Told()
    first = told.start("a", process="host 1")
    told.kill("host 1")
    told.run("a")
    told.end(first)
    assert_holds(exclusivity, told)


def test_an_overlap_without_a_listener_is_unknown() -> None:
    """A stall may have been told."""
    told = Told(with_listener=False)
    told.start("a")
    told.start("a")
    doubt = "runs of one job overlap, and a stall may have been told that nobody heard"
    assert_unknown(exclusivity, told, doubt)


# -- ceiling -------------------------------------------------------------------------------


def test_as_many_runs_as_slots_are_right() -> None:
    """The maximum of several registrations holds, and the sum of several managers."""
    told = Told(slots=1)
    told.worker(2)
    told.worker(1, manager=2)
    for run in [told.start(job) for job in "abc"]:
        told.end(run)
    assert_holds(ceiling, told)


def test_one_run_too_many_is_a_breach() -> None:
    """What was registered and who ran show it; who had ended is no part of it."""
    told = Told(slots=0)
    registered = told.worker(2)
    told.run("before")
    crowd = [told.start(job) for job in "abc"]
    text = "3 handlers of 'q' ran at once, and there is room for 2"
    assert_broken(ceiling, told, text, registered, *crowd)


def test_slots_are_those_of_a_process() -> None:
    """Another process has its own, and a killed one runs nothing."""
    told = Told(slots=1)
    told.worker(1, process="host 1")
    told.start("a")
    told.start("b", process="host 1")
    assert_holds(ceiling, told)
    told.kill("host 1")
    told.worker(1, process="host 2")
    told.start("b", process="host 2")
    assert_holds(ceiling, told)


def test_slots_that_are_not_told_are_unknown() -> None:
    """The worker was registered behind the lab's back."""
    told = Told(slots=0)
    told.run("a")
    assert_unknown(ceiling, told, "the history does not tell the slots of 'q'")


# -- pause ---------------------------------------------------------------------------------


def test_starts_before_pause_and_after_resume_are_right() -> None:
    """One that runs may go on."""
    told = Told()
    running = told.start("a")
    told.call("pause")
    told.end(running)
    told.call("resume")
    told.run("b")
    assert_holds(pause, told)


def test_a_start_after_pause_is_a_breach() -> None:
    """Whether or not resume comes later."""
    told = Told()
    paused = told.call("pause")
    start, _ = told.run("a")
    told.call("resume")
    assert_broken(pause, told, "a handler of 'q' started after pause had returned", paused, start)


def test_a_resume_counts_from_its_call_on() -> None:
    """Also if it raises: it may have taken effect."""
    told = Told()
    paused = told.call("pause")
    start = told.start("a")
    told.call("resume", beganMs=start.at_ms - 1, outcome="raised", error="ConnectionError")
    assert paused.at_ms < start.at_ms
    assert_holds(pause, told)


def test_a_start_in_another_process_may_have_been_on_its_way() -> None:
    """And so may one that came just after the pause that the same host was asked for."""
    doubt = "a handler in another process started after pause had returned"
    told = Told()
    told.call("pause")
    told.run("a", process="host 1")
    assert_unknown(pause, told, doubt)
    told = Told()
    paused = told.call("pause", process="host 1")
    told.run("a", process="host 1")
    assert_unknown(pause, told, doubt)
    while told.entries[-1].at_ms <= paused.at_ms + CROSSING_MS:
        told.call("is_paused")
    start, _ = told.run("b", process="host 1")
    (finding,) = pause(told.entries).findings
    assert finding.witness == (paused, start)


def test_a_pause_that_raised_holds_nobody() -> None:
    """There is nothing to judge."""
    told = Told()
    told.call("pause", outcome="raised", error="ConnectionError")
    told.run("a")
    assert_unknown(pause, told, "there is no pause that returned in this history")


# -- order ---------------------------------------------------------------------------------


def test_jobs_start_as_they_were_enqueued() -> None:
    """Those of another priority are a line of their own, delayed ones have none."""
    told = Told(slots=1)
    told.enqueue("late", delayed=True)
    for job in "abc":
        told.enqueue(job)
    told.enqueue("low", priority=5)
    told.enqueue("lower", priority=5)
    for job in ("a", "b", "low", "c", "late", "lower"):
        told.run(job)
    assert_holds(order, told)


def test_an_overtaker_is_a_breach() -> None:
    """The two enqueues and the two starts show it."""
    told = Told(slots=1)
    first, second = told.enqueue("a"), told.enqueue("b")
    overtaker, _ = told.run("b")
    late, _ = told.run("a")
    text = "job 'b' was enqueued after 'a' and started before it"
    assert_broken(order, told, text, first, second, overtaker, late)


def test_jobs_that_were_enqueued_at_once_have_no_order() -> None:
    """The second call was made before the first had returned."""
    told = Told(slots=1)
    first = told.enqueue("a")
    told.enqueue("b", beganMs=first.at_ms - 1)
    told.run("b")
    told.run("a")
    assert_holds(order, told)


def test_with_several_slots_no_order_is_owed() -> None:
    """Starts are told to the kit one after the other, but that proves nothing."""
    told = Told(slots=1)
    told.worker(1, process="host 1")
    told.enqueue("a")
    told.enqueue("b")
    told.run("b")
    told.run("a")
    assert_unknown(order, told, "there is no pair of jobs on a queue with one slot in this history")


def test_order_without_known_slots_is_unknown() -> None:
    """As with the ceiling."""
    told = Told(slots=0)
    told.done("a", "b")
    assert_unknown(order, told, "the history does not tell the slots of 'q'")


# -- attempts ------------------------------------------------------------------------------


def test_attempts_count_from_one_and_end() -> None:
    """A stall repeats one; a job that is enqueued again begins anew."""
    told = Told()
    told.enqueue("a", attempts=3)
    told.run("a", "raised")
    killed = told.start("a", attempt=2, process="host 1")
    told.kill("host 1")
    told.event("stalled", "a")
    told.run("a", attempt=2)
    told.event("completed", "a")
    told.end(killed)
    told.done("b")
    told.done("b")
    assert_holds(attempts, told)


def test_the_first_attempt_is_number_one() -> None:
    """Its start shows it."""
    told = Told()
    told.enqueue("a")
    start, _ = told.run("a", attempt=0)
    told.event("completed", "a")
    assert_broken(attempts, told, "the first run of job 'a' is attempt 0", start)


def test_an_attempt_is_left_out() -> None:
    """The two starts show it."""
    told = Told()
    told.enqueue("a", attempts=5)
    first, _ = told.run("a", "raised")
    second, _ = told.run("a", attempt=3)
    told.event("completed", "a")
    assert_broken(attempts, told, "a run of job 'a' with attempt 1 is followed by 3", first, second)


def test_an_attempt_comes_again_without_a_stall() -> None:
    """With a stall it would be right; when workers were closed between, it may be."""
    text = "a run of job 'a' with attempt 1 is followed by 1, and no stall was told"
    told = Told()
    told.enqueue("a", attempts=3)
    first, _ = told.run("a", "raised")
    second, _ = told.run("a")
    told.event("completed", "a")
    assert_broken(attempts, told, text, first, second)
    told = Told()
    told.enqueue("a", attempts=3)
    told.run("a", "cancelled")
    told.call("close_all")
    told.run("a")
    told.event("completed", "a")
    doubt = "an attempt came again after close_all, which may have given it back"
    assert_unknown(attempts, told, doubt)


def test_a_job_is_tried_too_often() -> None:
    """The enqueue and the attempt beyond it show it."""
    told = Told()
    added = told.enqueue("a", attempts=2)
    told.run("a", "raised")
    told.run("a", "raised", attempt=2)
    start, _ = told.run("a", attempt=3)
    told.event("completed", "a")
    assert_broken(attempts, told, "job 'a' may be tried 2 times and is at attempt 3", added, start)


def test_a_job_completes_without_a_run_that_returned() -> None:
    """The failed end and the event show it."""
    told = Told()
    told.enqueue("a")
    _, end = told.run("a", "raised")
    event = told.event("completed", "a")
    assert_broken(attempts, told, "job 'a' is told to have completed, and no run of it returned", end, event)


def test_runs_without_an_end_are_unknown() -> None:
    """Each for a reason of its own."""
    told = Told()
    for job in "abcd":
        told.enqueue(job)
    told.run("a")
    told.start("b")
    told.start("c", process="host 1")
    told.kill("host 1")
    told.run("d", attempt=None)
    told.event("completed", "d")
    assert_unknown(
        attempts,
        told,
        "a run ended, and nothing tells what became of its job",
        "the history ends during a run",
        "a process was killed during a run, and the job did not run again",
        "a run does not tell its attempt",
    )


def test_an_attempt_that_comes_again_unheard_is_unknown() -> None:
    """Nobody listened for stalls."""
    told = Told(with_listener=False)
    told.enqueue("a", attempts=3)
    told.run("a", "raised")
    told.run("a")
    told.event("completed", "a")
    assert_unknown(attempts, told, "an attempt came again, and a stall may have been told that nobody heard")
