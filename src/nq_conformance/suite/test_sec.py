"""SEC: names and ids that could reach where they should not."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.adapters import Capability
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.accepting import accepted, remove_job
from nq_conformance.suite.baits import Bait, baits, pickled
from nq_conformance.suite.drawing import examples
from nq_conformance.suite.payloads import keeps, round_trip
from nq_conformance.suite.places import absolute_name, deep_place, files_beside
from nq_conformance.suite.rules import rule

INTERNAL = (
    *("meta", "id", "wait", "waiting", "active", "paused", "delayed", "prioritized", "completed", "failed"),
    *(
        "events",
        "jobs",
        "job",
        "lock",
        "x:lock",
        "stalled",
        "marker",
        "wake",
        "schedules",
        "repeat",
        "limiter",
    ),
    *("0", "1", "2", "-1", "null", "undefined", "None", "*", "a:b:c", "{x}"),
)
PATHS = (
    *(
        "plain",
        "../plain",
        "../../plain",
        "up/../plain",
        "./plain",
        "plain/",
        "plain/.",
        "up//plain",
        "up/plain",
    ),
    *("..", ".", "../", "...", "~", "~/plain", "..\\plain", "up\\plain", "%2e%2e%2fplain", "..%2fplain"),
    *("C:plain", "C:\\plain", "file:plain", "con", "plain.json", "plain.lock", "plain.", "plain~", "-rf"),
)
"""Names that a file system may take for the place of another; none leads above three folders up."""

SQL = (
    "a'b",
    'a"b',
    "a`b",
    "a\\b",
    "a;b",
    "a--b",
    "a/*b*/",
    "' OR '1'='1",
    "'; DROP TABLE jobs; --",
    "$1",
    ":id",
    "?",
)
GLOBS = (
    "ab",
    "a*",
    "*",
    "a?",
    "[ab]*",
    "a[b]",
    "{a,ab}",
    "a%",
    "a_",
    "_b",
    "%",
    "a\\*",
    "a.",
    "a.*",
    "^ab$",
    "(ab|a)",
)
FORMATS = (
    "%s",
    "%d %(a)s",
    "{}",
    "{0}",
    "{a}",
    "{a.__class__}",
    "${a}",
    "#{a}",
    "{{a}}",
    "%",
    "%%",
    "\\1",
    "$(a)",
    "`a`",
)
LINES = ("a\nb", "a\r\nb", "a\tb", "a b", "*1\r\n$4\r\nPING", "#a", "<a>&amp;", "{a}b", "{b}a")
FAILURES = ("%s %(a)s %", "{} {0} {a}", "'; DROP TABLE jobs; --")
METACHARACTERS = tuple(dict.fromkeys((*SQL, *GLOBS, *FORMATS, *LINES)))

FORMS = (("Case", "case"), ("caf\u00e9", "cafe\u0301"), ("a b", "a  b"), ("a", "a "))


_names = count(1)


@rule("SEC-01")
async def test_queue_names_that_look_like_paths_lead_nowhere_else(lab: Lab) -> None:
    """Each has its own jobs and no others', or is refused; no file is written beside the adapter's folder."""
    place = deep_place(lab)
    provider = await lab.new_provider(setting=place)
    absolute = absolute_name(lab)
    used: dict[str, tuple[Queue, str]] = {}
    for number, name in enumerate((*PATHS, str(absolute))):
        queue = await lab.queue(name, provider)
        id = await accepted(queue.add(f"data of {name}", job_id=f"job{number}"))
        lab.check(
            name != "plain" or id is not None, "a job is accepted on the queue 'plain'", "enqueue raised"
        )
        if id is not None:
            used[name] = queue, id
    for name, (queue, id) in used.items():
        what = f"on the queue {name!r}, beside others whose names look like paths"
        lab.equal((await queue.job(id)).data, f"data of {name}", f"data of the job {what}", jobs=[id])
        lab.equal(await queue.ids(), [id], f"all jobs {what}", jobs=[id])
    await lab.raises(Queue("plain\0", lab, provider).add(), "enqueue on a queue named with a NUL")
    _check_nothing_outside(lab, files_beside(lab, place), absolute)


@rule("SEC-01")
async def test_job_ids_that_look_like_paths_lead_nowhere_else(lab: Lab) -> None:
    """Each is found by itself alone, in its own queue alone, or refused; no file is written elsewhere."""
    place = deep_place(lab)
    provider = await lab.new_provider(setting=place)
    queue, neighbour = await lab.queue("up", provider), await lab.queue("plain", provider)
    absolute = absolute_name(lab)
    kept = await neighbour.add("neighbour", job_id="plain")
    used = await _accepted_ids(queue, (*PATHS, "../plain/plain", "../plain/other", str(absolute)))
    lab.check("plain" in used, "a job with the id 'plain' is accepted", "enqueue raised")
    for id in used:
        lab.equal((await queue.job(id)).data, f"data of {id}", f"data of the job {id!r}", jobs=[id])
    lab.equal(sorted(await queue.ids()), sorted(used), "all jobs of the queue")
    lab.equal(await neighbour.ids(), [kept], "all jobs of another queue, to which the ids might lead")
    lab.equal((await neighbour.job(kept)).data, "neighbour", "data of its job", jobs=[kept])
    await lab.raises(queue.add(job_id="plain\0"), "enqueue with a job_id that has a NUL")
    _check_nothing_outside(lab, files_beside(lab, place), absolute)


@rule("SEC-02")
async def test_ids_that_look_like_internal_keys_work_or_are_refused(lab: Lab) -> None:
    """Each is either refused by enqueue or found, with its own data, among all the others."""
    queue = await lab.queue()
    plain = await queue.add("plain")
    kept = {plain: "plain"}
    for id in INTERNAL:
        if await accepted(queue.add(f"data of {id}", job_id=id)) is not None:
            kept[id] = f"data of {id}"
    for id, data in kept.items():
        lab.equal((await queue.job(id)).data, data, f"data of the job with the id {id!r}", jobs=[id])
    lab.equal(sorted(await queue.ids()), sorted(kept), "all jobs of the queue")


@rule("SEC-02")
async def test_jobs_whose_ids_look_like_internal_keys_run(lab: Lab) -> None:
    """Those that were accepted run once each, and the queue goes on."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue()
    handler = await queue.handled()
    ids = ["plain", *await _accepted_ids(queue, INTERNAL)]
    await queue.add("data of plain")
    await handler.finished(len(ids))
    await lab.canary(1)
    seen = sorted(run.data for run in handler.runs)
    lab.equal(seen, sorted(f"data of {id}" for id in ids), "data of the jobs that have run")


