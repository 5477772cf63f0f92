"""Lines of the protocol: JSON in UTF-8, and what JSON has no form for."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_LINE_BYTES = 64 * 1024 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPLIT_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class UnsendableError(ValueError):
    """A value has no form in JSON, so that the other end can't be given it as it is. The message
    says what it is, in few words."""


def encoded(message: Any) -> bytes:
    """``message`` as a line without its end. Raises ``UnsendableError`` rather than change a value.

    A surrogate without its other half, which UTF-8 does not have, travels as an escape.
    """
    try:
        text = json.dumps(
            message, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse
        )
    except UnsendableError:
        raise
    except RecursionError:
        raise UnsendableError("what is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise UnsendableError(_told(str(error))) from None
    _require_text_for_keys(message)
    if _SPLIT_PAIR.search(text):
        raise UnsendableError("a surrogate pair as two characters")  # an escape would join them
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def decoded(line: bytes) -> Any:
    """The message on a line; raises ``ValueError`` for what is no JSON, and for NaN, which is none."""
    try:
        return json.loads(line, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _require_text_for_keys(message: Any) -> None:
    """Raise for a key that is no text: ``json.dumps`` would make one of it."""
    unseen = [message]
    while unseen:
        value = unseen.pop()
        if isinstance(value, dict):
            odd = next((key for key in value if not isinstance(key, str)), "")
            if not isinstance(odd, str):
                raise UnsendableError(f"a key of type {type(odd).__name__}")
            unseen += value.values()
        elif isinstance(value, list | tuple):
            unseen += value


def _refuse(value: object) -> NoReturn:
    raise UnsendableError(f"a value of type {type(value).__name__}")


def _told(problem: str) -> str:
    """What ``json`` says of a value, in words that don't depend on the value."""
    for part, words in (
        ("Circular", "what holds itself"),
        ("Out of range float", "NaN or an infinite number"),
        ("keys must be", "a key that is no text"),
    ):
        if problem.startswith(part):
            return words
    return problem


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
