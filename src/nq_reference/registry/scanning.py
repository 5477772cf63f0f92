"""Scans a folder for workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nq_reference.config import ConfigError
from nq_reference.registry.config import RUNTIMES, found_worker
from nq_reference.registry.node_file import read_node
from nq_reference.registry.python_file import read_python
from nq_reference.registry.worker import FoundWorker
from nq_reference.registry.written import UnreadableError, Written

_PASSED_FOLDERS = {"node_modules", "__pycache__"}


def scan(folder: Path | str) -> tuple[FoundWorker, ...]:
    """The workers in ``folder`` and below, by path; no file is run or imported.

    Names that begin with ``_`` or ``.`` are passed over, ``node_modules`` too. Raises ``ConfigError``
    with all mistakes of all files, each beginning with ``path:line``.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f"{root} is no folder; name the one that holds the workers, such as queues/")
    workers: dict[tuple[str, str], FoundWorker] = {}
    problems: list[str] = []
    for path in _files(root):
        try:
            worker = found_worker(_written(path), path.relative_to(root))
        except UnreadableError as error:
            problems.append(f"{path}:{error.line}: {error}")
        except ConfigError as error:
            problems += error.problems
        else:
            first = workers.setdefault((worker.queue, worker.job_name), worker)
            if first is not worker:
                problems.append(_twice(worker, first))
    if problems:
        raise ConfigError(problems)
    return tuple(workers.values())


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.name.startswith(("_", ".")) or path.name in _PASSED_FOLDERS:
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix in RUNTIMES:
            yield path


def _written(path: Path) -> Written:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableError(1, f"can't be read: {error}") from None
    return read_python(path, text) if path.suffix == ".py" else read_node(path, text)


def _twice(worker: FoundWorker, first: FoundWorker) -> str:
    return (
        f"{worker.place}: queue {worker.queue!r} has a worker for {worker.job_name!r} already, "
        f"{first.place}; give one of them another name"
    )
