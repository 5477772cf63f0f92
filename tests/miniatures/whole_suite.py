"""A pytest plugin: all the suite's tests for each miniature, but child runtimes only where they matter.

Two thirds of the suite's work are the processes of the RPC rules. What bends a queue is no matter of
theirs, so that they are left out but for miniatures of their own area and of the runner.
"""

from __future__ import annotations

import pytest

from miniatures.base import AnyMiniature
from miniatures.leaving_out import leave_out

CHILDREN = "RPC-"
WITH_CHILDREN = (CHILDREN, "RUN-")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the children of the others."""
    leave_out(config, items, _is_wanted)


def _is_wanted(rule: str, miniature: AnyMiniature) -> bool:
    return not rule.startswith(CHILDREN) or miniature.breaks.startswith(WITH_CHILDREN)
