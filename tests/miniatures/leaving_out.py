"""Leaving tests of the suite out for some miniatures; what is not about a miniature stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from miniatures.base import AnyMiniature
from nq_conformance.plugin.collection import ABOUT


def leave_out(
    config: pytest.Config, items: list[pytest.Item], is_wanted: Callable[[str, AnyMiniature], bool]
) -> None:
    """Keep the tests of the rules that are wanted of their miniature."""

    def stays(item: pytest.Item) -> bool:
        about = item.stash.get(ABOUT, None)
        if about is None or not isinstance(about.target.adapter, AnyMiniature):
            return True
        return is_wanted(about.rule, about.target.adapter)

    config.hook.pytest_deselected(items=[item for item in items if not stays(item)])
    items[:] = [item for item in items if stays(item)]
