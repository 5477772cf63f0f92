"""Wrong when something breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import anyio
from redis.exceptions import RedisError

from miniatures.base import Miniature, RedisMiniature
from nq_conformance.contract import JobInput
from nq_reference.engine.worker import QueueWorker
from nq_reference.job_source import Claim, Exchange, Outcome
from nq_reference.providers.base import SourceProvider
from nq_reference.sources.memory import MemoryQueue
from nq_reference.sources.redis import RedisSource, scripts
from nq_reference.sources.redis.keys import QueueKeys


class WaitsForItsBackend(RedisMiniature):
    """enqueue tries again until it succeeds."""

    breaks, tells = "FLT-01", "enqueue while the backend is away returns within"
    also = ("DUR-06",)
    because = "a disk that is full is no better"

    class provider_class(SourceProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            while True:
                try:
                    return await super().enqueue(queue_name, job)
                except RedisError:
                    await anyio.sleep(0.05)


class EndsWithTheFirstError(RedisMiniature):
    """The worker's loop has nothing that catches."""

    breaks, tells = "FLT-02", "becomes completed"

    class worker_class(QueueWorker):
        async def _run(self) -> None:
            while not self._through:
                self._wake.clear()
                rest_ms = await self._one_turn()
                if rest_ms > 0:
                    await self._wake.wait(rest_ms / 1000)


class KeepsADeadClient(RedisMiniature):
    """Events are awaited on a connection for which silence is never too long."""

    breaks, tells = "FLT-03", "`waiting` is told of jobs that come after the fault"

    class source_class(RedisSource):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._blocking.connection_pool.connection_kwargs["socket_timeout"] = None


class FailsWhatItCannotRecord(RedisMiniature):
    """A job whose outcome did not reach the backend is recorded as failed by the next try."""

    breaks, tells = "FLT-04", "how jobs ended whose handlers ended during an outage"

    class worker_class(QueueWorker):
        async def _exchange(self) -> Exchange:
            try:
                return await super()._exchange()
            except Exception as error:
                self._outcomes = [
                    replace(outcome, kind="fail", text=f"not recorded: {error}") for outcome in self._outcomes
                ]
                raise


class CannotWriteTheReason(Miniature):
    """The storage refuses some characters of an error, again and again."""

    breaks, tells = "FLT-05", "becomes failed"

    class queue_class(MemoryQueue):
        def exchange(self, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            for outcome in outcomes:
                if outcome.kind == "fail" and "\N{REPLACEMENT CHARACTER}" in outcome.text:
                    raise ValueError("invalid byte sequence")
            return super().exchange(outcomes, claim)


class StumblesOverAStaleId(RedisMiniature):
    """An id without a record ends the fetch, each time it is met."""

    breaks, tells = "FLT-06", "4 runs of the handler"

    class source_class(RedisSource):
        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            base = self._queue(queue).keys.base
            if claim.want:
                for member in await self._commands.zrange(f"{base}:waiting", 0, claim.want - 1):
                    id = str(member).split(":", 2)[2]
                    if not await self._commands.exists(f"{base}:job:{id}"):
                        raise KeyError(id)
            return await super().exchange(queue, outcomes, claim)


class CountsOnItsScripts(RedisMiniature):
    """Each script is loaded when it is first needed, and from then on called by its digest."""

    breaks, tells = "FLT-07", "the provider enqueues again after its backend has come back"

    class source_class(RedisSource):
        loaded: ClassVar[set[tuple[str, str]]] = set()

        async def _run(self, verb: str, keys: QueueKeys, *args: scripts.Argument) -> Any:
            script = scripts.load(verb)
            if (self._url, verb) not in self.loaded:
                await self._commands.script_load(script.text)
                self.loaded.add((self._url, verb))
            return await self._execute("EVALSHA", script.sha, 1, keys.base, self._event_stream_length, *args)
