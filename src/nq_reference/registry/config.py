"""From what a file says to a worker: the SDK's vocabulary, checked, with defaults from the file's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from nq_conformance.contract import InvalidWorkerError, QueueError, WorkerOptions
from nq_reference.config import ConfigError, camel, read, snake
from nq_reference.config.options import Spelling
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
    step = None if config.flow is None else config.flow.step
    name = config.name if step is None else step
    with _told_at(written.place("queue")):
        queue = check_name("queue", _queue_of(place) if config.queue is None else config.queue)
    with _told_at(written.place(*(("name",) if step is None else ("flow", "step")))):
        job_name = check_name("name", place.stem if name is None else name)
    with _told_at(written.place("attempts")):
        attempts = check_int("attempts", config.attempts, InvalidWorkerError, least=1)
    options = _options(written, config)
    return FoundWorker(written.path, written.line, queue, job_name, options, config.flow, attempts)


@contextmanager
def _told_at(place: str) -> Iterator[None]:
    try:
        yield
    except QueueError as error:
        raise ConfigError(f"{place}: {error}") from None


def _config(written: Written) -> Config:
    suffix = written.path.suffix
    runtimes = RUNTIMES[suffix]
    values: dict[str, Any] = {"runtime": runtimes[0], **written.values}
    try:
        config = read(Config, values, "", _spelling(written))
    except ConfigError as error:
        problems = [each.removeprefix(": ") for each in error.problems]
        raise ConfigError(f"{_place_of(written, each)}: {each}" for each in problems) from None
    if config.runtime not in runtimes:
        raise ConfigError(
            f"{written.place('runtime')}: the runtime of a {suffix} file is {' or '.join(runtimes)}, "
            f"not {config.runtime!r}"
        )
    return config


def _place_of(written: Written, problem: str) -> str:
    """The place of the option that a problem begins with, as ``read`` tells it."""
    for keys in sorted(written.lines, key=len, reverse=True):
        *outer, key = keys
        for named in (key, f"unknown option {key!r}"):
            told = ": ".join((*outer, named))
            if problem.startswith((f"{told} ", f"{told}:", f"{told};")):
                return written.place(*keys)
    return written.place()


def _queue_of(place: PurePath) -> str:
    folder = place.parent.as_posix()
    return place.stem if folder == "." else folder


def _options(written: Written, config: Config) -> WorkerOptions:
    given = {name: value for name, value in asdict(config.worker).items() if value is not None}
    try:
        return worker_options(WorkerOptions(**given, runtime=config.runtime))
    except QueueError as error:
        name, _, rest = str(error).partition(" ")  # it begins with the option's name
        name = _spelling(written)(name)
        raise ConfigError(f"{written.place('worker', name)}: {name} {rest}") from None


def _spelling(written: Written) -> Spelling:
    return snake if written.path.suffix == ".py" else camel
