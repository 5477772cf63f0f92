"""How an application is configured: its adapter, and where its workers are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nq_reference.config.adapters import AnyAdapterConfig
from nq_reference.config.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AppConfig:
    """``queues`` is the folder of the workers; ``None`` has none, and only enqueues."""

    adapter: AnyAdapterConfig
    queues: Path | None = None


def file_values(path: Path) -> dict[str, Any]:
    """The values of a TOML file; ``queues`` in it is relative to its folder. Raises ``ConfigError``."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    if isinstance(values.get("queues"), str):
        values["queues"] = path.parent / values["queues"]
    return values


def queues_of(values: Mapping[str, Any]) -> Path | None:
    """The folder of the workers. Raises ``ConfigError`` for what is no path."""
    queues = values.get("queues")
    if queues is not None and not isinstance(queues, str | Path):
        raise ConfigError(f"queues must be a path, not {queues!r}")
    return None if queues is None else Path(queues)
