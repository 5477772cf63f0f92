"""Cron patterns in tests: some to refuse, some to take."""

from __future__ import annotations

from hypothesis import strategies as st

NEVER = ("0 0 30 2 *", "0 0 31 4 *", "0 0 31 2,4,6,9,11 *")
MALFORMED = ("", " ", "every day", "* * *", "* * * *", "a b c d e", "*/0 * * * *", "1;2 * * * *", "@never")
RARE = ("0 0 29 2 *", "5 4 1 1 *", "*/15 9-17 1,15 * 1-5")
_fields = {0: st.integers(60, 999), 1: st.integers(24, 999), 2: st.integers(32, 999) | st.just(0)}
_fields |= {3: st.integers(13, 999) | st.just(0), 4: st.integers(8, 999)}


@st.composite
def out_of_range(draw: st.DrawFn) -> str:
    """A pattern of five fields, one of them a number that its field does not have."""
    fields = ["*"] * 5
    place = draw(st.sampled_from(sorted(_fields)))
    fields[place] = str(draw(_fields[place]))
    return " ".join(fields)
