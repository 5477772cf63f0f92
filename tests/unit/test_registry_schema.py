"""The published schema of a worker's configuration is current and judges as the registry does."""

from __future__ import annotations

import importlib.resources
import json

import jsonschema
import pytest

from nq_reference.registry.schema import worker_config_schema

SCHEMA = json.loads(
    importlib.resources.files("nq_reference.registry").joinpath("schemas/worker-config-1.json").read_text()
)
GOOD = [{}, {"queue": "q", "worker": {"lockDurationMs": 1}, "flow": {"name": "f", "emits": ["a"]}}]
BAD = [{"qeue": "q"}, {"worker": {"concurrency": 0}}, {"flow": {"role": "step"}}, {"runtime": "ruby"}]


def test_the_published_schema_is_current() -> None:
    """``python docs/build.py`` prints it."""
    assert worker_config_schema() == SCHEMA


@pytest.mark.parametrize("config", GOOD)
def test_a_good_configuration_fits(config: dict[str, object]) -> None:
    """In camelCase."""
    jsonschema.validate(config, SCHEMA)


@pytest.mark.parametrize("config", BAD)
def test_a_wrong_one_does_not(config: dict[str, object]) -> None:
    """Unknown names, numbers that are too small, what is missing, what is none of the choices."""
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(config)
