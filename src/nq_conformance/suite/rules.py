"""The decorators that say which rule of the catalogue a test is about, and what more it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., object])


def rule(rule_id: str) -> Callable[[F], F]:
    """Mark a test as one of ``rule_id``. It then runs for each adapter and event loop of the run,
    through anyio's plugin if it is async; it may use the fixtures ``lab`` and ``nq_adapter``."""
    marks = (
        pytest.mark.nq_rule(rule_id),
        pytest.mark.anyio,
        pytest.mark.usefixtures("nq_adapter", "anyio_backend"),
    )

    def decorate(test: F) -> F:
        for mark in marks:
            test = mark(test)
        return test

    return decorate


def needs(capability: str) -> pytest.MarkDecorator:
    """Mark a test, or one value of its parameters, as one for adapters that claim ``capability``,
    where its rule applies to others as well."""
    return pytest.mark.nq_needs(str(capability))
