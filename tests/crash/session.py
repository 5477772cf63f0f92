"""A session: rounds on one queue, each with jobs and kills at moments drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from crash.adapters import Candidate, Place
from crash.cast import Actor, Cast
from nq_conformance.adapters.host.client import host_command
from nq_conformance.adapters.host.peer import PeerGoneError
from nq_conformance.adapters.loading import load_adapter
from nq_conformance.clock import Budget
from nq_conformance.history import Entry, History
from nq_conformance.lab import Lab, make_setting
from nq_conformance.lab.queue import JOB
from nq_conformance.violation import Violation

ROUND = Budget("round", 30_000, "the jobs of a round are done, those of killed processes among them")
MOMENTS = ("call", "start", "end")
"""A process is killed when so many entries of one of these kinds have been seen in its round."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill to come."""

    victim: int
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a session leaves: its history, and how often it killed. ``stuck`` says what did not come
    in time, and ended it early."""

    entries: Sequence[Entry]
    rounds: int
    kills: int
    stuck: str | None = None


def run_session(candidate: Candidate, place: Place, rounds: int, seed: int) -> Result:
    """So many rounds on an empty place."""

    async def session() -> Result:
        history = History()
        setting = make_setting(
            place.namespace, history=history, url=place.url, dsn=place.dsn, directory=place.directory
        )
        command = host_command(candidate.target, None, "asyncio")
        async with Lab(load_adapter(candidate.target), setting, history, host_command=command) as lab:
            cast = Cast(lab, alone=candidate.alone)
            try:
                played, stuck = await _play(lab, cast, rounds, random.Random(seed)), None
            except Violation as violation:
                played, stuck = 0, str(violation)
            return Result(tuple(history.entries), played, cast.kills, stuck)

    return anyio.run(session)


async def _play(lab: Lab, cast: Cast, rounds: int, rng: random.Random) -> int:
    await cast.enter()
    for number in range(rounds):
        await _Round(lab, cast, random.Random(rng.random()), number).play()
    for entry in lab.history.of("call", "enqueue"):
        if entry.job_id is not None:
            await cast.watcher.get(entry.job_id)
    await cast.watcher.counts()
    return rounds


class _Round:
    """One round: jobs by three tasks at once, kills as planned, then everything is worked off."""

    def __init__(self, lab: Lab, cast: Cast, rng: random.Random, number: int) -> None:
        self._lab = lab
        self._cast = cast
        self._rng = rng
        self._number = number
        self._first = len(lab.history.entries)
        self._jobs = iter(range(rng.randint(8, 24)))
        self._produced = False

    async def play(self) -> None:
        """All of it; what goes wrong inside comes out as it is."""
        async with self._lab.meanwhile(self._produce_and_kill):
            pass
        await self._lab.eventually(
            self._is_drained,
            budget=ROUND,
            expected=f"the jobs of round {self._number} are done",
            seen=lambda: "the queue still has some",
        )

    async def _produce_and_kill(self) -> None:
        async with anyio.create_task_group() as group:
            for kill in self._plan():
                group.start_soon(self._carry_out, kill)
            async with anyio.create_task_group() as producing:
                for _ in range(3):
                    producing.start_soon(self._produce)
            self._produced = True

    def _plan(self) -> list[Kill]:
        actors = range(len(self._cast.actors))
        victims = self._rng.sample(actors, min(self._rng.choice((1, 1, 2)), len(actors)))
        return [Kill(victim, self._rng.choice(MOMENTS), self._rng.randint(1, 12)) for victim in victims]

    async def _carry_out(self, kill: Kill) -> None:
        await self._lab.sees(
            lambda: self._seen(kill.kind) >= kill.count or self._is_quiet(),
            budget=ROUND,
            expected="the moment of a kill",
            seen=lambda: "it did not come",
        )
        await self._cast.replace(self._cast.actors[kill.victim])

    async def _produce(self) -> None:
        for number in self._jobs:
            mark = f"{self._number}-{number}"
            data = {"n": mark, "steps": self._rng.randint(0, 6), "fails": self._rng.random() < 0.1}
            job_id = f"own-{mark}" if self._rng.random() < 0.2 else None
            priority = self._rng.choice((0, 0, 0, 5))
            queue = (await self._present(self._cast.producer)).queue
            assert queue is not None
            try:
                await queue.add(data, name=JOB, attempts=3, priority=priority, job_id=job_id)
            except PeerGoneError:
                continue  # whether it was stored, the history can't know

    async def _present(self, actor: Actor) -> Actor:
        await self._lab.sees(
            lambda: actor.queue is not None,
            budget=ROUND,
            expected=f"a new process for the {actor.name}",
            seen=lambda: "there is none",
        )
        return actor

    def _seen(self, kind: str) -> int:
        return sum(entry.kind == kind for entry in self._lab.history.entries[self._first :])

    def _is_quiet(self) -> bool:
        """Whether the round's jobs are all enqueued and none runs, so that no moment may come any more."""
        return self._produced and self._seen("start") == self._seen("end")

    async def _is_drained(self) -> bool:
        counts = await self._cast.watcher.counts()
        return not any((counts.waiting, counts.active, counts.delayed, counts.paused))
