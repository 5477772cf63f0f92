"""A queue as one might write it on a Friday: a provider without workers, and with two mistakes."""

import itertools
import time
from types import SimpleNamespace


class Shelf:
    """Keeps jobs in a dict. It knows nothing of the kit."""

    def __init__(self):
        self.jobs = {}
        self.paused = set()
        self.ids = itertools.count(1)

    async def init(self):
        pass

    async def close(self):
        pass

    async def enqueue(self, queue_name, job):
        id = f"job-{next(self.ids)}"
        self.jobs[id] = SimpleNamespace(
            id=id,
            queue=queue_name,
            name=job.name,
            data=job.data,
            state="waiting",
            timestamp=int(time.time() * 1000),
        )
        return id

    async def schedule(self, queue_name, job, opts=None):
        return await self.enqueue(queue_name, job)

    async def get_job(self, queue_name, id):
        return self.jobs.get(id)

    async def get_jobs(self, queue_name, query=None):
        states = (query and query.state) or ("waiting",)
        return [job for job in self.jobs.values() if job.queue == queue_name and job.state in states]

    async def pause(self, queue_name):
        self.paused.add(queue_name)

    async def resume(self, queue_name):
        self.paused.discard(queue_name)

    async def is_paused(self, queue_name):
        return queue_name in self.paused

    async def get_job_counts(self, queue_name):
        return SimpleNamespace(waiting=len(await self.get_jobs(queue_name)))

    def on(self, queue_name, event, callback):
        return lambda: None
