"""QRY: what get_job and get_jobs answer."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.contract import JOB_STATES, JobState
from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.fields import MISSING, differences, fields_of
from nq_conformance.suite.json_values import NUMBERED, TRICKY, same, values
from nq_conformance.suite.rules import rule
from nq_conformance.suite.scenes import many_to_page_through, one_in_each_state
from nq_conformance.suite.series import CLOCK_MS, now_ms
from nq_conformance.suite.strange_ids import STRANGE_IDS

_names = count(1)

HOUR_MS = 3_600_000
FAR_OFF_MS = 10 * 60_000
FULL: dict[str, Any] = {
    "name": "full",
    "data": {"deep": [1, {"a": None}], "Ü": "ü"},
    "opts.attempts": 4,
    "opts.priority": 2,
    "opts.timeout": 5_000,
    "opts.backoff": {"type": "exponential", "delay": 50},
    "opts.remove_on_complete": 3,
    "opts.remove_on_fail": True,
}
"""Fields of a job that is given every option, by their names in ``fields_of``."""
"""No clock is this wrong, but a time in seconds, in local time or of another event is."""
_states = st.sets(st.sampled_from(JOB_STATES)).map(sorted)


@rule("QRY-01")
async def test_an_unknown_or_malformed_id_is_the_id_of_no_job(lab: Lab) -> None:
    """Ids close to that of a job, and texts that are no id anywhere; also on an unknown queue."""
    queue, unknown = await lab.queue(), await lab.queue()
    id = await queue.add("here")
    await queue.job(id)
    near = (f"{id}0", id[:-1], f"{id} ", f" {id}", f"{id}\n", f"{{{id}}}", f"{queue.name}:{id}", f"{id}*")
    for other in (*near, *STRANGE_IDS):
        await _check_no_job(lab, queue, other)
        await _check_no_job(lab, unknown, other)
    lab.equal(await queue.ids(), [id], "the jobs of the queue, after those questions")


@rule("QRY-01")
@given(other=st.text(max_size=60))
@examples(30)
async def test_any_text_that_is_no_jobs_id_is_the_id_of_no_job(lab: Lab, other: str) -> None:
    """Ids that nobody thought of."""
    queue = await lab.queue(f"asked{next(_names)}")
    id = await queue.add("here")
    await queue.job(id)
    if other != id:
        await _check_no_job(lab, queue, other)


@rule("QRY-02")
async def test_queues_do_not_see_each_others_jobs(lab: Lab) -> None:
    """Each job is found on its own queue alone, by id and in the list."""
    left, right = await lab.queue(), await lab.queue()
    left_ids = [await left.add("left"), await left.add("left")]
    right_ids = [await right.add("right")]
    for mine, ids, other in ((left, left_ids, right), (right, right_ids, left)):
        for id in ids:
            await mine.job(id)
            found = await other.get(id)
            lab.check(found is None, "another queue does not know the id", repr(found), jobs=[id])
        lab.equal(sorted(await mine.ids()), sorted(ids), f"the jobs of {mine.name}", jobs=ids)


@rule("QRY-03")
async def test_a_job_that_has_not_run_is_in_one_of_the_six_states(lab: Lab) -> None:
    """Plain, with a priority, delayed and both; before, during and after a pause."""
    queue = await lab.queue()
    ids = await _add_of_each_kind(queue)
    await _check_states(lab, queue, ids)
    await queue.pause()
    late = await _add_of_each_kind(queue)
    await _check_states(lab, queue, ids)
    await queue.resume()
    ids += [id for id in late if await queue.get(id) is not None]
    await _check_states(lab, queue, ids)


@rule("QRY-03")
async def test_a_job_that_runs_is_retried_or_ends_is_in_one_of_the_six_states(lab: Lab) -> None:
    """While its handler runs, between two attempts with and without a backoff, and at its end."""
    if not lab.adapter.has_workers:
        return
    queue, slow_queue = await lab.queue(), await lab.queue()
    gate = lab.gate()
    slow, failing = lab.handler(gate=gate), lab.failing()
    await queue.work(failing, concurrency=1)
    await slow_queue.work(slow, concurrency=1)
    ids = [await queue.add(attempts=2, backoff=("fixed", 60_000)), await queue.add(attempts=2)]
    slow_ids = await slow_queue.add_marked("runs", "waits behind it")
    await failing.finished(3)
    await slow.started(1)
    await _check_states(lab, queue, ids)
    await _check_states(lab, slow_queue, slow_ids)
    gate.open()
    await slow.finished(2)
    await lab.canary(1)
    await _check_states(lab, queue, ids)
    await _check_states(lab, slow_queue, slow_ids)


@rule("QRY-04")
async def test_get_jobs_lists_exactly_the_jobs_in_the_states_asked_for(lab: Lab) -> None:
    """One state at a time, two together, and all by None and by an empty list."""
    queue = await lab.queue()
    scene = await one_in_each_state(lab, queue)
    for state in JOB_STATES:
        wanted = sorted(id for id, s in scene.items() if s == state)
        lab.equal(
            sorted(await queue.ids(state=[state])), wanted, f"get_jobs(state=['{state}'])", jobs=list(scene)
        )
    some = sorted(id for id, s in scene.items() if s in ("delayed", "failed"))
    lab.equal(sorted(await queue.ids(state=["delayed", "failed"])), some, "get_jobs of delayed and failed")
    lab.equal(sorted(await queue.ids()), sorted(scene), "get_jobs() without a query")
    lab.equal(sorted(await queue.ids(state=None, offset=0)), sorted(scene), "get_jobs(state=None)")
    lab.equal(sorted(await queue.ids(state=[])), sorted(scene), "get_jobs(state=[])")


@rule("QRY-05")
@given(states=_states, limit=st.none() | st.integers(1, 30), offset=st.integers(0, 30))
@examples(30)
async def test_limit_and_offset_count_over_all_states_asked_for(
    lab: Lab, states: list[JobState], limit: int | None, offset: int
) -> None:
    """Any states, any page: as many jobs as are left of the merged list, and only such."""
    queue = await lab.queue("paged")
    scene = await many_to_page_through(lab, queue)
    asked = {id for id, state in scene.items() if not states or state in states}
    page = await queue.ids(state=states, limit=limit, offset=offset)
    what = f"get_jobs(state={states}, limit={limit}, offset={offset})"
    left = max(0, len(asked) - offset)
    size = left if limit is None else min(limit, left)
    lab.equal(len(page), size, f"how many of {len(asked)} jobs {what} lists")
    strangers = sorted(set(page) - asked)
    lab.check(not strangers, f"{what} lists jobs in those states only", strangers, jobs=strangers[:3])


@rule("QRY-06")
@given(
    states=_states,
    beyond=st.sampled_from([0, 1, 7, 2**31 - 40, 2**31, 2**32, 2**53 - 100]),
    limit=st.none() | st.integers(0, 2**31),
)
@examples(25)
async def test_a_limit_of_zero_or_an_offset_past_the_end_lists_nothing(
    lab: Lab, states: list[JobState], beyond: int, limit: int | None
) -> None:
    """With any states; offsets just past the end and far beyond 32 bits."""
    queue = await lab.queue("paged")
    total = len(await many_to_page_through(lab, queue))
    lab.check(total > 0, "the queue has jobs", total)
    for offset in (0, 1, total):
        none = await queue.ids(state=states, limit=0, offset=offset)
        lab.equal(none, [], f"get_jobs(state={states}, limit=0, offset={offset})")
    past = await queue.ids(state=states, limit=limit, offset=total + beyond)
    lab.equal(past, [], f"get_jobs(state={states}, limit={limit}, offset={total + beyond}) of {total} jobs")


@rule("QRY-06")
async def test_a_negative_limit_or_offset_raises(lab: Lab) -> None:
    """Also -1, which some backends read as 'the last' or 'all', and beside a limit of zero."""
    queue = await lab.queue()
    id = await queue.add()
    await queue.job(id)
    for limit, offset in ((-1, 0), (None, -1), (0, -1), (5, -1), (-1, -1), (-5, 1), (-(2**31), 0)):
        what = f"get_jobs(limit={limit}, offset={offset})"
        await lab.raises(queue.list(limit=limit, offset=offset), what)
        await lab.raises(queue.list(state=["waiting"], limit=limit, offset=offset), f"{what} of one state")
    lab.equal(await queue.ids(limit=5, offset=0), [id], "get_jobs(limit=5, offset=0), after those calls")


@rule("QRY-07")
@given(states=_states, size=st.integers(1, 9))
@examples(15)
async def test_pages_are_disjoint_and_complete(lab: Lab, states: list[JobState], size: int) -> None:
    """Page by page to the end, in one order, with jobs that were made within a millisecond."""
    queue = await lab.queue("paged")
    scene = await many_to_page_through(lab, queue)
    asked = {id for id, state in scene.items() if not states or state in states}
    walked: list[str] = []
    while page := await queue.ids(state=states, limit=size, offset=len(walked)):
        walked += page
        lab.check(
            len(walked) <= len(scene), f"no more than {len(scene)} jobs on all pages", f"{len(walked)} so far"
        )
    what = f"pages of {size} of {len(asked)} jobs in {states or 'any state'}"
    twice = sorted({id for id in walked if walked.count(id) > 1})
    lab.check(not twice, f"{what} are disjoint", f"on two pages: {twice}", jobs=twice[:3])
    missing = sorted(asked - set(walked))
    lab.check(not missing, f"{what} are complete", f"on no page: {missing}", jobs=missing[:3])
    lab.equal(walked, await queue.ids(state=states), f"{what}, in the order of the whole list")
    lab.equal(await queue.ids(), await queue.ids(), "the order of the whole list, twice the same")


@rule("QRY-12")
async def test_jobs_are_listed_in_the_order_of_their_creation(lab: Lab) -> None:
    """Whatever their priority, when they are due, and which of them ended first."""
    queue = await lab.queue()
    ended: list[str] = []
    if lab.adapter.has_workers:
        gates = [lab.gate() for _ in range(3)]

        async def body(run: Run) -> None:
            await gates[run.mark].passed()

        manager = await lab.new_manager()
        await queue.work(lab.handler(body), manager=manager, concurrency=3)
        ended = await queue.add_marked(0, 1, 2)
        for place in (2, 0, 1):
            gates[place].open()
            await queue.reaches(ended[place], "completed")
        await manager.close_all()
    waiting: list[str] = []
    delayed: list[str] = []
    for priority, delay in ((3, 120_000), (0, 60_000), (1, 90_000), (0, 60_000), (9, 60_001)):
        waiting.append(await queue.add(priority=priority))
        delayed.append(await queue.add(delay=delay))
    for state, ids in (("completed", ended), ("waiting", waiting), ("delayed", delayed)):
        lab.equal(await queue.ids(state=[state]), ids, f"the {state} jobs, oldest first", jobs=ids)
    rest = [id for pair in zip(waiting, delayed, strict=True) for id in pair]
    lab.equal(await queue.ids(), ended + rest, "all jobs, oldest first")


@rule("QRY-08")
async def test_get_job_and_get_jobs_agree_on_every_field(lab: Lab) -> None:
    """Jobs in every state, and one with every option there is."""
    queue = await lab.queue()
    scene = await one_in_each_state(lab, queue)
    fates = {"remove_on_complete": 3, "remove_on_fail": True}
    timing = {"delay": 60_000, "timeout": 5_000, "backoff": ("exponential", 50)}
    full = await queue.add(FULL["data"], name="full", attempts=4, priority=2, **fates, **timing)
    shown = fields_of(await queue.job(full))
    wrong = {field: shown[field] for field, value in FULL.items() if not same(shown[field], value)}
    lab.check(not wrong, f"get_job shows what was given: {FULL}", f"it shows {wrong}", jobs=[full])
    listed = {getattr(job, "id", MISSING): job for job in await queue.list()}
    for id in (*scene, full):
        single = fields_of(await queue.job(id))
        other = fields_of(listed.get(id))
        differing = differences(single, other)
        lab.check(
            not differing,
            f"get_job and get_jobs agree on every field of the job {id!r}",
            "; ".join(f"{n}: get_job has {single[n]!r}, get_jobs {other[n]!r}" for n in differing),
            jobs=[id],
        )


@rule("QRY-08")
async def test_timestamp_is_the_time_of_the_enqueue_in_epoch_milliseconds(lab: Lab) -> None:
    """Not that of the read, nor when a delayed job is due; later jobs have later ones."""
    queue = await lab.queue()
    if lab.adapter.has_workers:
        await queue.handled()
    began = now_ms()
    ids = [await queue.add(), await queue.add(delay=HOUR_MS)]
    stamps = {id: (await queue.job(id)).timestamp for id in ids}
    for id, stamp in stamps.items():
        right = type(stamp) is int and abs(stamp - began) < FAR_OFF_MS
        lab.check(right, f"timestamp is about {began:.0f}, the time of the enqueue", repr(stamp), jobs=[id])
    added = now_ms()
    await _clock_moves_on(lab, until_ms=added + 80)
    last = await queue.add()
    stamps[last] = (await queue.job(last)).timestamp
    later = stamps[last] - stamps[ids[0]]
    lab.check(
        later >= 80 - CLOCK_MS,
        "a job that came 80 ms later has a later timestamp",
        f"by {later} ms",
        jobs=[last],
    )
    if lab.adapter.has_workers:
        for id in (ids[0], last):
            await queue.reaches(id, "completed")
    for id, stamp in stamps.items():
        lab.equal((await queue.job(id)).timestamp, stamp, "timestamp, when read again later", jobs=[id])


@rule("QRY-09")
async def test_priority_does_not_hide_a_job_and_one_due_later_is_delayed(lab: Lab) -> None:
    """Each with and without the other, by id and in the lists of all states."""
    queue = await lab.queue()
    wanted: dict[str, str] = {}
    for priority in (0, 1, 10, 1_000):
        wanted[await queue.add(priority=priority)] = "waiting"
        wanted[await queue.add(priority=priority, delay=60_000 + priority)] = "delayed"
    for id, state in wanted.items():
        job = await queue.job(id)
        what = f"the state of a job with priority {job.opts.priority} and delay {job.opts.delay}"
        lab.equal(job.state, state, what, jobs=[id])
    for state in JOB_STATES:
        ids = sorted(id for id, s in wanted.items() if s == state)
        lab.equal(sorted(await queue.ids(state=[state])), ids, f"the jobs listed as {state}", jobs=ids)


@rule("QRY-09")
async def test_a_job_that_was_delayed_once_is_not_delayed_for_ever(lab: Lab) -> None:
    """Its delay is over once it runs, and when it has ended."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    gate = lab.gate()
    handler = lab.handler(gate=gate)
    await queue.work(handler)
    id = await queue.add(delay=60)
    await handler.started(1)
    lab.equal((await queue.job(id)).state, "active", "its state while its handler runs", jobs=[id])
    lab.equal(await queue.ids(state=["delayed"]), [], "the delayed jobs while its handler runs", jobs=[id])
    gate.open()
    await queue.reaches(id, "completed")
    lab.equal(await queue.ids(state=["delayed"]), [], "the delayed jobs after its end", jobs=[id])


