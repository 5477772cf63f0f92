"""Wrong delays and series."""

from __future__ import annotations

import uuid
from dataclasses import replace

from miniatures.base import Miniature
from nq_conformance.contract import JobInput, ScheduleOptions
from nq_reference.job_source import Schedule
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemorySource


class ReturnsAPlaceholder(Miniature):
    """schedule returns an id that is not the job's."""

    breaks, tells = "SCH-02", "schedule returns the job_id given"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            id = await super().schedule(queue_name, job, opts)
            return uuid.uuid4().hex if opts is not None and opts.delay else id


class DelaysByWholeSeconds(Miniature):
    """Milliseconds are cut off."""

    breaks, tells = "SCH-03", "a job with a delay of 350 ms starts no earlier"

    class provider_class(MemoryProvider):
        async def schedule(self, queue_name: str, job: JobInput, opts: ScheduleOptions | None = None) -> str:
            if opts is not None and opts.delay:
                opts = replace(opts, delay=opts.delay // 1000 * 1000)
            return await super().schedule(queue_name, job, opts)


class RunsASeriesAtOnce(Miniature):
    """The first run does not wait for the first match."""

    breaks, tells = "SCH-08", "the first run starts at the next match"

    class source_class(MemorySource):
        async def put_schedule(self, queue: str, schedule: Schedule) -> None:
            await super().put_schedule(queue, replace(schedule, next_at=await self.now()))
