"""A target string becomes an ``Adapter``: the one way in, for plugin, host and command line.

Tells the kinds of target apart and adopts ready-made adapters. What a target string may
be is said in ``load_adapter``; providers without an adapter are the business of
``bare_provider``.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from nq_conformance.adapters import shape
from nq_conformance.adapters.adapter import Adapter
from nq_conformance.adapters.bare_provider import bare_provider
from nq_conformance.adapters.capability import Capability
from nq_conformance.adapters.claims import Claims, read_claims
from nq_conformance.adapters.errors import TargetError, told
from nq_conformance.adapters.host.stdio import PREFIX, load_stdio
from nq_conformance.adapters.parameters import named_parameters
from nq_conformance.adapters.setting import Service, Setting
from nq_conformance.adapters.target import Target, parse, resolve
from nq_conformance.contract import QueueProvider, WorkerManager


class AdoptedAdapter(Adapter):
    """An object with an adapter's attributes, checked and brought to our types."""

    def __init__(self, inner: Any, claims: Claims) -> None:
        self.name = claims.name
        self.service = claims.service
        self.capabilities = claims.capabilities
        self.async_backends = claims.async_backends
        self._inner = inner

    @property
    def has_workers(self) -> bool:
        """What the object itself says, or whether it has a ``worker_manager``."""
        return bool(getattr(self._inner, "has_workers", hasattr(self._inner, "worker_manager")))

    def provider(self, setting: Setting) -> QueueProvider:
        """The object's own provider."""
        provider: QueueProvider = self._inner.provider(setting)
        return provider

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """The object's own manager."""
        manager: WorkerManager = self._inner.worker_manager(provider, setting)
        return manager


def load_adapter(target: str, *, worker_manager: str | None = None) -> Adapter:
    """The adapter that ``target`` names, ready to be asked for providers.

    ``target`` is ``module.path:Qualified.name`` of an adapter (class or instance, ours or of
    the same shape), of a provider class, or of a function that returns a provider.
    ``worker_manager`` names a class or function in the same way, for a provider only.
    ``stdio:COMMAND`` is a program that answers the host protocol, which is started and asked.
    Imports the module, and makes an adapter of a class; makes no provider.

    Raises ``TargetError`` for a target that can't be judged; its message is complete.
    """
    if target.strip().startswith(PREFIX):
        return load_stdio(target.strip())
    parsed = parse(target, "adapter")
    found = resolve(parsed)
    if not _is_adapter(found):
        return _bare_provider(parsed, found, _named_manager(worker_manager))
    if worker_manager is not None:
        problem = f"{target!r} is an adapter, which brings its own worker manager."
        raise TargetError(worker_manager, "worker manager", problem, "leave it out, or name a bare provider.")
    return _adopt(parsed, found)


def _named_manager(text: str | None) -> tuple[Target, Any] | None:
    if text is None:
        return None
    target = parse(text, "worker manager")
    return target, resolve(target)


def _is_adapter(found: Any) -> bool:
    if isinstance(found, Adapter) or (inspect.isclass(found) and issubclass(found, Adapter)):
        return True
    if isinstance(found, ModuleType) or hasattr(found, "enqueue"):
        return False
    return callable(getattr(found, "provider", None))


def _bare_provider(target: Target, found: Any, manager: tuple[Target, Any] | None) -> Adapter:
    if callable(found):
        return bare_provider(target, found, manager)
    kind = type(found)
    if isinstance(found, ModuleType):
        raise target.error("it is a module.", f"name something in it, as in {found.__name__}:Provider.")
    if shape.resembles(found, QueueProvider):
        problem = f"it is an instance of {kind.__name__}, and each test needs a new provider."
        raise target.error(problem, f"give the class: {kind.__module__}:{kind.__qualname__}.")
    missing = ", ".join(shape.missing(found, QueueProvider))
    problem = f"it is of type {kind.__name__}, neither an adapter nor a provider, which would have {missing}."
    raise target.error(problem, "name an Adapter, a provider class, or a function that returns a provider.")


def _adopt(target: Target, found: Any) -> Adapter:
    """``found`` itself where it is an ``Adapter`` with proper attributes, else a wrapping of it."""
    made = _made(target, found) if inspect.isclass(found) else found
    for name in ("provider", "worker_manager"):
        if shape.is_async(getattr(made, name, None)):
            mend = f"write def {name}: what has to be awaited belongs in the provider's init()."
            raise target.error(f"its {name} is async.", mend)
    service = getattr(made, "service", Service.NONE)
    claims = read_claims(target, (made,), name=_name(target, made), service=service)
    return made if isinstance(made, Adapter) and _is_proper(made, claims) else AdoptedAdapter(made, claims)


def _made(target: Target, adapter_class: type) -> Any:
    subject = f"class {adapter_class.__name__}"
    abstract = sorted(getattr(adapter_class, "__abstractmethods__", ()))
    if abstract:
        mend = f"write {', '.join(abstract)}, or name a subclass."
        raise target.error(f"{subject} is abstract.", mend)
    required = [p.name for p in named_parameters(target, adapter_class) if p.default is p.empty]
    if required:
        problem = f"{subject} requires {', '.join(required)}, and the kit calls it with nothing."
        raise target.error(problem, "give the parameters defaults, or name an instance.")
    try:
        return adapter_class()
    except Exception as error:
        raise target.error(f"making one failed:{told(error)}", "mend that line.") from error


def _name(target: Target, adapter: Any) -> str:
    name = getattr(adapter, "name", "")
    if not isinstance(name, str):
        raise target.error(f"its name is {name!r}, and a str is needed.", 'write name = "mypkg".')
    return name.strip() or type(adapter).__name__.lower()


def _is_proper(adapter: Adapter, claims: Claims) -> bool:
    """Whether each attribute is what ``Adapter`` says it is; names given as text are not."""
    kinds = {type(item) for item in (adapter.service, *adapter.capabilities)}
    return adapter.name == claims.name and kinds <= {Service, Capability}
