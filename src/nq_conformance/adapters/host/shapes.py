"""Values on the wire: contract objects as camelCase JSON, and back.

Objects are read by their attributes, as everywhere. Payloads, results and other JSON
values travel as they are: only the names of contract fields change their spelling.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nq_conformance.contract import (
    Backoff,
    Job,
    JobCounts,
    JobInput,
    JobOptions,
    JobsQuery,
    Repeat,
    ScheduleOptions,
    StepEvent,
    WorkerInfo,
    WorkerOptions,
)


class ShapeError(ValueError):
    """A value that does not have the shape that its place in a message asks for."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind of value is written and read, and the JSON Schema of what travels."""

    name: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nullable(self) -> bool:
        """Whether null, and so nothing at all, will do."""
        return not self.schema or "anyOf" in self.schema


def camel(name: str) -> str:
    """``job_id`` as ``jobId``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def snake(name: str) -> str:
    """``jobId`` as ``job_id``."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _record(kind: type, **nested: Shape) -> Shape:
    """The shape of a contract dataclass; ``nested`` are its fields with shapes of their own."""
    fields = {f.name: f for f in dataclasses.fields(kind)}

    def write(value: Any) -> dict[str, Any]:
        written = {}
        for name, declared in fields.items():
            default = None if declared.default is dataclasses.MISSING else declared.default
            given = getattr(value, name, default)
            written[camel(name)] = nested[name].write(given) if name in nested else _plain(given)
        return written

    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ShapeError(f"{kind.__name__} is an object, not {value!r}")
        read_fields = {snake(name): inner for name, inner in value.items()}
        unknown = sorted(set(read_fields) - set(fields))
        if unknown:
            raise ShapeError(f"{kind.__name__} has no field {camel(unknown[0])!r}")
        try:
            return kind(**{n: nested[n].read(v) if n in nested else v for n, v in read_fields.items()})
        except TypeError as error:
            raise ShapeError(f"{kind.__name__}: {error}") from None

    return Shape(kind.__name__, write, read, _record_schema(kind, nested))


def _record_schema(kind: type, nested: Mapping[str, Shape]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties = {
        camel(f.name): nested[f.name].schema if f.name in nested else _hint_schema(hints[f.name])
        for f in dataclasses.fields(kind)
    }
    required = [camel(f.name) for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
    return {
        "title": kind.__name__,
        "type": "object",
        "properties": properties,
        "required": [name for name in required if name != "data"],
        "additionalProperties": False,
    }


def _hint_schema(hint: Any) -> dict[str, Any]:
    """The schema of a field's annotation; whatever it does not know may be any JSON value."""
    scalars = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
    if hint in scalars:
        return {"type": scalars[hint]}
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if get_origin(hint) in (Union, types.UnionType):
        known = [_hint_schema(inner) for inner in get_args(hint)]
        return {"anyOf": known} if all(known) else {}
    return {}


def _plain(value: Any) -> Any:
    """Sets and tuples as lists; all else as it is."""
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def optional(shape: Shape) -> Shape:
    """The same or null."""
    return Shape(
        f"{shape.name}?",
        lambda value: None if value is None else shape.write(value),
        lambda value: None if value is None else shape.read(value),
        {"anyOf": [shape.schema, {"type": "null"}]},
    )


def listed(shape: Shape) -> Shape:
    """Any number of them."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ShapeError(f"a list of {shape.name}, not {value!r}")
        return [shape.read(inner) for inner in value]

    def write(values: Any) -> list[Any]:
        return [shape.write(value) for value in values]

    return Shape(f"{shape.name}[]", write, read, {"type": "array", "items": shape.schema})


def _of(name: str, *kinds: type) -> Shape:
    def check(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ShapeError(f"a {name}, not {value!r}")
        return value

    return Shape(name, lambda value: value, check, {"type": name})


def _payload_read(value: Any) -> Any:
    return {snake(name): inner for name, inner in value.items()} if isinstance(value, Mapping) else value


def _payload_write(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {camel(str(name)): inner for name, inner in value.items()}
    known = ("job_id", "prev", "delay", "return_value", "failed_reason")
    return {camel(name): getattr(value, name) for name in known if hasattr(value, name)}


_SERIES_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "string"},
    "name": {"type": "string"},
    "pattern": {"type": "string"},
    "next_at": {"type": "integer", "description": "epoch milliseconds"},
}


def _series_write(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {camel(str(name)): value[name] for name in _SERIES_FIELDS if name in value}
    return {camel(name): getattr(value, name) for name in _SERIES_FIELDS if hasattr(value, name)}


def _series_read(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ShapeError(f"a series is an object, not {value!r}")
    return types.SimpleNamespace(**{snake(name): inner for name, inner in value.items()})


def _handler_write(handler: Any) -> Any:
    """By the number that the kit gave it; 0 for what an adapter has made of it."""
    return handler if handler is None or isinstance(handler, str) else getattr(handler, "kit_number", 0)


JSON = Shape("JSON", lambda value: value, lambda value: value)
TEXT = _of("string", str)
NUMBER = _of("integer", int)
BOOL = _of("boolean", bool)
HANDLER = Shape(
    "handler",
    lambda value: value,
    lambda value: None if value is None else (TEXT if isinstance(value, str) else NUMBER).read(value),
    {"type": ["integer", "string", "null"]},
)
"""A handler of the kit by its number, or one for child processes by its path or ``module:function``;
null for what is none, which an adapter has to refuse."""
NOTHING = Shape("null", lambda _: None, lambda _: None, {"type": "null"})
OPTIONS = optional(_record(JobOptions, backoff=optional(_record(Backoff))))
JOB_INPUT = _record(JobInput, data=JSON, opts=OPTIONS)
JOB = _record(Job, data=JSON, return_value=JSON, opts=OPTIONS)
QUERY = optional(_record(JobsQuery))
COUNTS = _record(JobCounts)
SCHEDULE_OPTIONS = optional(_record(ScheduleOptions, repeat=optional(_record(Repeat))))
SERIES = Shape(
    "Series",
    _series_write,
    _series_read,
    {"type": "object", "properties": {camel(name): schema for name, schema in _SERIES_FIELDS.items()}},
)
"""A series, as ``get_scheduled_jobs`` lists it: a mapping or an object here, at least these fields there."""
WORKER_INFO = optional(_record(WorkerInfo, handler=replace(HANDLER, write=_handler_write)))
WORKER_OPTIONS = optional(_record(WorkerOptions))
STEP_EVENT = _record(StepEvent)
PAYLOAD = Shape("EventPayload", _payload_write, _payload_read, {"type": "object"})
