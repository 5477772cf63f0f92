"""A sequence of calls as a program that can be run alone.

It needs the adapter and the kit to be importable. It makes the calls, looks after each of them as
the search did, and ends with exit code 1 and a text where what is seen is not what may be seen.
"""

from __future__ import annotations

import pprint
import textwrap
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from nq_conformance.contract import JobInput
from nq_conformance.model.portrait import Portrait

_HEAD: Final = """\
import asyncio, collections, os, sys, tempfile, time
from pathlib import Path

from nq_conformance.adapters.loading import load_adapter
from nq_conformance.contract import Backoff, JobInput, JobOptions, JobsQuery
from nq_conformance.contract import ScheduleOptions, WorkerOptions
from nq_conformance.history import History
from nq_conformance.lab import make_setting
from nq_conformance.model.portrait import misfit, of_adapter, of_job


async def main():
    adapter = load_adapter({target!r})
    setting = make_setting(  # set NQ_URL or NQ_DSN where the adapter needs a server
        f"script{{os.getpid()}}",
        history=History(),
        url=os.environ.get("NQ_URL"),
        dsn=os.environ.get("NQ_DSN"),
        directory=Path(tempfile.mkdtemp()),
    )
    ids, held, starts = {{}}, {{}}, collections.Counter()

    async def work(queue, concurrency):
        async def handler(data, ctx):
            starts[queue] += 1
            held[queue, data["n"]] = gate = asyncio.get_running_loop().create_future()
            try:
                return await gate
            finally:
                held.pop((queue, data["n"]), None)

        options = WorkerOptions(concurrency=concurrency)
        await manager.register_worker(queue, "job", handler, options)

    async def look(queue):
        jobs, counts = await provider.get_jobs(queue), await provider.get_job_counts(queue)
        paused = await provider.is_paused(queue)
        running = [number for name, number in held if name == queue]
        return of_adapter(
            jobs, counts, paused=paused, running=running, starts=starts[queue]
        )

    async def sees(queue, *allowed):
        until = time.monotonic() + {within}
        while (seen := await look(queue)) not in allowed:
            if time.monotonic() > until:
                told = " or ".join(map(str, allowed))
                sys.exit(f"expected on {{queue}}: {{told}}\\nseen: {{seen}}")
            await asyncio.sleep(0.01)
"""
_BROWSES: Final = """
    async def browses(instance, queue, query):
        whole = await instance.get_jobs(queue)
        part = await instance.get_jobs(queue, JobsQuery(query.state))
        wrong = misfit(whole, part, await instance.get_jobs(queue, query), query)
        if wrong:
            sys.exit(f"expected {query} to agree with the whole list of {queue}\\nseen: {wrong}")
"""
_FINDS: Final = """
    async def finds(instance, queue, id, number):
        job, seen = await instance.get_job(queue, id), await look(queue)
        told = None if job is None else of_job(job, paused=seen["paused"])
        if told != seen.get(number):
            sys.exit(f"expected of get_job({id!r}): {seen.get(number)}\\nseen: {told}")
"""
_WIDTH: Final = 88


class Script:
    """The lines of one sequence, as they come."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, *lines: str) -> None:
        """Add statements, each on one line unless that is too long."""
        for line in lines:
            self._lines += textwrap.wrap(
                line, _WIDTH, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False
            )

    def opens(self, name: str) -> None:
        """Add that an instance of the adapter is opened, as ``name``."""
        self.add(f"{name} = adapter.provider(setting)", f"await {name}.init()")

    def sees(self, queue: str, allowed: Sequence[Portrait]) -> None:
        """Add that one of ``allowed`` is seen soon."""
        told = [pprint.pformat(p, width=_WIDTH - 8, sort_dicts=False, compact=True) for p in allowed]
        one = f"await sees({queue!r}, {', '.join(told)})"
        if len(one) <= _WIDTH and "\n" not in one:
            self._lines.append(one)
            return
        entries = [f"    {line}" for text in told for line in f"{text},".splitlines()]
        self._lines += ["await sees(", f"    {queue!r},", *entries, ")"]

    def text(self, target: str, *, within_s: float = 3.0) -> str:
        """The program, for the adapter that ``target`` names."""
        body = "\n".join(f"    {line}" for line in self._lines)
        used = [helper for name, helper in (("browses(", _BROWSES), ("finds(", _FINDS)) if name in body]
        head = _HEAD.format(target=target, within=within_s)
        return f"{head}{''.join(used)}\n{body}\n\n\nasyncio.run(main())\n"


def call_of(value: Any) -> str:
    """A value of the contract as the call that makes it, without what is its default."""
    told = [
        f"{f.name}={call_of(v) if hasattr(v, '__dataclass_fields__') else repr(v)}"
        for f in fields(value)
        if (v := getattr(value, f.name)) != f.default
    ]
    return f"{type(value).__name__}({', '.join(told)})"


def job_call(job: JobInput) -> str:
    """A job's input as the call that makes it."""
    opts = "" if job.opts is None else f", {call_of(job.opts)}"
    return f"JobInput({job.name!r}, {job.data!r}{opts})"
