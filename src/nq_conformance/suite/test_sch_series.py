"""SCH: series: when they run, how often, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from hypothesis import given

from nq_conformance.adapters import Capability
from nq_conformance.contract import Repeat, ScheduleOptions
from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.lab.queue import field_of
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.operations import operate
from nq_conformance.suite.patterns import MALFORMED, NEVER, RARE, out_of_range
from nq_conformance.suite.rules import rule
from nq_conformance.suite.series import CLOCK_MS, now_ms, shortest
from nq_conformance.suite.together import Together

_names = count(1)
with_the_other_series = Together()


@rule("SCH-07")
async def test_what_cannot_be_a_series_is_refused_and_leaves_nothing(lab: Lab) -> None:
    """A repeat without a pattern, patterns that are malformed or never match, an unknown zone;
    where cron is not declared, any pattern."""
    queue = await lab.queue()
    await _check_empty(lab, queue)
    refused = [
        ScheduleOptions(repeat=Repeat(pattern, limit)) for pattern in (None, "") for limit in (None, 3)
    ]
    refused += [ScheduleOptions(cron=pattern) for pattern in (*MALFORMED, *NEVER)]
    refused += [ScheduleOptions(repeat=Repeat(pattern)) for pattern in (*MALFORMED, *NEVER)]
    refused.append(ScheduleOptions(cron="* * * * *", tz="Nowhere/At_All"))
    rare = [ScheduleOptions(cron=pattern) for pattern in RARE]
    if lab.claims(Capability.CRON):
        for options in rare:
            await _check_taken(lab, await lab.queue(), options)
    else:
        refused += rare
    for options in refused:
        await lab.raises(queue.schedule("refused", options), f"schedule with {options}")
    await _check_empty(lab, queue)


@rule("SCH-07")
@given(pattern=out_of_range())
@examples(25)
async def test_a_pattern_with_a_number_out_of_range_is_refused(lab: Lab, pattern: str) -> None:
    """Minute 60, hour 24, day 0 or 32, month 13, weekday 8, and all beyond."""
    queue = await lab.queue(f"refuses{next(_names)}")
    if lab.claims(Capability.CRON):
        await _check_taken(lab, await lab.queue(f"takes{next(_names)}"), ScheduleOptions(cron=RARE[0]))
    await lab.raises(queue.schedule("refused", ScheduleOptions(cron=pattern)), f"schedule(cron={pattern!r})")
    await _check_empty(lab, queue)


@rule("SCH-08")
@with_the_other_series
async def test_each_match_makes_one_job_with_an_id_of_its_own(lab: Lab) -> None:
    """The first run is at the next match and not at once; each run is a job of its own."""
    queue = await lab.queue()
    handler = await queue.handled()
    pulse = shortest(lab)
    began = now_ms()
    await queue.schedule("tick", ScheduleOptions(cron=pulse.pattern))
    await pulse.starts(handler, 2)
    first_match = (began // pulse.period_ms + 1) * pulse.period_ms
    first = handler.runs[0].started_ms
    lab.check(
        first >= first_match - CLOCK_MS,
        f"the first run starts at the next match of {pulse.pattern!r}",
        f"it started {first_match - first:.0f} ms before",
    )
    await lab.canary(1)
    pulse.check_one_a_match(lab, handler.runs, began, f"one run for each match of {pulse.pattern!r}")
    ids = [run.job_id for run in handler.runs]
    lab.check(len(set(ids)) == len(ids), "each run has a job id of its own", repr(ids))


@rule("SCH-09")
@with_the_other_series
async def test_a_series_with_a_limit_of_n_has_exactly_n_runs(lab: Lab) -> None:
    """Limits of one and two, beside a series without an end that has a third run."""
    pulse = shortest(lab)
    handlers = {
        limit: lab.handler(name=f"handler of the series with limit {limit}") for limit in (1, 2, None)
    }
    for limit, handler in handlers.items():
        queue = await lab.queue()
        await queue.work(handler)
        await queue.schedule({"n": limit}, ScheduleOptions(repeat=Repeat(pulse.pattern, limit)))
    await pulse.starts(handlers[2], 2)
    await pulse.starts(handlers[None], 3)
    await lab.canary()
    for limit in (1, 2):
        lab.equal(
            len(handlers[limit].runs), limit, f"runs of a series with limit {limit}, after three matches"
        )


@rule("SCH-10")
@with_the_other_series
async def test_series_coexist_and_the_identical_one_is_one_series(lab: Lab) -> None:
    """Two names, two patterns, two queues; all given twice; each runs once a match."""
    pulse = shortest(lab)
    queue, other = await lab.queue(), await lab.queue()
    handler = lab.handler()
    if lab.adapter.has_workers:
        for each, name in ((queue, "a"), (queue, "b"), (other, "a")):
            await each.work(handler, name=name, concurrency=4)
    began = now_ms()
    given = [("1", queue, "a", pulse.pattern), ("2", queue, "b", pulse.pattern)]
    given += [("3", queue, "a", pulse.twin), ("4", other, "a", pulse.pattern)]
    first, second = [await _schedule_all(given) for _ in range(2)]
    lab.check(len(set(first[:3])) == 3, "three ids for three series of a queue", repr(first[:3]))
    lab.equal(second, first, "the ids of the identical series, given again")
    if not lab.adapter.has_workers:
        return
    await lab.sees(
        lambda: len(set(handler.marks)) == 4,
        budget=pulse.budget,
        expected="each of four series runs at the next match",
        seen=lambda: f"runs of the series {sorted(set(handler.marks))}",
    )
    await lab.canary()
    for mark, _, name, pattern in given:
        runs = [run for run in handler.runs if run.mark == mark]
        what = f"one run for each match of {pattern!r}, of a series of {name!r} that was given twice"
        pulse.check_no_two_for_a_match(lab, runs, began, what)


@rule("SCH-13")
@with_the_other_series
async def test_a_series_outlives_runs_that_fail_that_are_slow_and_that_are_held(lab: Lab) -> None:
    """Three series on three queues: each runs again."""
    pulse = shortest(lab)

    async def fail(_: Run) -> None:
        raise RuntimeError("failed on purpose")

    gate = lab.gate()
    failing, slow, held = await lab.queue(), await lab.queue(), await lab.queue()
    fails = lab.handler(fail, name="handler that fails")
    stops = lab.handler(gate=gate, name="handler that is slow")
    waits = lab.handler(name="handler of the queue that was paused")
    for queue, handler in ((failing, fails), (slow, stops), (held, waits)):
        await queue.work(handler, concurrency=1)
    await held.pause()
    for queue in (failing, slow, held):
        await queue.schedule("tick", ScheduleOptions(cron=pulse.pattern))
    await pulse.starts(stops, 1)
    await pulse.starts(fails, 1)
    await held.resume()
    await pulse.starts(fails, 2)
    gate.open()
    await pulse.starts(stops, 2)
    await pulse.starts(waits, 2)


@rule("SCH-14")
@with_the_other_series
async def test_matches_missed_in_a_pause_give_one_run_at_most(lab: Lab) -> None:
    """Three matches or more go by while a queue is paused, as a second series shows."""
    pulse = shortest(lab)
    held, other = await lab.queue(), await lab.queue()
    late, on_time = lab.handler(name="handler of the paused queue"), lab.handler()
    for queue, handler in ((held, late), (other, on_time)):
        await queue.work(handler, concurrency=1)
    await held.pause()
    for queue in (held, other):
        await queue.schedule("tick", ScheduleOptions(cron=pulse.pattern))
    await pulse.starts(on_time, 3)
    resumed = now_ms()
    before = len(late.runs)  # none, or the pause does not hold, which is for PAU
    await held.resume()
    await pulse.starts(late, before + 1)
    await lab.canary()
    what = "one run for all missed matches together, and one for each later match"
    pulse.check_one_a_match(lab, late.runs[before:], resumed, what, spare=1)


@rule("SCH-16")
async def test_the_series_of_a_queue_are_listed_with_their_next_run(lab: Lab) -> None:
    """Twice a name, twice a pattern, one with a zone, and a delayed job, which is no series."""
    queue, other = await lab.queue(), await lab.queue()
    lab.equal(list(await operate(lab, queue, "get_scheduled_jobs")), [], "series of a queue without any")
    began = datetime.now(UTC)
    given = [("a", "0 0 1 1 *", None), ("b", "0 0 1 1 *", None), ("a", "30 5 2 1 *", "Asia/Tokyo")]
    wanted = []
    for name, pattern, tz in given:
        id = await queue.schedule("data", ScheduleOptions(cron=pattern, tz=tz), name=name)
        wanted.append((id, name, pattern))
    await queue.schedule("later", ScheduleOptions(delay=60_000))
    await other.schedule("elsewhere", ScheduleOptions(cron="0 0 1 1 *"), name="c")
    listed = list(await operate(lab, queue, "get_scheduled_jobs"))
    seen = [tuple(field_of(entry, field) for field in ("id", "name", "pattern")) for entry in listed]
    lab.equal(sorted(seen), sorted(wanted), "id, name and pattern of each series of the queue")
    for entry in listed:
        pattern = field_of(entry, "pattern")
        utc = {"0 0 1 1 *": (1, 1, 0, 0), "30 5 2 1 *": (1, 1, 20, 30)}[pattern]
        year = began.year if datetime(began.year, *utc, tzinfo=UTC) > began else began.year + 1
        next_ms = int(datetime(year, *utc, tzinfo=UTC).timestamp() * 1000)
        lab.equal(field_of(entry, "next_at"), next_ms, f"next_at of {pattern!r}")


@rule("SCH-17")
async def test_a_series_that_is_removed_is_gone_and_others_are_not(lab: Lab) -> None:
    """Of two series one is removed; its id is known once, and the other's for longer."""
    queue, other = await lab.queue(), await lab.queue()
    year = ScheduleOptions(cron="0 0 1 1 *")
    ids = [await queue.schedule(None, year, name=name) for name in ("a", "b")]
    for what, where, id, wanted in (
        ("an unknown id", queue, "unknown", False),
        ("another queue's id", other, ids[0], False),
        ("a series", queue, ids[0], True),
        ("a series that is gone", queue, ids[0], False),
        ("the other series", queue, ids[1], True),
    ):
        removed = await operate(lab, where, "remove_scheduled_job", id)
        lab.equal(removed, wanted, f"what remove_scheduled_job of {what} returns")


