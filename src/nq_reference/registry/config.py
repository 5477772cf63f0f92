"""From what a file says to a worker: the SDK's vocabulary, checked, with defaults from the file's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from nq_conformance.contract import InvalidWorkerError, QueueError, WorkerOptions
from nq_reference.config import ConfigError, camel, read, snake
from nq_reference.names import check_name
from nq_reference.registry.worker import FoundWorker
from nq_reference.registry.written import Written
from nq_reference.runtimes.target import SUFFIXES
from nq_reference.validation import check_int, worker_options
from nq_reference.worker.config import Config

RUNTIMES: Mapping[str, tuple[str, ...]] = {
    **{suffix: (runtime,) for runtime, suffixes in SUFFIXES.items() for suffix in suffixes},
    ".py": ("python", "in-process"),
}
"""What can run a file, by its suffix; the first is the default."""


def found_worker(written: Written, place: PurePath) -> FoundWorker:
    """The worker of a file at ``place`` within the folder that is scanned.

    The queue is the configuration's, else the folder's path, else, at the top, the file's name. The
    job's name is the flow's step, else the configuration's name, else the file's. Raises
    ``ConfigError`` with all that is wrong.
    """
    config = _config(written)
    where = f"{written.path}:{written.line}"
    job_name = (config.flow and config.flow.step) or config.name or place.stem
    try:
        return FoundWorker(
            path=written.path,
            line=written.line,
            queue=check_name("queue", _queue_of(place) if config.queue is None else config.queue),
            job_name=check_name("name", job_name),
            options=_options(config),
            flow=config.flow,
            attempts=check_int("attempts", config.attempts, InvalidWorkerError, least=1),
        )
    except QueueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _config(written: Written) -> Config:
    suffix = written.path.suffix
    runtimes = RUNTIMES[suffix]
    where = f"{written.path}:{written.line}"
    values: dict[str, Any] = {"runtime": runtimes[0], **written.values}
    config = read(Config, values, where, snake if suffix == ".py" else camel)
    if config.runtime not in runtimes:
        raise ConfigError(
            f"{where}: the runtime of a {suffix} file is {' or '.join(runtimes)}, not {config.runtime!r}"
        )
    return config


def _queue_of(place: PurePath) -> str:
    folder = place.parent.as_posix()
    return place.stem if folder == "." else folder


def _options(config: Config) -> WorkerOptions:
    given = {name: value for name, value in asdict(config.worker).items() if value is not None}
    return worker_options(WorkerOptions(**given, runtime=config.runtime))
