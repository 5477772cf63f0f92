"""A pytest plugin: of all the suite's tests, only those of the rules that a miniature says it breaks.

With it, a run over all miniatures takes a minute; without it, it makes the whole kill table.
"""

from __future__ import annotations

import pytest

from miniatures.leaving_out import leave_out


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other rules' tests."""
    leave_out(config, items, lambda rule, miniature: rule in (miniature.breaks, *miniature.also))
