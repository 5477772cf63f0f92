"""The vocabulary of a worker's configuration as JSON Schema, for editors and other languages;
``schemas/worker-config-1.json`` is its printed form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nq_reference.config import camel, schema_of
from nq_reference.worker.config import Config

VERSION = 1

_ABOUT: Mapping[str, str] = {
    "queue": "The queue; if it is left out, the file's folder, or at the top the file's name.",
    "name": "The job's name; if it is left out, the flow's step, else the file's name.",
    "flow": "The worker's place in a flow.",
    "worker": "How the queue's worker behaves; what is left out has its default.",
    "runtime": "What runs the handler: python or in-process for .py, node-isolated for .js, .mjs and .cjs.",
    "attempts": "How many attempts a flow gives to its jobs.",
    "flow.name": "The flow's name.",
    "flow.role": "Whether the flow begins here.",
    "flow.step": "The step's name, and the job's.",
    "flow.emits": "Triggers that the handler may emit.",
    "flow.subscribes": "Triggers that start the handler.",
    "worker.concurrency": "How many handlers may run at once on the queue.",
    "worker.lockDurationMs": "How long a job is protected without renewal.",
    "worker.maxStalledCount": "How many stalls a job survives.",
    "worker.drainDelayMs": "How long an idle worker waits at most before it looks again.",
    "worker.autorun": "false registers without starting.",
    "worker.timeoutMs": "For each attempt, unless the job says otherwise.",
}
_LEAST: Mapping[str, int] = {
    "attempts": 1,
    "worker.concurrency": 1,
    "worker.lockDurationMs": 1,
    "worker.maxStalledCount": 0,
    "worker.drainDelayMs": 1,
    "worker.timeoutMs": 1,
}


def worker_config_schema() -> dict[str, Any]:
    """The schema of what a file gives to ``defineConfig``, in camelCase; Python writes snake_case."""
    schema = schema_of(Config, camel)
    _annotate(schema, "")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:nq-reference:worker-config:{VERSION}",
        "title": "The configuration of a worker",
        **schema,
        "description": "What a worker's file says about itself. Python writes the names in snake_case.",
    }


def _annotate(schema: dict[str, Any], path: str) -> None:
    """Add what types can't say: a description of each option, and the least of numbers."""
    for name, option in schema["properties"].items():
        key = f"{path}{name}"
        inner = option["anyOf"][0] if {"type": "null"} in option.get("anyOf", ()) else option
        if name == "runtime":
            option.pop("default")  # it goes by the file's suffix
        if key in _LEAST:
            inner["minimum"] = _LEAST[key]
        if "properties" in inner:
            inner.pop("description")
            _annotate(inner, f"{key}.")
        schema["properties"][name] = {"description": _ABOUT[key], **option}
