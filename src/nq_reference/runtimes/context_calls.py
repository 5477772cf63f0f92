"""What a child may ask of its job's context, and how its parameters must look (RPC-16, RPC-17)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from nq_conformance.contract import RunContext

Method = Callable[[RunContext, Mapping[str, Any]], Awaitable[Any]]


class BadParamsError(Exception):
    """Parameters that the method can't be called with; says which."""


def check_params(method: str, params: Any) -> Mapping[str, Any]:
    """``params``, if ``method``, one of ``METHODS``, can be called with them; raises ``BadParamsError``."""
    if not isinstance(params, dict):
        raise BadParamsError(f"the params of {method} must be an object")
    for name, (kinds, required) in _PARAMS[method].items():
        if name not in params:
            if required:
                raise BadParamsError(f"{method} needs the parameter {name!r}")
        elif not isinstance(params[name], kinds):
            raise BadParamsError(f"the parameter {name!r} of {method} is not of the right type")
    return params


async def _get(ctx: RunContext, params: Mapping[str, Any]) -> Any:
    return await ctx.state.get(params["key"])


async def _set(ctx: RunContext, params: Mapping[str, Any]) -> None:
    await ctx.state.set(params["key"], params["value"])


async def _delete(ctx: RunContext, params: Mapping[str, Any]) -> None:
    await ctx.state.delete(params["key"])


async def _log(ctx: RunContext, params: Mapping[str, Any]) -> None:
    await ctx.logger.log(params["level"], params["message"], params.get("metadata"))


async def _emit(ctx: RunContext, params: Mapping[str, Any]) -> Any:
    return await ctx.flow.emit(params["trigger"], params.get("payload"))


METHODS: Final[Mapping[str, Method]] = {
    "ctx.state.get": _get,
    "ctx.state.set": _set,
    "ctx.state.delete": _delete,
    "ctx.logger.log": _log,
    "ctx.flow.emit": _emit,
}

_TEXT: Final = (str, True)
_PARAMS: Final[Mapping[str, Mapping[str, tuple[Any, bool]]]] = {
    "ctx.state.get": {"key": _TEXT},
    "ctx.state.set": {"key": _TEXT, "value": (object, True)},
    "ctx.state.delete": {"key": _TEXT},
    "ctx.logger.log": {"level": _TEXT, "message": _TEXT, "metadata": (object, False)},
    "ctx.flow.emit": {"trigger": _TEXT, "payload": ((dict, type(None)), False)},
}
"""For each parameter, the types it may have, and whether it must be there."""
