"""What handlers raise and return in tests, beyond the ordinary."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import anyio

from nq_conformance import contract
from nq_conformance.lab import Run
from nq_conformance.lab.handlers import Body

Making: TypeAlias = Callable[[], BaseException]
"""Makes an error; each attempt raises one of its own."""


def raises(make: Making) -> Body:
    """A handler's body that raises what ``make`` makes."""

    async def body(_: Run) -> Any:
        raise make()

    return body


def returns(result: Any) -> Body:
    """A handler's body that returns ``result``."""

    async def body(_: Run) -> Any:
        return result

    return body


# -- unrecoverable errors, and some that only look so (RTY-09) --------------------------------


class UnrecoverableError(Exception):
    """An application's own, known by its name alone."""


class AccountDeletedError(Exception):
    """Known by its attribute alone."""

    unrecoverable = True


class NoSuchUserError(contract.UnrecoverableError):
    """A subclass of the contract's."""


class BusyError(Exception):
    """Says that it can be recovered from."""

    unrecoverable = False


UNRECOVERABLE: dict[str, Making] = {
    "the contract's UnrecoverableError": lambda: contract.UnrecoverableError("gone (contract's)"),
    "a subclass of it": lambda: NoSuchUserError("gone (subclass)"),
    "another class named UnrecoverableError": lambda: UnrecoverableError("gone (by name)"),
    "an error with unrecoverable = True": lambda: AccountDeletedError("gone (by attribute)"),
}
RECOVERABLE: dict[str, Making] = {
    "an error with unrecoverable = False": lambda: BusyError("busy"),
    "an error that speaks of being unrecoverable": lambda: RuntimeError("UnrecoverableError: not really"),
}


# -- errors that are no Exception (RTY-13) ----------------------------------------------------


class StopEverything(BaseException):
    """An application's own, outside of ``Exception``."""


def cancelled() -> BaseException:
    """The ``CancelledError`` of asyncio; on trio, whose ``Cancelled`` nobody can make, another."""
    kind = anyio.get_cancelled_exc_class()
    return kind() if kind is asyncio.CancelledError else StopEverything("cancelled")


BEYOND_EXCEPTION: dict[str, Making] = {
    "raises a BaseException of its own": lambda: StopEverything("stop"),
    "raises CancelledError": cancelled,
}


# -- results that JSON can't hold (RTY-13, question 21) ---------------------------------------


def _cycle() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


NOT_JSON: dict[str, Any] = {
    "an object": object(),
    "a set": {1, 2},
    "bytes": b"raw",
    "a date": {"at": datetime(2026, 1, 2, tzinfo=UTC)},
    "NaN": float("nan"),
    "a list that holds itself": _cycle(),
    "a lone surrogate": "\ud800",
}


# -- errors that are hard to put into words (RUN-06) ------------------------------------------


class SilentError(Exception):
    """Has nothing to say."""


class UnspeakableError(Exception):
    """Raises when it is asked."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class PickyError(Exception):
    """Can't be made again from its ``args``."""

    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{detail} ({code})")


HARD_TO_TELL: dict[str, tuple[Making, str]] = {
    "an ordinary error": (lambda: ValueError("ordinary words"), "ordinary words"),
    "a KeyError": (lambda: KeyError("the key"), "the key"),
    "an error without arguments": (SilentError, "SilentError"),
    "an error with an empty message": (lambda: SilentError(""), "SilentError"),
    "an error about a number": (lambda: ValueError(42), "42"),
    "an error with two arguments": (lambda: OSError(2, "no such file"), "no such file"),
    "an error whose __str__ raises": (UnspeakableError, "UnspeakableError"),
    "an error that can't be made from its args": (lambda: PickyError(7, detail="picky"), "picky (7)"),
    "a group of errors": (lambda: ExceptionGroup("several", [ValueError("one")]), "several"),
    "an error in several lines and scripts": (lambda: ValueError("línea\n二行目"), "二行目"),
}
"""What it is → how it is made, and what must be told of it."""
