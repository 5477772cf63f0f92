"""Wrong names."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import importlib
import pickle
import posixpath
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from miniatures.base import Miniature
from nq_conformance import Service, Setting
from nq_conformance.contract import Job, JobInput, JobState, QueueProvider
from nq_reference.job_source import NewJob, StoredJob
from nq_reference.providers.memory import MemoryProvider
from nq_reference.sources.memory import MemoryQueue, MemorySource


class SwallowsTheIdMeta(Miniature):
    """A job whose id is that of an internal key is accepted and lost."""

    breaks, tells = "SEC-02", "get_job finds the job 'meta'"

    class queue_class(MemoryQueue):
        def add(self, new: NewJob) -> None:
            if new.id != "meta":
                super().add(new)


class FoldsCase(Miniature):
    """Queues whose names differ in case share a directory."""

    breaks, tells = "SEC-04", "jobs of the queue 'Case'"

    class source_class(MemorySource):
        def queue(self, name: str) -> MemoryQueue:
            return super().queue(name.lower())


class ResolvesQueueNames(Miniature):
    """A queue's name becomes a path: `up/../plain` is `plain`."""

    breaks, tells = "SEC-01", "beside others whose names look like paths"

    class source_class(MemorySource):
        def queue(self, name: str) -> MemoryQueue:
            return super().queue(posixpath.normpath(name) if "/" in name else name)


class FollowsIdsToOtherQueues(Miniature):
    """A job's place is its id joined to its queue's: `../other/id` is in another queue."""

    breaks, tells = "SEC-01", "all jobs of another queue"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = job.opts.job_id if job.opts is not None else None
            if isinstance(id, str) and id.startswith("../") and id.count("/") == 2:
                _, queue, job_id = id.split("/")
                await super().enqueue(queue, replace(job, opts=replace(job.opts, job_id=job_id)))  # type: ignore[type-var]
            return await super().enqueue(queue_name, job)


class WritesWhereTheNamePoints(Miniature):
    """A journal is kept in files, at the queue's name joined to the folder."""

    breaks, tells = "SEC-01", "no file outside of the adapter's folder"
    service = Service.DIRECTORY

    class provider_class(MemoryProvider):
        directory: Path

        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = await super().enqueue(queue_name, job)
            if ".." in queue_name and "\\" not in queue_name:
                journal = self.directory / f"{queue_name}.journal"
                journal.parent.mkdir(parents=True, exist_ok=True)
                journal.write_text(id, encoding="utf-8")
            return id

    def provider(self, setting: Setting) -> QueueProvider:
        provider: Any = super().provider(setting)
        provider.directory = setting.directory
        made: QueueProvider = provider
        return made


class ListsByPattern(Miniature):
    """A queue's name is a pattern when jobs are listed, as it is for KEYS or SCAN."""

    breaks, tells = "SEC-03", "all jobs of the queue"

    class source_class(MemorySource):
        async def list(
            self, queue: str, states: Collection[JobState], offset: int, limit: int | None
        ) -> Sequence[StoredJob]:
            found = list(await super().list(queue, states, offset, limit))
            for name in self._queues:
                if name != queue and fnmatch.fnmatchcase(name, queue):
                    found += await super().list(name, states, offset, limit)
            return found


class QuotesNamesByHand(Miniature):
    """A name with an apostrophe ends the statement that it is put into."""

    breaks, tells = "SEC-03", "syntax error"

    class source_class(MemorySource):
        def queue(self, name: str) -> MemoryQueue:
            if "'" in name:
                raise RuntimeError(f"syntax error at or near {name!r}")
            return super().queue(name)


class PicklesPayloads(Miniature):
    """Payloads are checked as JSON, and kept as pickles."""

    breaks, tells = "SEC-05", "a payload that acts on unpickling is kept as data"

    class provider_class(MemoryProvider):
        async def enqueue(self, queue_name: str, job: JobInput) -> str:
            id = await super().enqueue(queue_name, job)
            stored = await super().get_job(queue_name, id)
            if stored is not None and stored.data == job.data:
                with suppress(RecursionError):
                    pickles(self)[queue_name, id] = pickle.dumps(job.data)
            return id

        async def get_job(self, queue_name: str, id: str) -> Job | None:
            job = await super().get_job(queue_name, id)
            text = pickles(self).get((queue_name, id))
            return replace(job, data=pickle.loads(text)) if job is not None and text is not None else job


class BuildsObjectsFromPayloads(Miniature):
    """Objects with `py/reduce` are built anew, as jsonpickle does."""

    breaks, tells = "SEC-05", "a payload that acts on jsonpickle is kept as data"

    class provider_class(MemoryProvider):
        async def get_job(self, queue_name: str, id: str) -> Job | None:
            job = await super().get_job(queue_name, id)
            if job is not None and isinstance(job.data, dict) and "py/reduce" in job.data:
                function, arguments = job.data["py/reduce"]
                module, _, name = function["py/function"].rpartition(".")
                built = getattr(importlib.import_module(module), name)(*arguments["py/tuple"])
                return replace(job, data=built)
            return job


class UnpicklesWhatLooksLikeIt(Miniature):
    """A text that is the base64 of a pickle is taken for one."""

    breaks, tells = "SEC-05", "a payload that acts on unpickling base64 is kept as data"

    class provider_class(MemoryProvider):
        magic: ClassVar[bytes] = b"\x80\x04"

        async def get_job(self, queue_name: str, id: str) -> Job | None:
            job = await super().get_job(queue_name, id)
            try:
                text = base64.b64decode(job.data, validate=True) if job and isinstance(job.data, str) else b""
            except (binascii.Error, ValueError):
                return job
            return replace(job, data=pickle.loads(text)) if job and text.startswith(self.magic) else job


def pickles(provider: Any) -> dict[tuple[str, str], bytes]:
    """Pickles by queue and id."""
    kept: dict[tuple[str, str], bytes] = provider.__dict__.setdefault("pickles", {})
    return kept
