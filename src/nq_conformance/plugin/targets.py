"""The adapters of a run: target strings, made into adapters with an id and event loops each."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from nq_conformance.adapters import Adapter
from nq_conformance.adapters.loading import load_adapter
from nq_conformance.plugin.options import ALL_BACKENDS, BACKENDS, Options

DEFAULT_BACKENDS = ("asyncio", "trio")


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """An adapter under test. ``id`` is unique in the run; ``narrowed`` tells that the user left
    out an event loop that would have run."""

    id: str
    text: str
    adapter: Adapter
    backends: tuple[str, ...]
    narrowed: bool

    @property
    def claims(self) -> frozenset[str]:
        """What rules may ask of it: its capabilities, its service, and ``worker`` if it has workers."""
        workers = {"worker"} if self.adapter.has_workers else set()
        return frozenset({str(c) for c in self.adapter.capabilities} | {self.adapter.service.value} | workers)


def load_targets(options: Options) -> tuple[Target, ...]:
    """One ``Target`` for each ``--nq-adapter``. Raises ``TargetError`` or ``UsageError``."""
    texts = tuple(dict.fromkeys(options.targets))
    adapters = [load_adapter(text, worker_manager=options.worker_manager) for text in texts]
    _check_asked_backends(adapters, options.backends)
    targets: list[Target] = []
    for text, adapter in zip(texts, adapters, strict=True):
        backends = _backends(adapter, options.backends)
        default = _backends(adapter, ())
        narrowed = not set(default) <= set(backends)
        target_id = _unique(adapter.name, [t.id for t in targets])
        targets.append(Target(target_id, text, adapter, backends, narrowed))
    _check_installed(targets)
    return tuple(targets)


def anyio_backend(name: str) -> tuple[str, dict[str, Any]]:
    """The value of anyio's fixture ``anyio_backend`` for an event loop of ours."""
    if name == "trio":
        return "trio", {}
    return "asyncio", {"use_uvloop": name == "uvloop"}


def _backends(adapter: Adapter, asked: Sequence[str]) -> tuple[str, ...]:
    declared = [b for b in BACKENDS if b in adapter.async_backends]
    if ALL_BACKENDS in asked:
        return tuple(declared)
    if asked:
        return tuple(b for b in declared if b in asked)
    return tuple(b for b in declared if b in DEFAULT_BACKENDS) or tuple(declared)


def _check_asked_backends(adapters: Sequence[Adapter], asked: Sequence[str]) -> None:
    """Raise for an event loop that nobody declares, and for an adapter that is left with none."""
    declared = {b for a in adapters for b in a.async_backends}
    for name in asked:
        if name != ALL_BACKENDS and name not in declared:
            who = "; ".join(f"{a.name} declares {_listed(a.async_backends)}" for a in adapters)
            raise pytest.UsageError(
                f"--nq-backend={name}: no adapter of this run declares it ({who}).\n"
                f"Choose one that is declared, or add it to the adapter's async_backends."
            )
    for adapter in adapters:
        if not _backends(adapter, asked):
            why = f"it declares {_listed(adapter.async_backends)}"
            asked_for = f", and --nq-backend asks for {_listed(asked)}" if asked else ""
            raise pytest.UsageError(
                f"The adapter {adapter.name} has no event loop to run on: {why}{asked_for}.\n"
                f"Known to the kit are {_listed(BACKENDS)}."
            )


def _check_installed(targets: Sequence[Target]) -> None:
    for target in targets:
        for name in target.backends:
            if name != "asyncio" and importlib.util.find_spec(name) is None:
                others = [b for b in target.backends if b != name]
                narrow = f", or leave it out with --nq-backend={','.join(others)}" if others else ""
                raise pytest.UsageError(
                    f"The adapter {target.adapter.name} is to run on {name}, which is not installed.\n"
                    f"Run pip install {name}{narrow}."
                )


def _unique(name: str, taken: Sequence[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in names) or "none"
