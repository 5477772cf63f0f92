"""The commands that make one call each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from nq_conformance.contract import Job, JobCounts, JobInput, JobOptions, JobsQuery
from nq_reference.cli.backend import provider_of
from nq_reference.cli.printing import print_json, print_table, shortened
from nq_reference.config import camel

STATES = tuple(field.name for field in fields(JobCounts))


async def enqueue(arguments: argparse.Namespace) -> None:
    """Store a job, and print its id."""
    opts = JobOptions(
        job_id=arguments.job_id,
        attempts=arguments.attempts,
        delay=arguments.delay,
        priority=arguments.priority,
    )
    async with provider_of(arguments) as provider:
        print(await provider.enqueue(arguments.queue, JobInput(arguments.name, arguments.data, opts)))


async def jobs(arguments: argparse.Namespace) -> None:
    """Print jobs, oldest first."""
    query = JobsQuery(state=arguments.state, limit=arguments.limit, offset=arguments.offset)
    async with provider_of(arguments) as provider:
        found = await provider.get_jobs(arguments.queue, query)
    if arguments.json:
        print_json([_wired(asdict(job)) for job in found])
    else:
        print_table(("ID", "NAME", "STATE", "ATTEMPTS", "CREATED", "OUTCOME"), [_row(job) for job in found])


async def pause(arguments: argparse.Namespace) -> None:
    """Hold a queue, for all processes."""
    async with provider_of(arguments) as provider:
        await provider.pause(arguments.queue)


async def resume(arguments: argparse.Namespace) -> None:
    """Let a queue go on."""
    async with provider_of(arguments) as provider:
        await provider.resume(arguments.queue)


async def counts(arguments: argparse.Namespace) -> None:
    """Print how many jobs are in each state, and whether the queue is held."""
    async with provider_of(arguments) as provider:
        found = {
            queue: {**asdict(await provider.get_job_counts(queue)), "held": await provider.is_paused(queue)}
            for queue in arguments.queue
        }
    if arguments.json:
        print_json(found)
    else:
        columns = (*STATES, "held")
        rows = [(queue, *(_shown(of[name]) for name in columns)) for queue, of in found.items()]
        print_table(("QUEUE", *(name.upper() for name in columns)), rows)


def _row(job: Job) -> Sequence[str]:
    outcome = job.failed_reason or ("" if job.return_value is None else json.dumps(job.return_value))
    created = datetime.fromtimestamp(job.timestamp / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (job.id, job.name, job.state, str(job.attempts_made), created, shortened(outcome))


def _shown(value: int | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _wired(fields: dict[str, Any]) -> dict[str, Any]:
    """A job in camelCase; what is in its payload and results stays as it is."""
    wired = {camel(name): value for name, value in fields.items()}
    wired["opts"] = {camel(name): value for name, value in fields["opts"].items()}
    return wired