@rule("SCH-17")
@with_the_other_series
async def test_a_series_that_is_removed_makes_no_further_job(lab: Lab) -> None:
    """It has run once when it is removed; another with its pattern has two runs after that."""
    if not lab.adapter.has_workers:
        return
    pulse = shortest(lab)
    queue, other = await lab.queue(), await lab.queue()
    removed, goes_on = lab.handler(name="handler of the removed series"), lab.handler()
    await queue.work(removed)
    await other.work(goes_on)
    began = now_ms()
    id = await queue.schedule("tick", ScheduleOptions(cron=pulse.pattern))
    await other.schedule("tick", ScheduleOptions(cron=pulse.pattern))
    await pulse.starts(removed, 1)
    await operate(lab, queue, "remove_scheduled_job", id)
    allowed = pulse.matches(began, now_ms() + CLOCK_MS)
    await pulse.starts(goes_on, allowed + 2)
    await lab.canary(1)
    lab.check(
        len(removed.runs) <= allowed,
        f"no run for a match of {pulse.pattern!r} after the series was removed: {allowed} at most",
        f"{len(removed.runs)} runs",
    )


async def _schedule_all(series: Sequence[tuple[str, Queue, str, str]]) -> list[str]:
    return [
        await queue.schedule({"n": mark}, ScheduleOptions(cron=pattern), name=name)
        for mark, queue, name, pattern in series
    ]


async def _check_taken(lab: Lab, queue: Queue, options: ScheduleOptions) -> None:
    id = await queue.schedule("rare", options)
    lab.check(bool(id), f"schedule with {options} returns an id", repr(id))


async def _check_empty(lab: Lab, queue: Queue) -> None:
    """Nothing has come of what was refused."""
    lab.equal(await queue.ids(), [], "the jobs of a queue of which every schedule is refused")
