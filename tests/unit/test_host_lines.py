"""What a line of the host protocol can hold, and what is refused rather than changed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from nq_conformance.adapters.host.lines import UnsendableError, decoded, encoded

ITSELF: list[Any] = []
ITSELF.append(ITSELF)


def deep(depth: int) -> Any:
    """Lists in lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [None, True, 1.5, 2**80, "é\u2028🚀", {"a": [{}, []]}, "\ud800", "a\udfffb", {"\ud83d": 1}]
)
def test_what_json_can_hold_comes_back(value: Any) -> None:
    """Half a surrogate pair too, as an escape, so that the line is UTF-8."""
    line = encoded(value)
    assert line.decode()
    assert decoded(line) == json.loads(line) == value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.nan, "NaN or an infinite number"),
        ([math.inf], "NaN or an infinite number"),
        (b"raw", "a value of type bytes"),
        ({"a": {1}}, "a value of type set"),
        (object(), "a value of type object"),
        (ITSELF, "what holds itself"),
        ([{1: "a"}], "a key of type int"),
        ({None: "a"}, "a key of type NoneType"),
        ({(): "a"}, "a key that is no text"),
        ("\ud83d\ude00", "a surrogate pair as two characters"),
        (deep(200_000), "what is nested too deeply"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "value",
)
def test_what_json_has_no_form_for_is_refused_and_named(value: Any, told: str) -> None:
    """In words that are the same for all values of the kind, to be counted by."""
    with pytest.raises(UnsendableError) as caught:
        encoded(value)
    assert str(caught.value) == told


@pytest.mark.parametrize("line", [b"NaN", b"[-Infinity]", b"{", b"\xff", b"[" * 200_000])
def test_what_is_no_json_is_a_value_error(line: bytes) -> None:
    """The other end is told that it does not keep to the protocol."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, it is taken for no JSON
        decoded(line)
