"""Wrong pauses."""

from __future__ import annotations

from collections.abc import Sequence

from miniatures.base import Miniature
from nq_reference.job_source import Claim, Exchange, NewJob, Outcome
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemoryQueue


class PausesOnlyWorkers(Miniature):
    """The flag is kept with the worker: without one, pause does nothing."""

    breaks, tells = "PAU-01", "is_paused after pause"

    class provider_class(MemoryProvider):
        async def pause(self, queue_name: str) -> None:
            await self._ready(queue_name)
            if any(queue_name in manager._workers for manager in self._managers):
                await super().pause(queue_name)


class TakesOneMoreAfterPause(Miniature):
    """The fetch that was under way still takes a job."""

    breaks, tells = "PAU-02", "starts while paused stay at"

    class queue_class(MemoryQueue):
        taken = False

        def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            if self.paused and claim.want and not self.taken:
                self.paused = False
                reply = super().exchange(outcomes, claim)
                self.paused, self.taken = True, bool(reply.claimed)
                return reply
            return super().exchange(outcomes, claim)


class DropsJobsWhilePaused(Miniature):
    """A job that comes while the queue is paused is warned about and lost."""

    breaks, tells = "PAU-04", "12 runs of the handler"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            if not self.paused:
                super().add(new)
