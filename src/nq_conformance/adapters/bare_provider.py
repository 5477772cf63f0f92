"""An adapter made around a provider class, or a factory, that knows nothing of the kit.

What its constructor takes says which service it needs; how parameters are matched is in
``parameters``.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nq_conformance.adapters import shape
from nq_conformance.adapters.adapter import Adapter
from nq_conformance.adapters.claims import Claims, read_claims
from nq_conformance.adapters.parameters import MANAGER_NAMES, SETTING_NAMES, Matched, Matcher
from nq_conformance.adapters.setting import Service, Setting
from nq_conformance.adapters.target import Target
from nq_conformance.contract import QueueProvider, WorkerManager

_PLAIN_FACTORY_NAMES = {"", "build", "create", "get", "make", "new"}


@dataclass(frozen=True, slots=True)
class Manager:
    """How to make a provider's manager: with ``make``, or with the provider's own method."""

    matched: Matched
    make: Callable[..., Any] | None = None

    def build(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """A new manager; the exceptions of its constructor propagate."""
        make = self.make or typing.cast("Any", provider).worker_manager
        manager: WorkerManager = self.matched.call(make, setting, provider)
        return manager


class BareProviderAdapter(Adapter):
    """A provider class or factory, and its manager where it has one, seen as an ``Adapter``."""

    def __init__(
        self,
        target: Target,
        claims: Claims,
        make: Callable[..., Any],
        matched: Matched,
        manager: Manager | None,
    ) -> None:
        self.name = claims.name
        self.service = claims.service
        self.capabilities = claims.capabilities
        self.async_backends = claims.async_backends
        self._target = target
        self._make = make
        self._matched = matched
        self._manager = manager

    @property
    def has_workers(self) -> bool:
        """Whether there is a manager; without one only the provider's rules run."""
        return self._manager is not None

    def provider(self, setting: Setting) -> QueueProvider:
        """A new provider; exceptions of its constructor propagate.

        Raises ``TargetError`` where a factory returns something that is no provider.
        """
        provider: QueueProvider = self._matched.call(self._make, setting, None)
        if not inspect.isclass(self._make):
            _check(self._target, provider, QueueProvider, f"it returned a {type(provider).__name__}, which")
        return provider

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """A new manager; exceptions of its constructor propagate."""
        if self._manager is None:
            return super().worker_manager(provider, setting)
        return self._manager.build(provider, setting)


def bare_provider(target: Target, make: Callable[..., Any], manager: tuple[Target, Any] | None) -> Adapter:
    """An adapter from a provider class or factory ``make``, and a manager that was named for it.

    ``manager`` is a class or factory with the target that named it; it comes before the
    provider's own ``worker_manager`` method. Raises ``TargetError`` for whatever can be
    told without making a provider.
    """
    provider_class = make if inspect.isclass(make) else _returned_class(make)
    if inspect.isclass(make):
        _check(target, make, QueueProvider, f"class {make.__name__}")
    elif shape.is_async(make):
        mend = "write it as a plain def that returns a provider; what has to be awaited belongs in init()."
        raise target.error("it is an async function or a generator.", mend)
    matched = Matcher(target, SETTING_NAMES).match(make, decided=Service.NONE)
    made_by = _manager(target, provider_class, manager, matched.service)
    service = made_by.matched.service if made_by else matched.service
    name = _name(target, make, provider_class)
    claims = read_claims(target, (make, provider_class), name=name, service=service)
    return BareProviderAdapter(target, claims, make, matched, made_by)


def _manager(
    target: Target, provider_class: type | None, named: tuple[Target, Any] | None, service: Service
) -> Manager | None:
    if named is not None:
        manager_target, make = named
        _check_manager(manager_target, make)
        return Manager(Matcher(manager_target, MANAGER_NAMES).match(make, decided=service), make)
    method = getattr(provider_class, "worker_manager", None)
    if method is None:
        return None
    if not callable(method) or shape.is_async(method):
        kind = "async" if callable(method) else f"of type {type(method).__name__}"
        mend = "write def worker_manager(self, *, events, state, flow), returning a manager."
        raise target.error(f"its worker_manager is {kind}.", mend)
    if inspect.isclass(method):
        _check(target, method, WorkerManager, f"its worker_manager, class {method.__name__},")
    bound = not inspect.isfunction(inspect.getattr_static(provider_class, "worker_manager"))
    return Manager(Matcher(target, MANAGER_NAMES).match(method, bound=bound, decided=service))


def _check_manager(target: Target, make: Any) -> None:
    if inspect.isclass(make):
        _check(target, make, WorkerManager, f"class {make.__name__}")
    elif not callable(make):
        mend = "name a class, or a function that returns a manager."
        raise target.error(f"it is of type {type(make).__name__} and can't be called.", mend)
    elif shape.is_async(make):
        raise target.error("it is an async function or a generator.", "write it as a plain def.")


def _check(target: Target, candidate: Any, protocol: type, subject: str) -> None:
    """Raise ``TargetError`` where methods are missing, left abstract, or of the wrong kind."""
    missing = shape.missing(candidate, protocol)
    if missing:
        mend = "write them; the contract says what each does (nq_conformance.contract)."
        if protocol is QueueProvider and shape.resembles(candidate, WorkerManager):
            mend = "name the provider as the adapter, and this manager as its worker manager."
        raise target.error(f"{subject} lacks {protocol.__name__}'s {', '.join(missing)}.", mend)
    abstract = sorted(getattr(candidate, "__abstractmethods__", ())) if inspect.isclass(candidate) else []
    if abstract:
        raise target.error(f"{subject} is abstract.", f"write {', '.join(abstract)}, or name a subclass.")
    wrong = shape.wrong_kinds(candidate, protocol)
    if wrong:
        raise target.error(f"{subject} has methods of the wrong kind.", "\n    ".join(["", *wrong]))


def _returned_class(factory: Callable[..., Any]) -> type | None:
    """The provider class that a factory's annotation names, if it does: it may speak for it."""
    try:
        returned = typing.get_type_hints(factory).get("return")
    except Exception:  # an annotation that can't be evaluated says nothing
        return None
    concrete = inspect.isclass(returned) and not getattr(returned, "_is_protocol", False)
    return returned if concrete and hasattr(returned, "enqueue") else None


def _name(target: Target, make: Callable[..., Any], provider_class: type | None) -> str:
    """Its ``name`` attribute, or its class's or function's name without 'provider', or its module's."""
    for speaker in (make, provider_class):
        name = getattr(speaker, "name", None)
        if isinstance(name, str) and name.strip():
            return name
    short = target.name.rpartition(".")[2].lower().replace("provider", "").strip("_")
    return target.module.rpartition(".")[2] if short in _PLAIN_FACTORY_NAMES else short
