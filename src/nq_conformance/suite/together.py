"""Tests that wait for the same time to pass, run side by side.

A series runs once a second at best, with many adapters once a minute. Five tests that each
wait for two runs would take ten minutes; together they take two.

What is shared is the time alone: each test has its queues and its folder, and fails by itself.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import anyio

from nq_conformance.adapters import Adapter
from nq_conformance.history import Entry
from nq_conformance.lab import Lab

Test: TypeAlias = Callable[..., Awaitable[None]]
_Place: TypeAlias = tuple[str, frozenset[tuple[str, Any]]]

FOLDER: Final = "folder"
"""The argument of a test that wants one of its own."""


@dataclass(slots=True)
class _Outcomes:
    """What each test raised, until it has told so; and the history they have in common."""

    errors: dict[Test, Exception | None]
    entries: Sequence[Entry]


@dataclass(slots=True)
class _Kept:
    """What is kept for one adapter; it is told by its identity, as it may be neither hashable nor
    different from another."""

    adapter: Adapter
    outcomes: dict[_Place, _Outcomes] = field(default_factory=dict)


class Together:
    """A group of tests. The first that is run for an adapter, an event loop and one value of their
    parameters runs all of them, in its lab; each of the others tells what came of it then, and shows
    that lab's history.

    They have the same parameters, if any, and must use queues of their own; ``folder`` is an empty
    one, which goes with the group. A test that is run once more is run anew, with the rest.
    """

    def __init__(self) -> None:
        self._tests: list[Test] = []
        self._outcomes: dict[int, _Kept] = {}

    def __call__(self, test: Test) -> Test:
        """Decorate a test of the group."""
        self._tests.append(test)

        @functools.wraps(test)
        async def told(lab: Lab, **values: Any) -> None:
            kept = self._outcomes.setdefault(id(lab.adapter), _Kept(lab.adapter)).outcomes
            place = _event_loop(), frozenset(values.items())
            if place not in kept or test not in kept[place].errors:
                kept[place] = await self._run_all(lab, values)
            outcomes = kept[place]
            lab.history.entries[:] = outcomes.entries
            error = outcomes.errors.pop(test)
            if error is not None:
                raise error

        told.__signature__ = _without_folder(test)  # type: ignore[attr-defined] # pytest has no such fixture
        return told

    async def _run_all(self, lab: Lab, values: Mapping[str, Any]) -> _Outcomes:
        await (lab.manager() if lab.adapter.has_workers else lab.provider())
        errors: dict[Test, Exception | None] = {}

        async def run(test: Test, folder: Path) -> None:
            try:
                await test(lab, **values, **_folder_for(test, folder))
            except Exception as error:
                errors[test] = error
            else:
                errors[test] = None

        with TemporaryDirectory(prefix="nq-together-") as folder:
            async with anyio.create_task_group() as group:
                for number, test in enumerate(self._tests):
                    group.start_soon(run, test, Path(folder, str(number)))
        return _Outcomes(errors, tuple(lab.history.entries))


def _without_folder(test: Test) -> inspect.Signature:
    signature = inspect.signature(test)
    return signature.replace(parameters=[p for name, p in signature.parameters.items() if name != FOLDER])


def _folder_for(test: Test, path: Path) -> dict[str, Path]:
    if FOLDER not in inspect.signature(test).parameters:
        return {}
    path.mkdir()
    return {FOLDER: path}


def _event_loop() -> str:
    """Which event loop runs us; a word for those that are not asyncio's."""
    try:
        return type(asyncio.get_running_loop()).__module__
    except RuntimeError:
        return "another"
