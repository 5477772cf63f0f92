"""DUR: a folder that can be read only."""

from __future__ import annotations

from nq_conformance.faults.disk import bound_by_permissions, read_only
from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.restarts import start
from nq_conformance.suite.rules import rule


@rule("DUR-06")
async def test_a_process_on_a_read_only_disk_refuses_jobs_and_leaves_nothing(lab: Lab) -> None:
    """The start raises, or enqueue does. On a disk that is writable again all is as before, and works."""
    if lab.setting.directory is None:
        return  # the server's disk is not the adapter's
    first = await start(lab)
    await (await first.queue("jobs")).add("before")
    await first.end()
    with read_only(lab.setting.directory):
        lab.history.add("fault", "the disk is read-only")
        host = await lab.host(through=bound_by_permissions())
        provider = await host.new_provider(init=False)
        error = await lab.raises(
            _enqueue(Queue("jobs", lab, provider)), "init or enqueue on a read-only disk"
        )
        lab.check(str(error) != "", "an error with a message", repr(error))
        await host.kill()
    lab.history.add("fault", "the disk is writable again")
    second = await start(lab)
    queue = await second.queue("jobs")
    await queue.add("after")
    lab.equal(
        sorted(str(job.data) for job in await queue.list()), ["after", "before"], "the jobs that are there"
    )


async def _enqueue(queue: Queue) -> str:
    await queue.provider.init()
    return await queue.add("refused")
