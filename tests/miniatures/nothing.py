"""Adapters that do not even try."""

from __future__ import annotations

from typing import Any

from nq_conformance import Adapter, Capability, Setting


class Nothing:
    """Every method is there, and returns nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get_worker if name in ("on", "get_worker") else self.call

    async def call(self, *_args: Any) -> None:
        """Do nothing."""

    def get_worker(self, *_args: Any) -> None:
        """Know nothing."""


class Broken(Nothing):
    """Every method is there, and raises."""

    async def call(self, *_args: Any) -> None:
        """Fail."""
        raise RuntimeError("out of order")

    def get_worker(self, *_args: Any) -> None:
        """Fail."""
        raise RuntimeError("out of order")


class DoesNothing(Adapter):
    """Claims everything, does nothing."""

    name = "DoesNothing"
    capabilities = frozenset(Capability)

    def provider(self, setting: Setting) -> Any:
        """Nothing."""
        del setting
        return Nothing()

    def worker_manager(self, provider: Any, setting: Setting) -> Any:
        """Nothing."""
        del provider, setting
        return Nothing()


class RaisesAlways(DoesNothing):
    """Claims everything, raises at every call."""

    name = "RaisesAlways"

    def provider(self, setting: Setting) -> Any:
        """Broken."""
        del setting
        return Broken()

    def worker_manager(self, provider: Any, setting: Setting) -> Any:
        """Broken."""
        del provider, setting
        return Broken()