@rule("QRY-10")
async def test_a_completed_job_carries_its_result_and_its_times(lab: Lab) -> None:
    """The result, no reason, and timestamp ≤ processed_on ≤ finished_on."""
    queue = await lab.queue()
    await queue.handled()
    id = await queue.add({"answer": 42})
    job = await queue.reaches(id, "completed")
    lab.equal(job.return_value, {"answer": 42}, "return_value", jobs=[id])
    lab.equal(job.failed_reason, None, "failed_reason of a completed job", jobs=[id])
    _check_times(lab, job)


@rule("QRY-10")
async def test_a_failed_job_carries_the_exact_reason_and_its_times(lab: Lab) -> None:
    """The handler's message to the letter."""
    queue = await lab.queue()
    message = "Ünexpected: x != y (50 %), 'quoted' {braces}"
    await queue.work(lab.failing(message))
    id = await queue.add()
    job = await queue.reaches(id, "failed")
    lab.equal(job.failed_reason, message, "failed_reason", jobs=[id])
    _check_times(lab, job)


@rule("QRY-11")
async def test_every_result_comes_back_unchanged(lab: Lab) -> None:
    """Results that adapters have lost: empty ones, falsy ones, odd keys, odd text."""
    await _round_trip(lab, await lab.queue(), [*TRICKY, NUMBERED])


