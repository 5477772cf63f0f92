"""Wrong ways of taking in jobs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from miniatures.base import Miniature
from nq_conformance.contract import JobInput
from nq_reference import background
from nq_reference.job_source import NewJob
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemoryQueue, MemorySource


class ReturnsBeforeTheWrite(Miniature):
    """enqueue returns first and stores afterwards."""

    breaks, tells = "ENQ-02", "get_job finds the job"

    class source_class(MemorySource):
        async def add(self, queue: str, jobs: Sequence[NewJob]) -> Sequence[str]:
            store = super().add

            async def later() -> None:
                await store(queue, jobs)

            background.spawn(later, "write behind")
            return [job.id for job in jobs]


class ReturnsAnIdOfItsOwn(Miniature):
    """enqueue returns a backend's id instead of the job_id given."""

    breaks, tells = "ENQ-05", "enqueue returns the job_id"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = await super().enqueue(queue_name, job)
            given = job.opts is not None and job.opts.job_id is not None
            return uuid.uuid4().hex if given else id


class KnowsOnlyUnfinishedIds(Miniature):
    """The job_id of a finished job is taken as new."""

    breaks, tells = "ENQ-06", "of the completed job after a second enqueue"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            known = self.jobs.get(new.id)
            if known is not None and known.state in ("completed", "failed"):
                self.remove(known)
            super().add(new)


class TurnsEmptyListsIntoObjects(Miniature):
    """As a payload does that goes through Lua's cjson."""

    breaks, tells = "ENQ-11", "data is []"
    also = ("EVT-03",)
    because = "a handler that returns what it was given is given the wrong thing"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(replace(new, data=new.data.replace("[]", "{}")))
