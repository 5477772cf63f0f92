"""The one fixture of these tests."""

from __future__ import annotations

import pytest

from plugin.kit_runs import KitRuns


@pytest.fixture
def kit(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> KitRuns:
    """An empty folder but for ``shelf.py``, in which to run the plugin."""
    return KitRuns(pytester, monkeypatch)