@rule("SEC-03")
async def test_metacharacters_in_queue_names_are_inert(lab: Lab) -> None:
    """Each queue has its own job, counts and pause, beside those that its name as a pattern would match."""
    queues = [await lab.queue(name) for name in METACHARACTERS]
    ids = [await queue.add(queue.name) for queue in queues]
    for queue, id in zip(queues, ids, strict=True):
        lab.equal((await queue.job(id)).data, queue.name, f"data of the job on {queue.name!r}", jobs=[id])
        lab.equal(await queue.ids(), [id], f"all jobs of the queue {queue.name!r}", jobs=[id])
        counts = await queue.counts()
        lab.equal(counts.waiting + counts.paused, 1, f"jobs that wait on the queue {queue.name!r}")
    for name in ("*", "%", "a?", "a_", "[ab]*", "(ab|a)"):
        await (await lab.queue(name)).pause()
    for name, paused in (("ab", False), ("a*", False), ("*", True), ("a?", True)):
        lab.equal(await (await lab.queue(name)).is_paused(), paused, f"is_paused of the queue {name!r}")


@rule("SEC-03")
async def test_metacharacters_in_names_and_ids_of_jobs_are_inert(lab: Lab) -> None:
    """Each job has its id and its name, and no id finds or removes another's job."""
    queue = await lab.queue()
    for text in METACHARACTERS:
        returned = await queue.add({"text": text}, name=text, job_id=f"{text}!")
        lab.equal(returned, f"{text}!", "the id that enqueue returns")
    for text in METACHARACTERS:
        job = await queue.job(f"{text}!")
        seen = (job.id, job.name, job.data)
        lab.equal(seen, (f"{text}!", text, {"text": text}), "id, name and data", jobs=[job.id])
    for pattern in ("*", "**", "%", "%!%", "?b?", "__!", "[a-z]*", "a*", "' OR '1'='1"):
        found = await queue.get(pattern)
        lab.check(found is None, f"get_job({pattern!r}) finds nothing, for no job has that id", repr(found))
        if lab.claims(Capability.REMOVE_JOB):
            await remove_job(lab, queue, pattern)
    wanted = sorted(f"{text}!" for text in METACHARACTERS)
    lab.equal(sorted(await queue.ids()), wanted, "all jobs of the queue")


_meta_text = st.text(st.sampled_from("'\"`\\%_*?[]{}()$#@!;:,.-/<>&|^~ \n\tab0é"), min_size=1, max_size=20)


@rule("SEC-03")
@given(_meta_text, _meta_text, _meta_text)
@examples(30)
async def test_any_metacharacters_are_inert(lab: Lab, queue_name: str, name: str, id: str) -> None:
    """In the names of queue and job, the id and the payload."""
    number = next(_names)
    queue, id = await lab.queue(f"{queue_name}{number}"), f"{id}{number}"
    lab.equal(await queue.add({name: id}, name=name, job_id=id), id, "the id that enqueue returns")
    job = await queue.job(id)
    lab.equal((job.id, job.name, job.data), (id, name, {name: id}), "id, name and data of the job", jobs=[id])
    lab.equal(await queue.ids(), [id], "all jobs of the queue", jobs=[id])


