"""A source in a process of its own: reads a JSON list a line (verb, arguments), writes an answer a line.

Started by ``durable_source_tools.peer``. ``flood`` adds jobs for ever and writes the id of each
that was acknowledged, for somebody to kill it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from typing import Any

from nq_conformance.contract import JOB_STATES, JobOptions
from nq_reference.job_source import Claim, NewJob, Outcome
from nq_reference.sources.file import FileSource, journal
from nq_reference.sources.sqlite import SqliteSource

QUEUE = "mail"


class Peer:
    """Answers what it is asked."""

    def __init__(self, source: FileSource | SqliteSource) -> None:
        self.source = source
        self.heard: list[list[Any]] = []

    async def add(self, *ids: str) -> str:
        await self.source.add(QUEUE, [NewJob(id, "n", "1", JobOptions()) for id in ids])
        return "added"

    async def claim(self, want: int, token: str, lock_ms: int) -> list[str]:
        reply = await self.source.exchange(QUEUE, [], Claim(want, token, lock_ms, 1))
        return [job.id for job in reply.claimed]

    async def work(self, token: str) -> list[str]:
        """Claim one after the other, complete each, until nothing is left; the ids."""
        done: list[str] = []
        outcomes: list[Outcome] = []
        while True:
            reply = await self.source.exchange(QUEUE, outcomes, Claim(1, token, 30_000, 1))
            if not reply.claimed:
                return done
            done += [job.id for job in reply.claimed]
            outcomes = [Outcome(job.id, token, "complete", "null") for job in reply.claimed]

    async def complete(self, id: str, token: str) -> list[bool]:
        outcome = Outcome(id, token, "complete", "null")
        return list((await self.source.exchange(QUEUE, [outcome], Claim(0, token, 30_000, 1))).accepted)

    async def states(self) -> dict[str, str]:
        return {job.id: job.state for job in await self.source.list(QUEUE, JOB_STATES, 0, None)}

    async def listen(self) -> str:
        subscription = self.source.subscribe(QUEUE, lambda event, job, _: self.heard.append([event, job]))
        await subscription.ready()
        return "listening"

    async def events(self) -> list[list[Any]]:
        return self.heard

    async def pause(self) -> str:
        await self.source.pause(QUEUE)
        return "paused"

    async def limit(self, size: int) -> str:
        """Let no file grow beyond ``size`` bytes, as if the disk were full; -1 ends it."""
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))
        return "limited"

    async def flood(self) -> None:
        for number in range(1_000_000):
            id = f"job{number}"
            await self.source.add(QUEUE, [NewJob(id, "n", '"' + "x" * 100 + '"', JobOptions())])
            answer(id)
            if number % 2:  # garbage for the journal
                await self.work("t")


def answer(value: Any) -> None:
    print(json.dumps(value), flush=True)


async def main(kind: str, place: str) -> None:
    journal.MIN_COMPACTION_BYTES = 4_000
    made = FileSource(place) if kind == "file" else SqliteSource(place)
    await made.open()
    answer("open")
    peer = Peer(made)
    while line := await asyncio.to_thread(sys.stdin.readline):
        verb, *args = json.loads(line)
        try:
            answer(await getattr(peer, verb)(*args))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
