"""A pytest plugin: of all the suite's tests, only those of the rules that a miniature says it breaks.

With it, a run over all miniatures takes a minute; without it, it makes the whole kill table.
"""

from __future__ import annotations

import pytest

from miniatures.base import AnyMiniature
from nq_conformance.plugin.collection import ABOUT


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other rules' tests."""
    out = [item for item in items if not _of_its_own_rule(item)]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if _of_its_own_rule(item)]


def _of_its_own_rule(item: pytest.Item) -> bool:
    about = item.stash.get(ABOUT, None)
    if about is None or not isinstance(about.target.adapter, AnyMiniature):
        return True
    miniature = about.target.adapter
    return about.rule in (miniature.breaks, *miniature.also)
