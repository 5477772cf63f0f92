"""The vocabulary of an application's TOML file as JSON Schema, for editors;
``schemas/app-config-1.json`` is its printed form."""

from __future__ import annotations

from typing import Any

from nq_reference.config.adapters import ADAPTERS, DEFAULT_ADAPTER, AnyAdapterConfig
from nq_reference.config.schema import schema_of

VERSION = 1

_QUEUES = {"description": "The folder of the workers, relative to this file.", "type": "string"}


def app_config_schema() -> dict[str, Any]:
    """The schema of what ``--config`` and ``App.from_config`` read: the options of one adapter.

    It does not ask for the address, which may come from ``--url`` or ``NQ_URL``.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:nq-reference:app-config:{VERSION}",
        "title": "The configuration of an application",
        "description": "Where the queues and their workers are. Arguments and the environment win over it.",
        "type": "object",
        "oneOf": [_adapter(kind) for _, kind in sorted(ADAPTERS.items())],
    }


def _adapter(kind: type[AnyAdapterConfig]) -> dict[str, Any]:
    schema = schema_of(kind)
    options = schema["properties"]
    names = kind.general_names()
    general = {name: options[own] for own, name in names.items()}
    schema["properties"] = {
        "adapter": {"const": kind.name},
        "queues": _QUEUES,
        **general,
        **options,
    }
    schema["required"] = [] if kind.name == DEFAULT_ADAPTER else ["adapter"]
    if names:
        schema["allOf"] = [{"not": {"required": [name, own]}} for own, name in names.items()]
    return {"title": kind.name, **schema}
