"""Lines from a child: put together from any pieces, bounded, and told apart from what is no message."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nq_reference.runtimes.framing import Frames, FrameTooLongError, encode
from nq_reference.runtimes.messages import NO_ID, Call, Reply, Unreadable, parse

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("aé\n\u2028", max_size=2), inner),
    max_leaves=5,
)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(VALUES, max_size=5), st.lists(st.integers(0, 10_000)))
def test_messages_cut_anywhere_come_out_as_they_went_in(results: list[Any], places: list[int]) -> None:
    """Whole and in order, whatever a read ends in the middle of (RPC-04)."""
    stream = b"".join(encode({"id": 1, "result": result}) for result in results)
    frames = Frames(1_000_000)
    found = [parse(line) for chunk in _cut(stream, places) for line in frames.feed(chunk)]
    assert found == [Reply(1, result) for result in results]


@given(st.integers(0, 30), st.lists(st.integers(0, 100)))
def test_a_line_is_refused_exactly_beyond_the_limit(length: int, places: list[int]) -> None:
    """However it is cut, and before its end has come."""
    frames = Frames(20)
    read = [line for chunk in _cut(b"first\n", places) for line in frames.feed(chunk)]
    chunks = _cut(b"x" * length, places)
    if length > 20:
        with pytest.raises(FrameTooLongError, match="20 bytes"):
            [line for chunk in chunks for line in frames.feed(chunk)]
    else:
        read += [line for chunk in [*chunks, b"\n"] for line in frames.feed(chunk)]
        assert read == [b"first", b"x" * length]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"hello", b"1", b"null", b"true", b'"jsonrpc"', b"[]", b"{", b"{}", b"\xff{}",
        b'{"id":1,"result":0}',
        b'{"jsonrpc":"1.0","id":1,"result":0}', b'{"jsonrpc":2.0,"id":1,"result":0}',
        b'{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","id":1}', b'{"jsonrpc":"2.0","result":1}',
        b'{"jsonrpc":"2.0","id":1,"error":null}',
        b'[{"jsonrpc":"2.0","id":1,"result":0}]',
        b'done {"jsonrpc":"2.0","id":1,"result":0}', b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_message_is_none(line: bytes) -> None:
    """Prints and pieces of messages say nothing (RPC-06)."""
    assert parse(line) is None


@pytest.mark.parametrize(
    ("value", "why"), [("[" * 100_000 + "]" * 100_000, "nested too deep"), ("1" * 5_000, "4300 digits")]
)
def test_what_may_have_been_a_reply_and_can_not_be_read_is_told(value: str, why: str) -> None:
    """Nobody else would answer for it: the job would wait for ever."""
    message = parse(f'{{"jsonrpc":"2.0","id":1,"result":{value}}}'.encode())
    assert isinstance(message, Unreadable)
    assert why in message.why


def test_calls_replies_and_notifications_are_told_apart() -> None:
    """A method makes it a call, whatever its id; no id is not the id null (RPC-15, RPC-16)."""

    def line(**fields: Any) -> bytes:
        return json.dumps({"jsonrpc": "2.0", **fields}).encode()

    assert parse(line(method="m", id=1, result=2)) == Call("m", {}, 1)
    assert parse(line(method="m", params=[1], id=None)) == Call("m", [1], None)
    assert parse(line(method="m")) == Call("m", {}, NO_ID)
    assert parse(line(id=1, result=None)) == Reply(1)
    assert parse(line(id=1, result=None, error={"code": 1})) == Reply(1, error={"code": 1})
    assert parse(b"  " + line(id=1, result=0) + b"\r") == Reply(1, 0)
