"""A pytest plugin: all the suite's tests for each miniature, but child runtimes only where they matter.

Two thirds of the suite's work are the processes of the RPC rules. What bends a queue is no matter of
theirs, so that they are left out but for miniatures of their own area and of the runner.
"""

from __future__ import annotations

import pytest

from miniatures.base import AnyMiniature
from nq_conformance.plugin.collection import ABOUT

CHILDREN = "RPC-"
WITH_CHILDREN = (CHILDREN, "RUN-")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the children of the others."""
    out = [item for item in items if _is_left_out(item)]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if not _is_left_out(item)]


def _is_left_out(item: pytest.Item) -> bool:
    about = item.stash.get(ABOUT, None)
    if about is None or not isinstance(about.target.adapter, AnyMiniature):
        return False
    return about.rule.startswith(CHILDREN) and not about.target.adapter.breaks.startswith(WITH_CHILDREN)