@rule("QRY-11")
@given(results=st.lists(values, min_size=1, max_size=5))
@examples(20)
async def test_any_result_comes_back_unchanged(lab: Lab, results: list[Any]) -> None:
    """Results that nobody thought of."""
    await _round_trip(lab, await lab.queue(f"any{next(_names)}"), results)


async def _round_trip(lab: Lab, queue: Queue, results: list[Any]) -> None:
    """Have a handler return each of ``results``, and find them by get_job and in the list."""

    async def body(run: Run) -> Any:
        return results[run.mark]

    manager = await lab.new_manager()
    await queue.work(lab.handler(body), manager=manager, concurrency=3)
    ids = await queue.add_marked(*range(len(results)))
    jobs = [await queue.reaches(id, "completed") for id in ids]
    await manager.close_all()
    listed = {job.id: job for job in await queue.list()}
    for result, job in zip(results, jobs, strict=True):
        for where, found in (("get_job", job), ("get_jobs", listed.get(job.id))):
            back = getattr(found, "return_value", MISSING)
            what = f"return_value by {where}, where the handler returned {result!r}, is the same"
            lab.check(same(back, result), what, repr(back), jobs=[job.id])


async def _add_of_each_kind(queue: Queue) -> list[str]:
    return [await queue.add(priority=p, delay=d) for p, d in ((0, 0), (2, 0), (0, 60_000), (2, 60_000))]


async def _check_no_job(lab: Lab, queue: Queue, id: str) -> None:
    found = await queue.get(id)
    lab.check(found is None, f"get_job with the id {id[:80]!r}, which no job has, returns None", repr(found))


async def _check_states(lab: Lab, queue: Queue, ids: list[str]) -> None:
    jobs = [await queue.job(id) for id in ids]
    for where, found in (("get_job", jobs), ("get_jobs", await queue.list())):
        for job in found:
            right = job.state in JOB_STATES
            lab.check(right, f"by {where}, a state of the contract", repr(job.state), jobs=[job.id])


async def _clock_moves_on(lab: Lab, *, until_ms: float) -> None:
    await lab.sees(
        lambda: now_ms() >= until_ms, expected="the clock moves on", seen=lambda: f"{now_ms():.0f}"
    )


def _check_times(lab: Lab, job: object) -> None:
    times = [getattr(job, name, None) for name in ("timestamp", "processed_on", "finished_on")]
    lab.check(
        all(isinstance(t, int) for t in times) and times == sorted(times, key=lambda t: t or 0),
        "timestamp <= processed_on <= finished_on, all in epoch ms",
        str(times),
        jobs=[getattr(job, "id", "")],
    )
