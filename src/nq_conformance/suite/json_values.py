"""JSON values in tests: sameness as JSON sees it, and values that adapters have lost."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TRICKY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e-300,
    2**53 - 1,
    "",
    "0",
    "null",
    'a\nb\t"\\/',
    "\u2028 \U0001f680 e\u0301 \u00e9",
    [],
    {},
    [[]],
    [{}],
    {"": None},
    {"a": []},
    {"b": 1, "a": {"d": [], "c": {}}},
    [None, False, 0, "", [], {}],
    {"__proto__": 1, "constructor": 2, "id": 3, "name": 4, "data": {"data": 5}, "opts": None},
)

NUMBERED: dict[str, Any] = {"b": 1, "10": 2, "9": 3}
"""JavaScript's objects put such keys first, in the order of numbers: an adapter keeps the text, a handler
in JavaScript can't."""

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4
        )
    ),
    max_leaves=12,
)
"""Any JSON value; integers that every JSON reader keeps exactly, text without NUL and surrogates."""


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON: ``1`` is ``1.0`` but not ``true``; keys keep their order."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    return type(left) is type(right) and bool(left == right)
