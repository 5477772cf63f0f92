"""The arguments of every command."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from nq_conformance import __version__
from nq_conformance.contract import JOB_STATES
from nq_reference.cli import commands, flows
from nq_reference.cli.pooling import pool
from nq_reference.cli.running import run
from nq_reference.config.adapters import ADAPTERS

_FOLDER = "the folder of the workers; default: as --config says"
_UNITS_MS = {"": 1, "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def parser() -> argparse.ArgumentParser:
    """The parser; ``command`` of what it parses is a coroutine function that takes the rest."""
    top = argparse.ArgumentParser(
        prog="nq-worker",
        description="Runs a folder of workers, and asks and feeds their queues.",
        epilog="Where the queues are is said by --adapter and --url, else by NQ_ADAPTER and NQ_URL in the "
        "environment, else by the file of --config.",
    )
    top.add_argument("--version", action="version", version=f"nq-worker {__version__}")
    added = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    backend = _backend()
    _add_run(added.add_parser("run", parents=[backend], help="run the workers of a folder"))
    _add_pool(added.add_parser("pool", parents=[backend], help="run the workers in several processes"))
    _add_enqueue(added.add_parser("enqueue", parents=[backend], help="store a job"))
    _add_start(added.add_parser("start", parents=[backend], help="begin a flow"))
    _add_events(added.add_parser("events", parents=[backend], help="list what happened to a flow"))
    _add_jobs(added.add_parser("jobs", parents=[backend], help="list the jobs of a queue"))
    for name in ("pause", "resume"):
        each = added.add_parser(name, parents=[backend], help=f"{name} a queue")
        each.add_argument("queue", help="the queue's name")
        each.set_defaults(command=getattr(commands, name))
    _add_counts(added.add_parser("counts", parents=[backend], help="count the jobs of queues by state"))
    return top


def _backend() -> argparse.ArgumentParser:
    """What all commands share: where the queues are."""
    shared = argparse.ArgumentParser(add_help=False)
    group = shared.add_argument_group("where the queues are")
    group.add_argument("--adapter", metavar="NAME", help=f"one of {', '.join(sorted(ADAPTERS))}")
    group.add_argument("--url", help="the server's address, or the file or folder of the data")
    group.add_argument("--prefix", help="the namespace (Postgres: the schema)")
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="a TOML file with any option of the adapter"
    )
    shared.add_argument(
        "--verbose", action="store_true", help="log what is of interest in a search for errors"
    )
    return shared


def _add_folder(command: argparse.ArgumentParser) -> None:
    """What commands share that run the workers of a folder."""
    command.add_argument("queues", nargs="?", type=Path, help=_FOLDER)
    command.add_argument("--plain", action="store_true", help="lines of log, also on a terminal")
    command.add_argument("--quiet", action="store_true", help="do not tell of each job")


def _add_run(command: argparse.ArgumentParser) -> None:
    _add_folder(command)
    command.add_argument("--patient", action="store_true", help="a second signal does not cut handlers short")
    command.set_defaults(command=run)


def _add_pool(command: argparse.ArgumentParser) -> None:
    _add_folder(command)
    size = command.add_argument_group("how many processes")
    size.add_argument("--workers", type=int, metavar="N", help="always N; default: 1")
    size.add_argument("--min", type=int, metavar="N", help="at least N; default: 1")
    size.add_argument("--max", type=int, metavar="N", help="at most N; default: --min")
    size.add_argument(
        "--target", type=_duration_ms, default=5_000, metavar="TIME", help="a job's longest wait; default: 5s"
    )
    size.add_argument(
        "--cool-down",
        type=_duration_ms,
        default=30_000,
        metavar="TIME",
        help="fewer only if fewer sufficed for so long; default: 30s",
    )
    size.add_argument("--look-every", type=_duration_ms, default=1_000, metavar="TIME", help="default: 1s")
    command.add_argument(
        "--grace",
        type=_duration_ms,
        metavar="TIME",
        help="how long a worker that is stopped may take; default: close_timeout_ms and 10s",
    )
    command.set_defaults(command=pool)


def _add_enqueue(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", help="the queue's name")
    command.add_argument("name", help="the job's name")
    command.add_argument(
        "--data", type=_json, default=None, metavar="JSON", help="the payload; default: null"
    )
    command.add_argument(
        "--delay", type=_duration_ms, default=0, metavar="TIME", help="such as 500ms, 5s, 2m, 1h"
    )
    command.add_argument("--attempts", type=int, default=1, help="default: 1")
    command.add_argument("--priority", type=int, default=0, help="0 first, then ascending; default: 0")
    command.add_argument(
        "--job-id", metavar="ID", help="a job that is kept under this id is not stored again"
    )
    command.set_defaults(command=commands.enqueue)


def _add_start(command: argparse.ArgumentParser) -> None:
    command.add_argument("flow", help="the flow's name")
    command.add_argument("queues", nargs="?", type=Path, help=_FOLDER)
    command.add_argument("--data", type=_object, default=None, metavar="JSON", help="an object; default: {}")
    command.set_defaults(command=flows.start)


def _add_events(command: argparse.ArgumentParser) -> None:
    command.add_argument("flow_id", help="the flow's id")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=flows.events)


def _add_jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", help="the queue's name")
    command.add_argument(
        "--state", action="append", choices=JOB_STATES, help="only these; may be given again"
    )
    command.add_argument("--limit", type=int, default=20, help="how many; default: 20")
    command.add_argument("--offset", type=int, default=0, help="how many to pass over; default: 0")
    command.add_argument("--json", action="store_true", help="print JSON, with all that is known of each job")
    command.set_defaults(command=commands.jobs)


def _add_counts(command: argparse.ArgumentParser) -> None:
    command.add_argument("queue", nargs="+", help="the queues' names")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(command=commands.counts)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(
            f"no JSON: {error}; text needs quotes of its own: '\"text\"'"
        ) from None


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"a flow begins with an object, such as {{}}, not {text}")
    return value


def _duration_ms(text: str) -> int:
    found = re.fullmatch(r"(\d+)(ms|s|m|h)?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it as 500ms, 5s, 2m or 1h")
    return int(found[1]) * _UNITS_MS[found[2] or ""]
