"""What an adapter says of itself: name, service, capabilities, event loops, read and checked.

The values come from attributes that other people wrote, so each is taken as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nq_conformance.adapters.adapter import ASYNC_BACKENDS
from nq_conformance.adapters.capability import Capability
from nq_conformance.adapters.setting import Service
from nq_conformance.adapters.target import Target, near


@dataclass(frozen=True, slots=True)
class Claims:
    """The four class attributes of an adapter, checked."""

    name: str
    service: Service
    capabilities: frozenset[Capability]
    async_backends: tuple[str, ...]


def read_claims(target: Target, speakers: Sequence[Any], *, name: str, service: Any) -> Claims:
    """The claims of ``speakers`` (the first that has the attribute counts), under a ``name``
    and ``service`` that the caller found.

    Raises ``TargetError`` for values that are no names of ours.
    """
    return Claims(
        name=name,
        service=_read_service(target, service),
        capabilities=_read_capabilities(target, _said(speakers, "capabilities", ())),
        async_backends=_read_async_backends(target, _said(speakers, "async_backends", ("asyncio",))),
    )


def _said(speakers: Sequence[Any], attribute: str, default: Any) -> Any:
    return next((getattr(s, attribute) for s in speakers if hasattr(s, attribute)), default)


def _read_service(target: Target, value: Any) -> Service:
    try:
        return Service(value)
    except ValueError as error:
        known = ", ".join(service.value for service in Service)
        problem = f"its service is {value!r}, unknown to the kit."
        raise target.error(problem, f"use a Service, or one of the names {known}.") from error


def _read_capabilities(target: Target, value: Any) -> frozenset[Capability]:
    known = [capability.value for capability in Capability]
    names = _names(target, "capabilities", value, example="{'durable'}")
    unknown = [name for name in names if name not in known]
    if unknown:
        hints = "".join(near(name, known) for name in unknown)
        problem = f"its capabilities name {', '.join(map(repr, unknown))}, unknown to the kit.{hints}"
        raise target.error(problem, f"use these names: {', '.join(known)}.")
    return frozenset(Capability(name) for name in names)


def _read_async_backends(target: Target, value: Any) -> tuple[str, ...]:
    known = ", ".join(ASYNC_BACKENDS)
    names = _names(target, "async_backends", value, example="('asyncio',)")
    unknown = [name for name in names if name not in ASYNC_BACKENDS]
    if unknown:
        problem = f"its async_backends name {', '.join(map(repr, unknown))}, unknown to the kit."
        raise target.error(problem, f"use these names: {known}.")
    if not names:
        raise target.error("its async_backends are empty, so nothing could run.", f"name one of {known}.")
    return tuple(dict.fromkeys(names))


def _names(target: Target, attribute: str, value: Any, *, example: str) -> list[str]:
    """The members of a collection of names, as plain strings."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        problem = f"its {attribute} are {value!r}, and a collection of names is needed."
        raise target.error(problem, f"write it as a class attribute, as in {attribute} = {example}.")
    return [item.value if isinstance(item, Capability) else str(item) for item in value]
