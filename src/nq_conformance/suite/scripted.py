"""Queues whose jobs are run by the kit's children, and what is said of how such jobs end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from nq_conformance.adapters import Capability
from nq_conformance.clock import Budget
from nq_conformance.contract import Job
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite import children
from nq_conformance.suite.rules import needs
from nq_conformance.suite.steps import Step, reply
from nq_conformance.suite.together import Together
from nq_conformance.violation import Inconclusive

CHILD: Final = Budget("child", 6_000, "a child process starts, does its work, and its job ends")
HANGING: Final = Budget(
    "hanging", 10_000, "a child that hangs reaches its timeout and is ended, and its job ends"
)
NEVER_MS: Final = 60_000
"""A timeout that is not reached: a test's budget ends before it."""
_ATTEMPT_MS: Final = 2_000

_FOLDER = Path(children.__file__).parent
_SUFFIXES = {"python": ".py", "node-isolated": ".mjs"}
_PROGRAMS = {"node-isolated": "node"}

each_runtime = pytest.mark.parametrize(
    "runtime",
    [
        pytest.param("python", marks=needs(Capability.PYTHON_RUNTIME)),
        pytest.param("node-isolated", marks=needs(Capability.NODE_RUNTIME)),
    ],
)
"""Run a test for each runtime that the adapter claims; it takes an argument ``runtime``."""
while_others_hang = Together()
"""Run a test beside the others of its runtime that wait for a timeout and for what ends a stubborn child."""
in_python = needs(Capability.PYTHON_RUNTIME)
"""For a test of Python children alone."""


def timeout_for_hanging(lab: Lab) -> int:
    """A timeout in milliseconds that a child reaches only if it hangs: it has started long before."""
    return round(_ATTEMPT_MS * max(1.0, lab.clock.time_scale))


def script(runtime: str, name: str = "script") -> str:
    """The path of a child in the language of ``runtime``. Raises ``Inconclusive`` where its program
    is not installed."""
    program = _PROGRAMS.get(runtime)
    if program is not None and shutil.which(program) is None:
        raise Inconclusive(f"{program} is not on PATH, so no child of the runtime {runtime!r} can start")
    return str(_FOLDER / f"{name}{_SUFFIXES[runtime]}")


def function(name: str, module: str = "functions") -> str:
    """A Python handler of ``children``, as ``module:function``."""
    return f"{children.__name__}.{module}:{name}"


class Children:
    """A queue whose worker runs its jobs in child processes of one handler."""

    def __init__(self, lab: Lab, queue: Queue) -> None:
        self.queue = queue
        self._lab = lab

    async def start(self, *steps: Step, data: Mapping[str, Any] | None = None, **opts: Any) -> str:
        """Enqueue a job that does ``steps``; ``data`` goes into its payload. Returns its id."""
        return await self.queue.add({"script": list(steps), **(data or {})}, **opts)

    async def ended(self, id: str, of: str = "a job in a child", budget: Budget = CHILD) -> Job:
        """Wait until the job is completed or failed; returns it. ``of`` says what job it is."""
        latest: Job | None = None

        async def is_over() -> bool:
            nonlocal latest
            latest = await self.queue.get(id)
            return latest is not None and latest.state in ("completed", "failed")

        await self._lab.eventually(
            is_over,
            budget=budget,
            expected=f"{of} is completed or failed",
            seen=lambda: "there is no such job" if latest is None else f"it is {latest.state}",
            jobs=[id],
        )
        assert latest is not None
        return latest

    async def run(
        self,
        *steps: Step,
        of: str = "a job in a child",
        budget: Budget = CHILD,
        data: Mapping[str, Any] | None = None,
        **opts: Any,
    ) -> Job:
        """The two in turn."""
        return await self.ended(await self.start(*steps, data=data, **opts), of, budget)

    async def all_end(self, ids: Sequence[str], budget: Budget = CHILD) -> list[Job]:
        """Wait for several, at the most a budget for each."""
        return [await self.ended(id, budget=budget) for id in ids]

    async def gives(self, wanted: Any, *steps: Step, of: str, **opts: Any) -> Job:
        """Run a job, which must complete with the result ``wanted``; ``of`` says whose result."""
        job = await self.run(*steps, of=of, **opts)
        completed_with(self._lab, job, wanted, of)
        return job

    async def still_works(self, after: str) -> None:
        """One more job completes, with its own result."""
        await self.gives("alive", reply("alive"), of=f"the job after {after}")


async def scripted(lab: Lab, runtime: str, name: str = "script", **opts: Any) -> Children:
    """A new queue whose worker runs the scripted child; ``opts`` are those of ``WorkerOptions``."""
    return await running(lab, script(runtime, name), runtime, **opts)


async def running(lab: Lab, handler: str, runtime: str = "python", **opts: Any) -> Children:
    """A new queue whose worker runs ``handler``, a path or ``module:function``, in children."""
    queue = await lab.queue()
    await queue.work(handler, runtime=runtime, **opts)
    return Children(lab, queue)


def completed_with(lab: Lab, job: Job, wanted: Any, of: str) -> None:
    """The job is completed, with this result and no reason for a failure."""
    seen = (job.state, job.return_value, job.failed_reason)
    same = seen == ("completed", wanted, None) and isinstance(job.return_value, type(wanted))
    expected = f"state, result and failed_reason of {of}: {short(('completed', wanted, None))}"
    lab.check(same, expected, short(seen), jobs=[job.id])


def failed_with(lab: Lab, job: Job, says: Callable[[str], object], what: str, of: str) -> None:
    """The job is failed, for a reason that ``says``; ``what`` is that in words."""
    lab.equal(job.state, "failed", f"state of {of}", jobs=[job.id])
    reason = job.failed_reason or ""
    lab.check(bool(says(reason)), f"failed_reason of {of} {what}", short(job.failed_reason), jobs=[job.id])


def names_the_timeout(reason: str) -> bool:
    """Whether a reason does, for ``failed_with``."""
    return "timeout" in reason.lower() or "timed out" in reason.lower()


async def noted(lab: Lab, path: Path, what: str) -> Any:
    """Wait for a file that a child writes; returns the value in it."""
    found: list[str] = []

    async def there() -> bool:
        with suppress(FileNotFoundError):
            found.append(await anyio.Path(path).read_text(encoding="utf-8"))
        return bool(found)

    await lab.eventually(
        there, budget=CHILD, expected=f"the child starts and notes {what}", seen=lambda: "nothing is noted"
    )
    return json.loads(found[0])


def short(value: object, limit: int = 300) -> str:
    """The words for a value, cut where they are long."""
    words = repr(value)
    return words if len(words) <= limit else f"{words[:limit]}… ({len(words)} characters)"
