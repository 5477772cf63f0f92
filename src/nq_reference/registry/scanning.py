"""Scans a folder for workers."""

from __future__ import annotations

from pathlib import Path

from nq_reference.config import ConfigError
from nq_reference.registry.config import RUNTIMES, found_worker
from nq_reference.registry.folder import worker_files
from nq_reference.registry.node_file import read_node
from nq_reference.registry.node_syntax import syntax_errors
from nq_reference.registry.python_file import read_python
from nq_reference.registry.worker import FoundWorker
from nq_reference.registry.written import UnreadableError, Written

_NO_HANDLER = {
    ".py": "a configuration and no handler; define `async def handler(data, ctx)`",
    ".cjs": "a configuration and no handler; write `module.exports.handler = async (data, ctx) => {...}`",
}
_NO_HANDLER_IN_MODULE = (
    "a configuration and no handler; write `export default async function handler(data, ctx) {...}`"
)


def scan(folder: Path | str) -> tuple[FoundWorker, ...]:
    """The workers in ``folder`` and below, by path; no file is run or imported.

    Names that begin with ``_`` or ``.`` are passed over, ``node_modules`` too. Raises ``ConfigError``
    with all mistakes of all files, each beginning with ``path:line``.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigError(f"{root} is no folder; name the one that holds the workers, such as queues/")
    paths = worker_files(root, RUNTIMES)
    wrong = syntax_errors([path for path in paths if path.suffix != ".py"])
    workers: dict[tuple[str, str], FoundWorker] = {}
    problems: list[str] = []
    for path in paths:
        try:
            worker = _worker(path, path.relative_to(root), wrong.get(path))
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


def _worker(path: Path, place: Path, wrong: UnreadableError | None) -> FoundWorker:
    """Raises ``UnreadableError``, ``wrong`` if the file has a syntax error, and ``ConfigError``."""
    if wrong is not None:
        raise wrong
    written = _written(path)
    try:
        worker = found_worker(written, place)
    except ConfigError as error:
        raise error if written.has_handler else ConfigError((*error.problems, _no_handler(written))) from None
    except ValueError as error:  # a number that is too long to be told
        raise UnreadableError(written.line, f"can't be read: {error}") from None
    if not written.has_handler:
        raise ConfigError(_no_handler(written))
    return worker


def _written(path: Path) -> Written:
    try:
        return read_python(path, path.read_bytes()) if path.suffix == ".py" else _read_node(path)
    except (OSError, ValueError) as error:
        raise UnreadableError(1, f"can't be read: {error}") from None
    except RecursionError:
        raise UnreadableError(1, "can't be read: it is nested too deep") from None


def _read_node(path: Path) -> Written:
    return read_node(path, path.read_text("utf-8-sig"))


def _no_handler(written: Written) -> str:
    return f"{written.place()}: {_NO_HANDLER.get(written.path.suffix, _NO_HANDLER_IN_MODULE)}"


def _twice(worker: FoundWorker, first: FoundWorker) -> str:
    return (
        f"{worker.place}: queue {worker.queue!r} has a worker for {worker.job_name!r} already, "
        f"{first.place}; give one of them another name"
    )
