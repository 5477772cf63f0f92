"""Plays steps on an adapter and on the model side by side, and compares after each."""

from __future__ import annotations

from typing import Any, Final

from nq_conformance.clock import REACT, Budget
from nq_conformance.contract import Job, JobsQuery
from nq_conformance.model import steps
from nq_conformance.model.inputs import job_input, model_job, schedule_options
from nq_conformance.model.instances import Instances, Session
from nq_conformance.model.portrait import REASON, misfit, of_job
from nq_conformance.model.script import Script, call_of, job_call
from nq_conformance.model.track import Track
from nq_conformance.model.world import World
from nq_conformance.violation import Inconclusive, Violation

_CONCURRENCY: Final = (1, 2)
"""Of the workers of the first queue and of the second."""


class Player:
    """One sequence, whose queues have names that end in ``suffix`` and are used for nothing else.

    ``budget`` is how long the adapter may take to show what the model allows.
    """

    def __init__(self, instances: Instances, budget: Budget = REACT, suffix: str = "") -> None:
        self.script = Script()
        self._lab = instances.lab
        self._budget = budget
        self._suffix = suffix
        self._open = Session(instances, self.script, f"canary{suffix}")
        self._tracks: dict[int, Track] = {}

    async def play(self, step: steps.Step) -> None:
        """Make the step's calls and compare. Raises ``Violation`` where adapter and model differ."""
        try:
            await self._play(step)
        except (Violation, Inconclusive):
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise Violation(expected=f"the calls of {step} succeed", seen=f"one raised {told}") from error

    async def end(self) -> None:
        """Let all handlers return, and close the workers; raises what that raises."""
        for track in self._tracks.values():
            track.end()
        await self._open.end()

    async def _play(self, step: steps.Step) -> None:  # noqa: C901 - one arm a step
        track = await self._track(step.queue)
        match step:
            case steps.Enqueue():
                await self._enqueue(track, step)
            case steps.Pause():
                await self._pause(track, step.via)
            case steps.Resume():
                await self._resume(track, step.via)
            case steps.Finish():
                await self._end(track, step.which, fails=False)
            case steps.Fail():
                await self._end(track, step.which, fails=True)
            case steps.Wait():
                await self._settle(track, "a while", all_due=True)
            case steps.Look():
                await self._look(track, step)
            case steps.Browse():
                await self._browse(track, step)
            case steps.Quiet():
                await self._keep_quiet()
            case steps.Reopen():
                await self._reopen()

    # -- steps ----------------------------------------------------------------------------

    async def _enqueue(self, track: Track, step: steps.Enqueue) -> None:
        number = len(track.ids) + 1
        job, when = job_input(number, step), schedule_options(step)
        name, provider = await self._open.instance(step.via)
        told = f"{track.name!r}, {job_call(job)}"
        if step.scheduled:
            call = f"schedule({told}, {call_of(when)})" if when else f"schedule({told})"
        else:
            call = f"enqueue({told})"
        self.script.add(f"ids[{number}] = await {name}.{call}")
        if step.scheduled:
            id = await provider.schedule(track.name, job, when)
        else:
            id = await provider.enqueue(track.name, job)
        if step.job_id is not None:
            self._lab.equal(id, step.job_id, "the id that enqueue returns where one is given")
        track.ids[number] = id
        track.model.do(lambda world: world.enqueue(model_job(number, step)))
        await self._settle(track, call)

    async def _pause(self, track: Track, via: int) -> None:
        name, provider = await self._open.instance(via)
        self.script.add(f"await {name}.pause({track.name!r})")
        await provider.pause(track.name)
        track.model.do(World.pause)
        await self._settle(track, "pause")

    async def _resume(self, track: Track, via: int) -> None:
        name, provider = await self._open.instance(via)
        self.script.add(f"await {name}.resume({track.name!r})")
        track.model.do(World.resume)
        await provider.resume(track.name)
        await self._settle(track, "resume")

    async def _end(self, track: Track, which: int, *, fails: bool) -> None:
        active = track.model.active
        if not active:
            return
        number = active[which % len(active)]
        reason = REASON.format(track.model.made(number) + 1) if fails else None
        track.let_go(number, reason)
        track.model.do(lambda world: world.fail(number) if fails else world.finish(number))
        ended = f"raised {reason!r}" if fails else "returned"
        await self._settle(track, f"the handler of job {number} has {ended}")

    async def _look(self, track: Track, step: steps.Look) -> None:
        if not track.ids:
            return
        asked = step.which % len(track.ids) + 1
        id = track.ids[asked]
        name, provider = await self._open.instance(step.via)
        number = next((job.number for job in track.model.jobs if track.ids[job.number] == id), None)
        self.script.add(f"await finds({name}, {track.name!r}, ids[{asked}], {number})")
        job: Job | None = None
        listed: dict[Any, Any] = {}

        async def agreed() -> bool:
            nonlocal job, listed
            job, listed = await provider.raw.get_job(track.name, id), await track.look(provider)
            return (job and of_job(job, paused=listed["paused"])) == listed.get(number)

        await self._lab.eventually(
            agreed,
            budget=self._budget,
            expected=f"get_job({id!r}) agrees with get_jobs, where it is {listed.get(number)!r}",
            seen=lambda: repr(job and of_job(job, paused=listed["paused"])),
            jobs=(id,),
        )

    async def _browse(self, track: Track, step: steps.Browse) -> None:
        query = JobsQuery(step.states or None, step.limit, step.offset)
        name, provider = await self._open.instance(step.via)
        self.script.add(f"await browses({name}, {track.name!r}, {call_of(query)})")
        wrong: str | None = None

        async def agreed() -> bool:
            nonlocal wrong
            whole = await track.list(provider)
            part = await track.list(provider, JobsQuery(query.state))
            wrong = misfit(whole, part, await track.list(provider, query), query)
            return wrong is None

        await self._lab.eventually(
            agreed,
            budget=self._budget,
            expected=f"{call_of(query)} on {track.name} agrees with the list of all jobs",
            seen=lambda: str(wrong),
        )

    async def _keep_quiet(self) -> None:
        await self._open.canary()
        self.script.add("await asyncio.sleep(0.5)  # what must not happen has its chance")
        for track in self._tracks.values():
            await self._settle(track, "nothing")

    async def _reopen(self) -> None:
        """Running handlers end before, and nothing starts while it closes."""
        held = [track for track in self._tracks.values() if not track.model.paused]
        for track in held:
            await self._pause(track, 0)
        for track in self._tracks.values():
            while track.model.active:
                await self._end(track, 0, fails=False)
        await self._open.reopen()
        for track in self._tracks.values():
            await track.work(await self._open.manager())
            await self._settle(track, "closing and opening again")
        for track in held:
            await self._resume(track, 0)

    # -- around ---------------------------------------------------------------------------

    async def _track(self, number: int) -> Track:
        if number not in self._tracks:
            track = Track(f"queue{number + 1}{self._suffix}", self._lab, self.script, _CONCURRENCY[number])
            self._tracks[number] = track
            await track.work(await self._open.manager())
        return self._tracks[number]

    async def _settle(self, track: Track, what: str, *, all_due: bool = False) -> None:
        """Compare the queue of the step; what others do meanwhile is compared at their own steps."""
        _, provider = await self._open.instance(0)
        await track.settle(provider, self._budget, what, all_due=all_due)
