"""Wrong events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anyio

from miniatures.base import Miniature
from nq_conformance.contract import QueueEvent
from nq_reference import background
from nq_reference.job_source import Claim, EventListener, Exchange, NewJob, Outcome
from nq_reference.providers.memory import MemoryProvider
from nq_reference.providers.payloads import payload_of
from nq_reference.sources.memory import JobRecord, MemoryQueue, MemorySource
from nq_reference.sources.memory.listening import MemorySubscription


class TellsWaitingForDelayedJobs(Miniature):
    """Each enqueue tells waiting, whether the job waits or not."""

    breaks, tells = "EVT-01", "of a delayed job and a last one"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            super().add(new)
            if self.jobs[new.id].state == "delayed":
                self.emit("waiting", new.id, None)


class TellsOfADelayWithoutItsEnd(Miniature):
    """`delayed` of an enqueue does not say when the job is due."""

    breaks, tells = "EVT-01", "in a minute from now"

    class queue_class(MemoryQueue):
        def delay(self, job: JobRecord, verb: str, due: int) -> None:
            with _silent(self):
                super().delay(job, verb, due)
            self.emit("delayed", job.id, None if verb == "enqueue" else due)


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


class TellsActiveBehindTheOutcome(Miniature):
    """The outcome of a quick handler overtakes the news that it has begun."""

    breaks, tells = "EVT-02", "the events of a job that completed"

    class queue_class(MemoryQueue):
        def emit(self, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
            self.owed: set[str | None] = getattr(self, "owed", set())
            if event == "active":
                self.owed.add(job_id)
                return
            super().emit(event, job_id, detail)
            if job_id in self.owed:
                self.owed.remove(job_id)
                super().emit("active", job_id, None)


class TellsActiveOfFirstAttemptsAlone(Miniature):
    """A retry begins in silence."""

    breaks, tells = "EVT-02", "of a job that fails three times"

    class queue_class(MemoryQueue):
        def emit(self, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
            if event != "active" or not self.jobs[job_id or ""].attempts_made:
                super().emit(event, job_id, detail)


class RetriesInSilence(Miniature):
    """Nothing tells that a job rests between two attempts."""

    breaks, tells = "EVT-04", "without `waiting` and `active`"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            with _silent(self):
                super().retry(job, outcome, now)


class TellsTheBackoffForTheDueTime(Miniature):
    """`delay` of a retry is a duration."""

    breaks, tells = "EVT-04", "the job's due time in epoch ms"

    class queue_class(MemoryQueue):
        def retry(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            with _silent(self):
                super().retry(job, outcome, now)
            if outcome.delay:
                self.emit("delayed", job.id, outcome.delay)
            else:
                self.emit("waiting", job.id, "active")


class PausesInSilence(Miniature):
    """Nobody is told of a pause."""

    breaks, tells = "EVT-05", "1 `paused` event"

    class source_class(MemorySource):
        async def pause(self, queue: str) -> None:
            with _silent(self.queue(queue)):
                await super().pause(queue)


class TellsOfPausesThatChangeNothing(Miniature):
    """A pause of a queue that is held already is told as well."""

    breaks, tells = "EVT-05", "`paused` events of a queue that was paused twice"

    class source_class(MemorySource):
        async def pause(self, queue: str) -> None:
            was_paused = await self.is_paused(queue)
            await super().pause(queue)
            if was_paused:
                self.queue(queue).emit("paused", None, None)


class TellsBeforeItCommits(Miniature):
    """The end of a job is told a few turns before it is stored."""

    breaks, tells = "EVT-06", "state that get_job shows in the callback"

    class source_class(MemorySource):
        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            q = self.queue(queue)
            ends = [o for o in outcomes if o.kind in ("complete", "fail")]
            for end in ends:
                q.emit("completed" if end.kind == "complete" else "failed", end.job_id, end.text)
            for _ in range(5 * bool(ends)):
                await anyio.lowlevel.checkpoint()
            return await super().exchange(queue, outcomes, claim)

    class queue_class(MemoryQueue):
        def end(self, job: JobRecord, outcome: Outcome, now: int) -> None:
            with _silent(self):
                super().end(job, outcome, now)


class LetsCallbacksRaise(Miniature):
    """What a callback raises comes out of whatever made the event."""

    breaks, tells = "EVT-08", "raised by a callback on purpose"

    class provider_class(MemoryProvider):
        def on(
            self, queue_name: str, event: QueueEvent, callback: Callable[[Any], None]
        ) -> Callable[[], None]:
            def listen(happened: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
                if happened == event:
                    callback(payload_of(event, job_id, detail))

            super().on(queue_name, event, callback)()  # refuses what it always refuses
            return self._source.subscribe(queue_name, listen).close


class DropsCallbacksThatRaise(Miniature):
    """A callback that raised is not called again."""

    breaks, tells = "EVT-08", "2 `waiting` events"

    class provider_class(MemoryProvider):
        def on(
            self, queue_name: str, event: QueueEvent, callback: Callable[[Any], None]
        ) -> Callable[[], None]:
            def once(payload: Any) -> None:
                try:
                    callback(payload)
                except Exception:
                    unsubscribe()

            unsubscribe = super().on(queue_name, event, once)
            return unsubscribe


class CutsQueueNamesAtTheColon(Miniature):
    """Events go by the part of the queue's name before the first ':'."""

    breaks, tells = "EVT-09", "a listener of 'a' hears"

    class source_class(MemorySource):
        def queue(self, name: str) -> MemoryQueue:
            known = name in self._queues
            queue = super().queue(name)
            if not known:
                queue.listeners = tuple(s for other in self.alike(name) for s in other.listeners)
            return queue

        def subscribe(self, queue: str, listener: EventListener) -> MemorySubscription:
            subscription = super().subscribe(queue, listener)
            for other in self.alike(queue):
                other.listeners = (*other.listeners, subscription)
            return subscription

        def alike(self, name: str) -> list[MemoryQueue]:
            stem = name.partition(":")[0]
            return [
                q for other, q in self._queues.items() if other != name and other.partition(":")[0] == stem
            ]


