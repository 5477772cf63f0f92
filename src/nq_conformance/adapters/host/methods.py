"""Every method of the host protocol: its name, its parameters, its result. One table for both sides.

``provider.*`` and ``manager.*`` go from the kit to the host, ``handler.*``, ``bus.*``,
``state.*`` and ``flow.*`` from the host to the kit, ``context.*`` back again while a handler
runs. ``event`` and ``handler.cancel`` are notifications. What an adapter does not
declare as a capability, its host need not know (error -32601).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nq_conformance.adapters.host import shapes
from nq_conformance.adapters.host.shapes import Shape, ShapeError

PROTOCOL = 1
"""The version of the protocol; a host says in ``host.describe`` which one it speaks."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method with its parameters by name. A parameter whose shape takes null may be left out."""

    name: str
    params: Mapping[str, Shape]
    result: Shape = shapes.NOTHING

    def write(self, **params: Any) -> dict[str, Any]:
        """The parameters as they travel; ``queue_name`` becomes ``queueName``."""
        return {shapes.camel(name): self.params[name].write(value) for name, value in params.items()}

    def read(self, params: Any) -> dict[str, Any]:
        """Parameters that came; raises ``ShapeError`` for what does not belong or fit."""
        if not isinstance(params, Mapping):
            raise ShapeError(f"params of {self.name} is an object, not {params!r}")
        given = {shapes.snake(name): value for name, value in params.items()}
        for name in given.keys() - self.params.keys():
            raise ShapeError(f"{self.name} has no parameter {shapes.camel(name)!r}")
        return {name: self._read(name, shape, given) for name, shape in self.params.items()}

    def _read(self, name: str, shape: Shape, given: Mapping[str, Any]) -> Any:
        try:
            return shape.read(given.get(name))
        except ShapeError as error:
            raise ShapeError(f"{self.name}, parameter {shapes.camel(name)!r}: {error}") from None


_P = {"provider": shapes.NUMBER}
_PQ = {**_P, "queue_name": shapes.TEXT}
_M = {"manager": shapes.NUMBER}
_R = {"run": shapes.NUMBER}
_TO_HOST = (
    Method("host.describe", {}, shapes.JSON),
    Method("provider.open", {"setting": shapes.JSON}, shapes.NUMBER),
    Method("provider.init", _P),
    Method("provider.close", _P),
    Method("provider.enqueue", {**_PQ, "job": shapes.JOB_INPUT}, shapes.TEXT),
    Method(
        "provider.schedule",
        {**_PQ, "job": shapes.JOB_INPUT, "opts": shapes.SCHEDULE_OPTIONS},
        shapes.TEXT,
    ),
    Method("provider.get_job", {**_PQ, "id": shapes.JSON}, shapes.optional(shapes.JOB)),
    Method("provider.get_jobs", {**_PQ, "query": shapes.QUERY}, shapes.listed(shapes.JOB)),
    Method("provider.pause", _PQ),
    Method("provider.resume", _PQ),
    Method("provider.is_paused", _PQ, shapes.BOOL),
    Method("provider.get_job_counts", _PQ, shapes.COUNTS),
    Method(
        "provider.enqueue_many",
        {**_PQ, "jobs": shapes.listed(shapes.JOB_INPUT)},
        shapes.listed(shapes.TEXT),
    ),
    Method("provider.remove_job", {**_PQ, "id": shapes.JSON}, shapes.BOOL),
    Method("provider.get_scheduled_jobs", _PQ, shapes.listed(shapes.SERIES)),
    Method("provider.remove_scheduled_job", {**_PQ, "id": shapes.JSON}, shapes.BOOL),
    Method("provider.on", {**_PQ, "event": shapes.TEXT, "subscription": shapes.NUMBER}),
    Method("provider.off", {"subscription": shapes.NUMBER}),
    Method("provider.ready", {"subscription": shapes.NUMBER}),
    Method("manager.open", _P, shapes.NUMBER),
    Method(
        "manager.register_worker",
        {
            **_M,
            "queue_name": shapes.TEXT,
            "job_name": shapes.TEXT,
            "handler": shapes.HANDLER,
            "opts": shapes.WORKER_OPTIONS,
        },
    ),
    Method(
        "manager.get_worker",
        {**_M, "queue_name": shapes.TEXT, "job_name": shapes.TEXT},
        shapes.WORKER_INFO,
    ),
    Method("manager.start_worker", {**_M, "queue_name": shapes.TEXT}),
    Method("manager.close_all", _M),
    Method("context.state.get", {**_R, "key": shapes.TEXT}, shapes.JSON),
    Method("context.state.set", {**_R, "key": shapes.TEXT, "value": shapes.JSON}),
    Method("context.state.delete", {**_R, "key": shapes.TEXT}),
    Method(
        "context.logger.log",
        {**_R, "level": shapes.TEXT, "message": shapes.TEXT, "metadata": shapes.JSON},
    ),
    Method("context.flow.emit", {**_R, "trigger": shapes.TEXT, "payload": shapes.JSON}, shapes.JSON),
)
_TO_KIT = (
    Method(
        "handler.run",
        {**_R, "handler": shapes.NUMBER, "data": shapes.JSON, "context": shapes.JSON},
        shapes.JSON,
    ),
    Method("handler.cancel", _R),
    Method("event", {"subscription": shapes.NUMBER, "payload": shapes.PAYLOAD}),
    Method("bus.publish", {"event": shapes.STEP_EVENT}),
    Method("state.get", {"key": shapes.TEXT}, shapes.JSON),
    Method("state.set", {"key": shapes.TEXT, "value": shapes.JSON}),
    Method("state.delete", {"key": shapes.TEXT}),
    Method("flow.emit", {"trigger": shapes.TEXT, "payload": shapes.JSON}, shapes.JSON),
)
TO_HOST: Mapping[str, Method] = {method.name: method for method in _TO_HOST}
TO_KIT: Mapping[str, Method] = {method.name: method for method in _TO_KIT}
NOTIFICATIONS = frozenset({"event", "handler.cancel"})


def wire_name(method: Method) -> str:
    """A method's name on the wire: ``provider.getJob``."""
    return ".".join(shapes.camel(part) for part in method.name.split("."))


BY_WIRE_NAME: Mapping[str, Method] = {wire_name(m): m for m in (*_TO_HOST, *_TO_KIT)}
CONTEXT_FIELDS = ("job_id", "queue", "flow_id", "flow_name", "step_name", "step_id", "attempt")
