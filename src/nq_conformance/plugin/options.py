"""The options: their names, their counterparts in the configuration, and their values once read.

The first half runs in everybody's pytest and stays light. What a value means beyond its
form (is there such a rule, an adapter, a file?) is checked where it is used.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

BACKENDS = ("asyncio", "trio", "uvloop")
ALL_BACKENDS = "all"
_MANY = ("nq_adapter", "nq_waivers", "nq_rule", "nq_backend")
_ADAPTER_HELP = (
    "Judge this adapter: module:Name of an adapter, a provider class or a function. May be repeated. "
    "Without paths the conformance suite is what runs."
)
_BACKEND_HELP = (
    "Event loops to run on; may be repeated. Default: asyncio and trio, where the adapter declares them."
)
_HELP = {
    "nq_adapter": ("TARGET", _ADAPTER_HELP),
    "nq_worker_manager": ("TARGET", "The worker manager that goes with a bare provider class."),
    "nq_rule": ("ID|AREA|PROFILE", "Run only these rules; may be repeated or separated by commas."),
    "nq_redis": ("URL|container|local|embedded|fake", "Where Redis comes from. Default: the first there is."),
    "nq_postgres": (
        "DSN|container|local|embedded",
        "Where Postgres comes from. Default: the first there is.",
    ),
    "nq_report": ("FILE.json", "Write the verdicts as JSON."),
    "nq_histories": ("DIR", "Store the histories of tests that did not pass, for `nq-conformance check`."),
    "nq_waivers": ("FILE.toml", "Known failures, with reason, link and last day. May be repeated."),
    "nq_backend": ("asyncio|trio|uvloop|all", _BACKEND_HELP),
    "nq_time_scale": (
        "FLOAT",
        "Multiply all time budgets by this. Default: 1, or more on a machine that is slow at the start.",
    ),
    "nq_seed": ("INT", "Seed for everything that is random. Default: a new one, told in the header."),
    "nq_examples": ("INT", "How many sequences of calls the model's rules draw. Default: 120."),
}


def add_options(parser: pytest.Parser) -> None:
    """Declare all options; values are kept as text and read by ``read_options``."""
    group = parser.getgroup("nq-conformance", "conformance of job-queue adapters")
    for name, (metavar, text) in _HELP.items():
        many = name in _MANY
        group.addoption(
            _flag(name), action="append" if many else "store", default=None, metavar=metavar, help=text
        )
        kind: Literal["linelist", "string"] = "linelist" if many else "string"
        parser.addini(name, f"Default for {_flag(name)}. {text}", kind, [] if many else None)
    group.addoption(
        "--nq-suite", action="store_true", help="Run the conformance suite beside the paths that are given."
    )
    group.addoption("--nq-histories-of-all", action="store_true", help="Store the histories of all tests.")
    group.addoption(
        "--nq-run-blocked",
        action="store_true",
        help="Run a rule even if one that it rests on has already failed.",
    )


@dataclass(frozen=True, slots=True)
class Options:
    """The options' values. ``backends`` is empty for the default; ``seed``, ``time_scale``
    and ``examples`` are ``None`` if not given.

    Paths are absolute. ``budgets_off`` holds under a debugger, where a person takes time.
    """

    targets: tuple[str, ...]
    worker_manager: str | None
    rules: tuple[str, ...]
    redis: str | None
    postgres: str | None
    report: Path | None
    waivers: tuple[Path, ...]
    backends: tuple[str, ...]
    time_scale: float | None
    seed: int | None
    run_blocked: bool
    budgets_off: bool
    examples: int | None = None
    histories: Path | None = None
    histories_of_all: bool = False


def read_options(config: pytest.Config) -> Options:
    """All options, from the command line or else the configuration; raises ``UsageError``."""
    report, histories = _one(config, "nq_report"), _one(config, "nq_histories")
    return Options(
        targets=tuple(_many(config, "nq_adapter")),
        worker_manager=_one(config, "nq_worker_manager"),
        rules=_split(_many(config, "nq_rule")),
        redis=_one(config, "nq_redis"),
        postgres=_one(config, "nq_postgres"),
        report=_path(config, "nq_report", report) if report else None,
        histories=_path(config, "nq_histories", histories) if histories else None,
        histories_of_all=bool(config.getoption("nq_histories_of_all")),
        waivers=tuple(_path(config, "nq_waivers", file) for file in _many(config, "nq_waivers")),
        backends=_backends(_split(_many(config, "nq_backend"))),
        time_scale=_time_scale(_one(config, "nq_time_scale")),
        seed=_seed(_one(config, "nq_seed")),
        run_blocked=bool(config.getoption("nq_run_blocked")),
        budgets_off=bool(
            config.getoption("usepdb", default=False) or config.getoption("trace", default=False)
        ),
        examples=_examples(_one(config, "nq_examples")),
    )


def new_seed() -> int:
    """A seed for a run that was given none."""
    return random.SystemRandom().randrange(2**31)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _one(config: pytest.Config, name: str) -> str | None:
    value: str | None = config.getoption(name)
    return value if value is not None else (config.getini(name) or None)


def _many(config: pytest.Config, name: str) -> Sequence[str]:
    given: list[str] = config.getoption(name) or config.getini(name) or []
    return [text for text in given if text.strip()]


def _split(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts for part in text.split(",") if part.strip())


def _path(config: pytest.Config, name: str, text: str) -> Path:
    """Relative to where pytest was started, or from the configuration to the root folder."""
    start = config.invocation_params.dir if config.getoption(name) else config.rootpath
    return start / Path(text).expanduser()


def _backends(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in (*BACKENDS, ALL_BACKENDS):
            known = ", ".join((*BACKENDS, ALL_BACKENDS))
            raise pytest.UsageError(f"--nq-backend={name}: there is no such event loop. Known are {known}.")
    return names


def _time_scale(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not (math.isfinite(scale) and scale > 0):
        raise pytest.UsageError(f"--nq-time-scale={text}: a number above 0 is needed, such as 2.5.")
    return scale


def _seed(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        raise pytest.UsageError(f"--nq-seed={text}: a whole number is needed.") from None


def _examples(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise pytest.UsageError(f"--nq-examples={text}: a whole number above 0 is needed, such as 500.")
