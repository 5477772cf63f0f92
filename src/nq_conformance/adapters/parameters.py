"""Parameters matched by name to what the kit has to give.

The table of known names has its home here; what is called, and when, is for ``bare_provider``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.setting import Service, Setting
from nq_conformance.adapters.target import Target
from nq_conformance.contract import QueueProvider

SETTING_NAMES: Mapping[str, str] = {
    "url": "url",
    "redis_url": "url",
    "dsn": "dsn",
    "postgres_dsn": "dsn",
    "directory": "directory",
    "path": "directory",
    "prefix": "namespace",
    "namespace": "namespace",
    "schema": "namespace",
}
"""Parameters of a provider, and the field of ``Setting`` that each is given."""

MANAGER_NAMES: Mapping[str, str] = {
    "provider": "provider",
    "events": "events",
    "state": "state",
    "flow": "flow",
    **SETTING_NAMES,
}
"""Parameters of a worker manager; all but ``provider`` are fields of ``Setting``."""

_SERVICES = {"url": Service.REDIS, "dsn": Service.POSTGRES, "directory": Service.DIRECTORY}


@dataclass(frozen=True, slots=True)
class Matched:
    """A call with known arguments: the parameters that get one, and the service they need."""

    parameters: tuple[inspect.Parameter, ...]
    names: Mapping[str, str]
    service: Service

    def call(self, function: Callable[..., Any], setting: Setting, provider: QueueProvider | None) -> Any:
        """Call ``function`` with what ``setting`` and ``provider`` hold; its exceptions propagate."""
        positional, named = [], {}
        for parameter in self.parameters:
            value = self._value(parameter, setting, provider)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[parameter.name] = value
        return function(*positional, **named)

    def _value(self, parameter: inspect.Parameter, setting: Setting, provider: QueueProvider | None) -> Any:
        field = self.names.get(parameter.name)
        if field is None:  # positional-only: it has to be passed for the sake of those after it
            return parameter.default
        value = provider if field == "provider" else getattr(setting, field)
        if value is None:
            raise ValueError(
                f"Parameter {parameter.name!r} needs the setting's {field}, which is None although the "
                f"adapter's service is {self.service}. The fault is the caller's, who made the setting."
            )
        return value


@dataclass(frozen=True, slots=True)
class Matcher:
    """Matches one target's parameters by ``names``, and says what is wrong with them."""

    target: Target
    names: Mapping[str, str]

    def match(self, function: Callable[..., Any], *, bound: bool = True, decided: Service) -> Matched:
        """The call of ``function`` that ``names`` allow.

        ``bound`` is false for a method taken from its class: the first parameter is then left
        out. ``decided`` is the service that is settled already, ``NONE`` if none is. Raises
        ``TargetError`` for required parameters that are unknown or belong to two services.
        """
        parameters = named_parameters(self.target, function)[0 if bound else 1 :]
        known = [parameter for parameter in parameters if parameter.name in self.names]
        unknown = [p.name for p in parameters if p.name not in self.names and p.default is p.empty]
        if unknown:
            raise self._unknown(function, unknown)
        service = self._service(function, known, decided)
        return Matched(_passed(parameters, known, self.names, service), self.names, service)

    def _service(
        self, function: Callable[..., Any], known: Collection[inspect.Parameter], decided: Service
    ) -> Service:
        required = {_service(p, self.names) for p in known if p.default is p.empty} - {Service.NONE}
        every = {_service(p, self.names) for p in known} - {Service.NONE}
        if decided is not Service.NONE:
            required, every = required | {decided}, {decided}
        chosen = required or every
        if len(chosen) > 1:
            asked = " and ".join(sorted(service.value for service in chosen))
            others = "" if decided is Service.NONE else ", counting what its provider asks for"
            problem = f"{_label(function)} asks for more than one service{others}: {asked}."
            mend = "make only the parameter of the needed service required, or write an Adapter."
            raise self.target.error(problem, mend)
        return chosen.pop() if chosen else Service.NONE

    def _unknown(self, function: Callable[..., Any], unknown: list[str]) -> TargetError:
        return self.target.error(
            f"{_label(function)} requires {', '.join(map(repr, unknown))}, unknown to the kit.",
            f"known names are {', '.join(self.names)}. Give the others defaults, or name a factory function "
            "that takes known ones only, or write an Adapter.",
        )


def named_parameters(target: Target, function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of ``function`` but for ``*args`` and ``**kwargs``.

    Raises ``TargetError`` where it has no signature that can be read.
    """
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        problem = f"the parameters of {_label(function)} can't be read ({error})."
        raise target.error(problem, "name a factory function written in Python.") from error
    return [p for p in every if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]


def _passed(
    parameters: list[inspect.Parameter],
    known: list[inspect.Parameter],
    names: Mapping[str, str],
    service: Service,
) -> tuple[inspect.Parameter, ...]:
    """The known parameters of this service, and every positional-only one before the last of them."""
    passed = [p for p in known if _service(p, names) in {Service.NONE, service}]
    last = max((parameters.index(p) for p in passed if p.kind is p.POSITIONAL_ONLY), default=-1)
    skipped = [p for p in parameters[: last + 1] if p not in passed]
    return tuple(sorted([*passed, *skipped], key=parameters.index))


def _service(parameter: inspect.Parameter, names: Mapping[str, str]) -> Service:
    return _SERVICES.get(names[parameter.name], Service.NONE)


def _label(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__qualname__', None) or repr(function)}()"
