"""The commands about flows: beginning one, and telling what happened to it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from nq_conformance.contract import StepEvent
from nq_reference.cli.backend import provider_of, shared_config, values_of
from nq_reference.cli.printing import print_json, print_table, shortened
from nq_reference.config import ConfigError
from nq_reference.config.app import queues_of
from nq_reference.events import wire
from nq_reference.flow import QueueFlowEngine
from nq_reference.registry import flow_steps, scan
from nq_reference.stores import create_stores


async def start(arguments: argparse.Namespace) -> None:
    """Enqueue a flow's entry steps, and print the flow's id. Raises ``ConfigError``."""
    folder = queues_of(values_of(arguments))
    if folder is None:
        raise ConfigError("name the folder of the workers: nq-worker start FLOW queues/")
    steps = flow_steps(scan(folder))
    async with provider_of(arguments) as provider:
        print(await QueueFlowEngine(provider, steps).start(arguments.flow, arguments.data))


async def events(arguments: argparse.Namespace) -> None:
    """Print the step events of a flow, oldest first."""
    store = create_stores(shared_config(arguments)).events
    try:
        await store.open()
        history = await store.history(arguments.flow_id)
    finally:
        await store.close()
    if arguments.json:
        print_json([_wired(event) for event in history])
    else:
        print_table(("STEP", "EVENT", "ATTEMPT", "DATA"), [_row(event) for event in history])


def _row(event: StepEvent) -> tuple[str, ...]:
    data = json.dumps(event.data, ensure_ascii=False)
    return (event.step_name, event.type, str(event.attempt or ""), shortened(data))


def _wired(event: StepEvent) -> dict[str, Any]:
    wired: dict[str, Any] = json.loads(wire.encode(event))
    return wired
