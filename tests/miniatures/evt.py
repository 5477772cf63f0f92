"""Wrong events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from miniatures.base import Miniature
from nq_conformance.contract import QueueEvent
from nq_reference.job_source import NewJob, Outcome
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import JobRecord, MemoryQueue


class TellsWaitingForDelayedJobs(Miniature):
    """Each enqueue tells waiting, whether the job waits or not."""

    breaks, tells = "EVT-01", "of a delayed job and a last one"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(new)
            if self.jobs[new.id].state == "delayed":
                self.emit("waiting", new.id, None)


class TellsFailedAtEachAttempt(Miniature):
    """An attempt that is retried is told as a failure of the job."""

    breaks, tells = "EVT-03", "job ids of `failed` events"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            self.emit("failed", job.id, outcome.text)
            super().retry(job, outcome, now)


class UnsubscribesByCallable(Miniature):
    """Unsubscribing looks for the callable, and finds somebody else's subscription of it."""

    breaks, tells = "EVT-07", "after one of the two subscriptions was ended"

    class provider_class(MemoryProvider):
        listening: list[tuple[Any, Callable[[], None]]]

        def on(
            self, queue_name: str, event: QueueEvent, callback: Callable[[Any], None]
        ) -> Callable[[], None]:
            self.listening = getattr(self, "listening", [])
            self.listening.append((callback, super().on(queue_name, event, callback)))

            def unsubscribe() -> None:
                index = next((i for i, (c, _) in enumerate(self.listening) if c == callback), None)
                if index is not None:
                    self.listening.pop(index)[1]()

            return unsubscribe
