"""How Hypothesis draws inputs in the suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings

F = TypeVar("F", bound=Callable[..., Any])


def examples(count: int) -> Callable[[F], F]:
    """Draw ``count`` examples at most, all in one lab: each must use names of its own.

    No deadline: how long a call may take is what the budgets are for. No database: a run
    depends on its seed alone. One failure is enough: where each waits for a budget, more of
    them would take minutes.
    """
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