class ReplaysTheLatestEvents(Miniature):
    """A new listener is told what has happened last."""

    breaks, tells = "EVT-10", "job ids heard by one who came after the first"

    class queue_class(MemoryQueue):
        def emit(self, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
            self.latest = (event, job_id, detail)
            super().emit(event, job_id, detail)

    class source_class(MemorySource):
        def subscribe(self, queue: str, listener: EventListener) -> MemorySubscription:
            subscription = super().subscribe(queue, listener)
            latest = getattr(self.queue(queue), "latest", None)
            if latest is not None:
                listener(*latest)
            return subscription


class JoinsABusyQueueLate(Miniature):
    """On a queue on which something has happened, listening begins when a task gets going."""

    breaks, tells = "EVT-10", "1 `waiting` event"

    class queue_class(MemoryQueue):
        busy = False

        def emit(self, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
            self.busy = True
            super().emit(event, job_id, detail)

    class source_class(MemorySource):
        def subscribe(self, queue: str, listener: EventListener) -> MemorySubscription:
            subscription = super().subscribe(queue, listener)
            q: Any = self.queue(queue)
            if q.busy:
                q.listeners = q.listeners[:-1]

                async def join() -> None:
                    q.listeners = (*q.listeners, subscription)

                background.spawn(join, "join")
            return subscription


class DropsWhatItsBufferCannotHold(Miniature):
    """Events go through a buffer that keeps the newest thousand."""

    breaks, tells = "EVT-11", "of 10 000 `completed` events"

    class queue_class(MemoryQueue):
        def __init__(self) -> None:
            super().__init__()
            self.buffer: deque[tuple[Any, ...]] = deque(maxlen=1000)
            self.task: background.BackgroundTask | None = None

        def emit(self, event: QueueEvent, job_id: str | None, detail: str | int | None) -> None:
            self.buffer.append((self.listeners, event, job_id, detail))
            if self.task is None or self.task.finished:
                self.task = background.spawn(self.deliver, "deliver")

        async def deliver(self) -> None:
            while self.buffer:
                listeners, *told = self.buffer.popleft()
                for subscription in listeners:
                    if not subscription.closed:
                        subscription.listener(*told)
                await anyio.lowlevel.checkpoint()


@contextmanager
def _silent(queue: MemoryQueue) -> Iterator[None]:
    """Nobody hears what happens in the block."""
    listeners, queue.listeners = queue.listeners, ()
    try:
        yield
    finally:
        queue.listeners = listeners
