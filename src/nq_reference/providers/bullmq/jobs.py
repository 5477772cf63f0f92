"""New jobs, made into what BullMQ adds."""

from __future__ import annotations

import secrets
import time
from typing import Any

from bullmq import Job

from nq_reference import codec
from nq_reference.job_source import NewJob, Schedule
from nq_reference.providers.bullmq.limits import check_job
from nq_reference.providers.bullmq.records import options_to


class JobMaker:
    """Makes BullMQ jobs that can be told apart by age, even within a millisecond."""

    def __init__(self) -> None:
        self._last_ms = 0
        self._in_last_ms = 0

    def make(self, queue: Any, job: NewJob) -> Any:
        """A checked job for the BullMQ queue ``queue``; raises ``InvalidJobError``.

        It has its id from here, not from BullMQ's counter: a call whose answer was lost can
        then be made again without adding a second job. Ids made here sort by age, which is how
        BullMQ orders jobs that ended within a millisecond when it keeps the newest (RTY-12).
        """
        data = codec.decode(job.data)
        check_job(job, data)
        timestamp, sequence = self._age()
        id = job.opts.job_id or f"{timestamp:011x}-{sequence:04x}-{secrets.token_hex(8)}"
        made = Job(queue, job.name, data, options_to(job.opts, job.delay, sequence), id)
        made.timestamp = timestamp
        return made

    def check(self, schedule: Schedule) -> None:
        """Raise ``InvalidJobError`` for a series whose jobs BullMQ can't keep."""
        job = NewJob(schedule.id, schedule.name, schedule.data, schedule.opts)
        check_job(job, codec.decode(schedule.data))

    def _age(self) -> tuple[int, int]:
        now_ms = round(time.time() * 1000)
        self._in_last_ms = self._in_last_ms + 1 if now_ms == self._last_ms else 0
        self._last_ms = now_ms
        return now_ms, self._in_last_ms
