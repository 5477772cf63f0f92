"""``nq-worker pool``: the workers of a folder in several processes, as many as the backlog asks for."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import anyio

from nq_reference.cli.backend import opened, shared_config, values_of
from nq_reference.cli.watching import require_workers, watching
from nq_reference.config import ConfigError
from nq_reference.config.app import queues_of
from nq_reference.pool import PoolEvent, QueueGauge, ScalingPolicy, WorkerPool
from nq_reference.registry import FoundWorker, scan
from nq_reference.signals import heeding

_log = logging.getLogger("nq_reference.pool")
_CLIENTS_MS = 10_000
"""How long a worker may take to close its clients, beyond what its handlers are given."""
_ALARMING = {"worker.crashed", "worker.killed", "gauge.failed"}


async def pool(arguments: argparse.Namespace) -> None:
    """Run a folder's workers in processes of their own until SIGTERM or SIGINT.

    Raises ``ConfigError``, before any process is started, for what the folder says wrong and for
    an adapter whose queues are one process's own.
    """
    folder = queues_of(values_of(arguments))
    workers = () if folder is None else scan(folder)
    require_workers("pool", folder, workers)
    config = shared_config(arguments)
    if not config.several_processes:
        raise ConfigError(f"the queues of {config.name} are one process's own; use nq-worker run")
    grace_ms = config.close_timeout_ms + _CLIENTS_MS if arguments.grace is None else arguments.grace
    policy = _policy(arguments)
    if arguments.look_every < 1:
        raise ConfigError("--look-every must be at least 1ms")
    async with opened(config) as provider:
        running = WorkerPool(
            _command(arguments),
            policy,
            gauge=QueueGauge(provider, _slots(workers), now_ms=provider.now),
            grace_ms=grace_ms,
            look_every_ms=arguments.look_every,
            on_event=_tell,
        )

        def title() -> str:
            return f"{running.size} nq-workers on {provider.name}"

        async with watching(arguments, provider, workers, title):
            await _run(running)


async def _run(running: WorkerPool) -> None:
    """Until a signal; a second one kills what still runs, whose jobs are run again by whoever."""
    with anyio.CancelScope() as living, heeding(running.stop, living.cancel):
        await running.run()


def _policy(arguments: argparse.Namespace) -> ScalingPolicy:
    least, most = arguments.min, arguments.max
    if arguments.workers is not None:
        if least is not None or most is not None:
            raise ConfigError("--workers is a fixed number; give either it, or --min and --max")
        least = most = arguments.workers
    least = 1 if least is None else least
    if least < 1:
        raise ConfigError("a pool keeps one worker at least: it is workers who see which jobs are due")
    try:
        return ScalingPolicy(
            min_workers=least,
            max_workers=least if most is None else most,
            target_ms=arguments.target,
            cool_down_ms=arguments.cool_down,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _slots(workers: Sequence[FoundWorker]) -> dict[str, int]:
    """How many jobs of each queue a process runs at a time: the highest of its workers (CON-01). Queues
    that no worker starts by itself are left out, as more processes would not help them."""
    slots: dict[str, int] = {}
    started = {worker.queue for worker in workers if worker.options.autorun}
    for worker in (worker for worker in workers if worker.queue in started):
        slots[worker.queue] = max(slots.get(worker.queue, 1), worker.options.concurrency)
    return slots


def _command(arguments: argparse.Namespace) -> Sequence[str]:
    command = [sys.executable, "-P", "-m", "nq_reference.cli.member", "run", "--quiet", "--patient"]
    for name in ("adapter", "url", "prefix", "config"):
        value = getattr(arguments, name)
        if value is not None:
            command.append(f"--{name}={value}")
    if arguments.verbose:
        command.append("--verbose")
    if arguments.queues is not None:
        command += ["--", str(arguments.queues)]
    return command


def _tell(event: PoolEvent) -> None:
    _log.log(logging.WARNING if event.type in _ALARMING else logging.INFO, "%s", event)
