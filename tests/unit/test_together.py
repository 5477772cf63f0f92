"""Tests of the suite that share their waiting: each is told its own outcome, whichever was run first."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from nq_conformance.suite.together import Together, _event_loop

pytestmark = pytest.mark.anyio


class _Adapter:
    """As a dataclass makes them: all are equal, and none can be a key."""

    has_workers = False
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Adapter)


class _Lab:
    """As much of a lab as a group needs."""

    def __init__(self, adapter: _Adapter) -> None:
        self.adapter = adapter
        self.history = SimpleNamespace(entries=[])

    async def provider(self) -> None:
        """There is nothing to open."""


def _lab(adapter: _Adapter | None = None) -> Any:
    return _Lab(adapter or _Adapter())


async def test_all_run_at_once_and_each_tells_what_came_of_it() -> None:
    group = Together()
    both = anyio.Event()
    seen: list[str] = []

    @group
    async def waits(lab: Any) -> None:
        await both.wait()
        lab.history.entries.append("waited")
        seen.append("waits")

    @group
    async def fails(_: Any) -> None:
        both.set()
        seen.append("fails")
        raise RuntimeError("its own")

    adapter = _Adapter()
    with anyio.fail_after(5):
        await waits(_lab(adapter))
    later = _lab(adapter)
    with pytest.raises(RuntimeError, match="its own"):
        await fails(later)
    assert sorted(seen) == ["fails", "waits"]
    assert later.history.entries == ["waited"]


async def test_one_that_is_run_again_is_run_anew_and_so_is_it_for_another_adapter_or_value() -> None:
    group = Together()
    runs: list[str] = []

    @group
    async def counts(_: Any, runtime: str) -> None:
        runs.append(runtime)

    adapter = _Adapter()
    for lab, runtime in ((_lab(adapter), "a"), (_lab(adapter), "a"), (_lab(adapter), "b"), (_lab(), "b")):
        await counts(lab, runtime=runtime)
    assert runs == ["a", "a", "b", "b"]


async def test_a_folder_is_each_tests_own_and_nothing_that_pytest_is_asked_for() -> None:
    group = Together()
    folders: list[Path] = []

    async def writes(_: Any, folder: Path) -> None:
        assert [path async for path in anyio.Path(folder).iterdir()] == []
        await anyio.Path(folder, "file").touch()
        folders.append(folder)

    async def another(lab: Any, folder: Path) -> None:
        await writes(lab, folder)

    told = group(writes)
    group(another)
    assert list(inspect.signature(told).parameters) == ["_"]
    await told(_lab())
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


async def test_event_loops_are_told_apart(anyio_backend_name: str) -> None:
    assert ("asyncio" in _event_loop()) == (anyio_backend_name == "asyncio")
