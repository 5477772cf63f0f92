"""The published schema of an application's file is current and judges as the reader does."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any

import jsonschema
import pytest

from nq_reference.config import ConfigError
from nq_reference.config.adapters import ADAPTERS
from nq_reference.config.app_schema import app_config_schema
from nq_reference.factory import adapter_config

SCHEMA = json.loads(
    importlib.resources.files("nq_reference.config").joinpath("schemas/app-config-1.json").read_text()
)
FITS = jsonschema.Draft202012Validator(SCHEMA).is_valid
GOOD: list[dict[str, Any]] = [
    {},
    {"close_timeout_ms": 0},
    {"adapter": "memory"},
    {"adapter": "sqlite", "url": "jobs.sqlite3", "synchronous": "off"},
    {"adapter": "sqlite", "path": "jobs.sqlite3"},
    {"adapter": "file", "directory": "jobs", "fsync": "never"},
    {"adapter": "redis"},
    {"adapter": "redis", "url": "redis://h", "prefix": "p"},
    {"adapter": "postgres", "url": "postgresql://h/x", "schema": "s", "listen": False},
    {"adapter": "postgres", "dsn": "postgresql://h/x", "prefix": "s"},
    {"adapter": "bullmq", "event_stream_length": 1},
    {"adapter": "redis", "event_stream_length": 1, "history_ms": 1, "history_flows": 1},
    {"adapter": "sqlite", "url": "jobs.sqlite3", "history_ms": 1},
]
BAD: list[dict[str, Any]] = [
    {"adapter": "reddis"},
    {"adapter": ["redis"]},
    {"url": "x"},
    {"prefix": "p"},
    {"close_timeout_ms": -1},
    {"adapter": "memory", "close_timeout_ms": True},
    {"adapter": "redis", "prefix": 1},
    {"adapter": "redis", "schema": "s"},
    {"adapter": "redis", "lissten": False},
    {"adapter": "redis", "event_stream_length": 0},
    {"adapter": "redis", "history_ms": 0},
    {"adapter": "memory", "history_ms": 1},
    {"adapter": "file", "url": "x", "fsync": "allways"},
    {"adapter": "file", "url": "x", "directory": "y"},
    {"adapter": "sqlite", "url": "x", "path": "y"},
    {"adapter": "postgres", "dsn": "postgresql://h/x", "schema": "a", "prefix": "b"},
    {"adapter": "postgres", "dsn": "postgresql://h/x", "listen": "no"},
]


def test_the_published_schema_is_current() -> None:
    """It is printed from the configurations."""
    assert app_config_schema() == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("values", GOOD)
def test_what_the_reader_takes_fits(values: dict[str, Any]) -> None:
    """With the folder of the workers and without."""
    adapter_config(values)
    assert FITS(values)
    assert FITS({**values, "queues": "queues"})


@pytest.mark.parametrize("values", BAD)
def test_what_the_reader_refuses_does_not_fit(values: dict[str, Any]) -> None:
    """Unknown names, wrong types, numbers that are too small, both names of one option."""
    with pytest.raises(ConfigError):
        adapter_config(values)
    assert not FITS(values)


def test_a_folder_of_workers_is_a_text() -> None:
    """As the application asks for."""
    assert not FITS({"queues": 3})


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_address_may_come_from_elsewhere(adapter: str) -> None:
    """From ``--url`` or ``NQ_URL``, which keep it out of a file that is shared."""
    assert FITS({"adapter": adapter, "queues": "queues"})
