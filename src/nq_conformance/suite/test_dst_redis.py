"""DST: what holds on Redis alone, a cluster's slots and keys that are evicted."""

from __future__ import annotations

from dataclasses import replace

import anyio

from nq_conformance.adapters import Capability, Service
from nq_conformance.contract import ScheduleOptions
from nq_conformance.faults import own_server
from nq_conformance.lab import Lab, Queue, Run
from nq_conformance.services import set_eviction_policy, slots_of
from nq_conformance.suite.rules import rule
from nq_conformance.violation import Inconclusive

POLICY = "allkeys-lru"
SIGNS = ("noeviction", "evict", "maxmemory")
"""A warning has one of these words."""


@rule("DST-04")
async def test_with_a_tag_as_prefix_all_keys_of_a_queue_lie_in_one_slot(lab: Lab) -> None:
    """Looked at while a handler runs, and after jobs have completed, failed and been tried again."""
    setting = replace(lab.setting, namespace=f"{{{lab.setting.namespace}}}")
    provider = await lab.new_provider(setting=setting)
    queue = await lab.queue(provider=provider)
    gate = lab.gate()

    async def body(run: Run) -> None:
        await gate.passed()
        if run.mark != "good":
            raise RuntimeError("failed on purpose")

    handler = lab.handler(body)
    await queue.listen("completed")
    ids = [*await queue.add_marked("good"), await queue.add({"n": "bad"}, attempts=2, job_id="own")]
    await queue.add({"n": "later"}, delay=60_000)
    await queue.add({"n": "retried"}, priority=3, attempts=2, backoff=("fixed", 60_000))
    if lab.claims(Capability.CRON):
        await queue.schedule("tick", ScheduleOptions(cron="0 0 1 1 *"))
    await queue.work(handler, manager=await lab.new_manager(provider, setting=setting), concurrency=2)
    await handler.started(2)
    await _check_one_slot(lab, "while handlers run")
    gate.open()
    await queue.reaches(ids[0], "completed")
    await queue.reaches(ids[1], "failed")
    await queue.pause()
    await _check_one_slot(lab, "after jobs have ended, in a paused queue")


@rule("DST-06")
async def test_a_redis_that_evicts_keys_is_warned_about(lab: Lab) -> None:
    """By a process that starts on it; on stderr, by the time that it works."""
    async with own_server(Service.REDIS, lab.server_kind) as server:
        await anyio.to_thread.run_sync(set_eviction_policy, server.url, POLICY)
        lab.history.add("fault", f"a server with the eviction policy {POLICY}")
        host = await lab.host(setting=replace(lab.setting, url=server.url))
        queue = Queue("jobs", lab, await host.provider())
        handler = lab.handler()
        await queue.work(handler, manager=await host.manager())
        await queue.add()
        await handler.finished(1)

        async def is_told() -> bool:
            return any(sign in line.lower() for line in host.log for sign in SIGNS)

        await lab.eventually(
            is_told,
            expected=f"a warning on stderr that the Redis has the eviction policy {POLICY}",
            seen=lambda: f"it said {' / '.join(host.log) or 'nothing'}",
        )
        await host.kill()


async def _check_one_slot(lab: Lab, when: str) -> None:
    assert lab.setting.url is not None
    slots = await anyio.to_thread.run_sync(slots_of, lab.setting.url, lab.setting.namespace)
    if not slots:
        raise Inconclusive(
            "the adapter's keys do not have the namespace in their names, so they can't be found"
        )
    first = next(iter(slots))
    others = [key for key, slot in slots.items() if slot != slots[first]]
    lab.check(
        not others,
        f"{when}, all keys hash to one slot, as the prefix is a {{tag}}",
        f"{first} is in slot {slots[first]}, and not so {', '.join(others[:5])}",
        hint="the part of each key between the first { and the next } must be the same",
    )