@rule("SEC-03")
async def test_metacharacters_pass_through_a_worker(lab: Lab) -> None:
    """Names, payloads, results and reasons of failure with such characters, on a queue named likewise."""
    if not lab.adapter.has_workers:
        return
    queue = await lab.queue("a'b\"%s{0}*[x]\\;--")

    async def fail(run: Any) -> None:
        raise RuntimeError(run.data)

    good = [await queue.handled(name=text) for text in METACHARACTERS]
    await queue.work(lab.handler(fail), name="fails")
    ids = [await queue.add(text, name=text) for text in METACHARACTERS]
    failing = [await queue.add(text, name="fails") for text in FAILURES]
    for text, handler, id in zip(METACHARACTERS, good, ids, strict=True):
        job = await queue.reaches(id, "completed")
        seen = ([run.data for run in handler.runs], job.return_value)
        lab.equal(seen, ([text], text), f"what the handler of {text!r} is given, and its result", jobs=[id])
    for text, id in zip(FAILURES, failing, strict=True):
        job = await queue.reaches(id, "failed")
        lab.equal(job.failed_reason, text, "the reason, which is the error's text", jobs=[id])


@rule("SEC-04")
async def test_names_that_differ_in_case_or_form_are_different_names(lab: Lab) -> None:
    """As queue names and as job ids."""
    for left, right in FORMS:
        queues = [await lab.queue(left), await lab.queue(right)]
        ids = [await queue.add(queue.name) for queue in queues]
        for queue, id in zip(queues, ids, strict=True):
            lab.equal(await queue.ids(), [id], f"jobs of the queue {queue.name!r}", jobs=ids)
    queue = await lab.queue()
    for pair in FORMS:
        for id in pair:
            await queue.add(id, job_id=id)
        for id in pair:
            lab.equal((await queue.job(id)).data, id, f"data of the job with the id {id!r}", jobs=list(pair))


@rule("SEC-04")
async def test_names_of_255_bytes_work_and_longer_ones_are_refused(lab: Lab) -> None:
    """For queues, jobs and job ids, counted in UTF-8; empty ones and NUL are refused as well."""
    longest, too_long = "é" * 127 + "e", "é" * 128
    queue = await lab.queue(longest)
    id = await queue.add("value", name=longest, job_id=longest)
    job = await queue.job(id)
    lab.equal((job.id, job.name, job.data), (longest, longest, "value"), "id, name and data", jobs=[id])
    other = await lab.queue()
    for what, bad in (("256 bytes", too_long), ("no text", ""), ("a NUL", "a\0b")):
        bad_queue = Queue(bad, lab, await lab.provider())
        await lab.raises(bad_queue.add(), f"enqueue on a queue named with {what}")
        await lab.raises(other.add(name=bad), f"enqueue of a job named with {what}")
        await lab.raises(other.add(job_id=bad), f"enqueue with a job_id of {what}")
    lab.equal(await other.ids(), [], "jobs left by enqueues that were refused")


@rule("SEC-05")
async def test_payloads_that_would_act_if_evaluated_are_data(lab: Lab) -> None:
    """Texts and objects for eval, templates, shells, loaders and unpickling come back and do nothing."""
    queue = await lab.queue()
    await round_trip(lab, queue, {"plain": "payload"})
    with tempfile.TemporaryDirectory(prefix="nq-baits-") as folder:
        laid = list(baits(Path(folder)))
        if lab.adapter.has_workers:
            await queue.handled()
        for bait in laid:
            for value in (bait.value, {"inner": [bait.value]}):
                id = await queue.add(value)
                await accepted(queue.get(id))  # what it raises comes again, if the trap does not tell why
                _check_not_taken(lab, bait, id)
                if lab.adapter.has_workers:
                    await queue.reaches(id, "completed", "failed")
                await queue.ids()
                _check_not_taken(lab, bait, id)
                await keeps(lab, queue, id, value)
        for bait in laid:
            _check_not_taken(lab, bait)


@rule("SEC-05")
async def test_payloads_are_not_kept_as_pickles(lab: Lab) -> None:
    """A text of a class of its own, which runs code when it is unpickled, is refused or plain text."""
    queue = await lab.queue()
    await round_trip(lab, queue, {"text": ["plain text"]})
    with tempfile.TemporaryDirectory(prefix="nq-baits-") as folder:
        bait = pickled(Path(folder))
        if lab.adapter.has_workers:
            await queue.handled()
        id = await accepted(queue.add(bait.value))
        if id is None:
            return
        await accepted(queue.get(id))
        _check_not_taken(lab, bait, id)
        if lab.adapter.has_workers:
            await queue.reaches(id, "completed", "failed")
            _check_not_taken(lab, bait, id)


async def _accepted_ids(queue: Queue, ids: Sequence[str]) -> list[str]:
    """Those of ``ids`` under which a job could be enqueued."""
    return [id for id in ids if await accepted(queue.add(f"data of {id}", job_id=id)) is not None]


def _check_not_taken(lab: Lab, bait: Bait, id: str | None = None) -> None:
    lab.check(
        not bait.taken,
        f"a payload that acts on {bait.by} is kept as data",
        f"it was evaluated: its folder {bait.trap.name!r} was made",
        jobs=[id] if id is not None else [],
    )


def _check_nothing_outside(lab: Lab, files: list[str], absolute: Path) -> None:
    found = [*files, *([str(absolute)] if absolute.exists() else [])]
    lab.check(not found, "no file outside of the adapter's folder", f"there are {found!r}")
