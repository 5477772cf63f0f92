"""The SDK of Python handlers that run in child processes. Standard library only, and quick to import.

    from nq_reference.worker import define_worker

    async def handler(data, ctx):
        await ctx.logger.log("info", "begun")
        return {"sum": sum(data)}

A script with a function ``handler`` needs nothing of this; ``define_worker`` adds a configuration, and
``run_worker`` serves from a script that wants to be in control. The names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nq_reference.worker.config import Config, FlowConfig, WorkerConfig, define_config
    from nq_reference.worker.context import Context, ContextCallError
    from nq_reference.worker.defining import DefinedWorker, define_worker
    from nq_reference.worker.serving import run_worker

__all__ = [
    "Config",
    "Context",
    "ContextCallError",
    "DefinedWorker",
    "FlowConfig",
    "WorkerConfig",
    "define_config",
    "define_worker",
    "node_package",
    "run_worker",
]

_HOMES = {
    "Config": "config",
    "Context": "context",
    "ContextCallError": "context",
    "DefinedWorker": "defining",
    "FlowConfig": "config",
    "WorkerConfig": "config",
    "define_config": "config",
    "define_worker": "defining",
    "run_worker": "serving",
}


def node_package() -> str:
    """The folder of the SDK for Node, a package without dependencies: ``npm install FOLDER``."""
    import os  # noqa: PLC0415 - as below

    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")  # noqa: PTH100, PTH118, PTH120


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - nothing is loaded before it is asked for

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
