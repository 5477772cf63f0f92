"""The search for a sequence on which adapter and model differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nq_conformance.lab import Lab
from nq_conformance.model.drawing import Drawing
from nq_conformance.model.search import find

pytestmark = pytest.mark.anyio


async def test_a_place_that_can_not_be_had_ends_the_search_with_that_error() -> None:
    """It is tried once, though Hypothesis draws on: what it draws must not depend on it."""
    calls: list[str] = []

    @contextmanager
    def new_lab() -> Iterator[Lab]:
        calls.append("asked")
        if len(calls) > 1:
            raise AssertionError("a place is asked for again")
        raise OSError("no place left")
        yield

    with pytest.raises(OSError, match="no place left"):
        await find(Drawing("mypkg:Adapter", new_lab, 20, 1))
    assert calls == ["asked"]
