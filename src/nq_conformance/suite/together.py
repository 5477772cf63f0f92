"""Tests that wait for the same time to pass, run side by side.

A series runs once a second at best, with many adapters once a minute. Five tests that each
wait for two runs would take ten minutes; together they take two.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from weakref import WeakKeyDictionary

import anyio

from nq_conformance.adapters import Adapter
from nq_conformance.history import Entry
from nq_conformance.lab import Lab

Test: TypeAlias = Callable[[Lab], Awaitable[None]]


@dataclass(slots=True)
class _Outcomes:
    """What each test raised, until it has told so; and the history they have in common."""

    errors: dict[Test, Exception | None]
    entries: Sequence[Entry]


class Together:
    """A group of tests. The first that is run for an adapter and event loop runs all of them, in
    its lab; each of the others tells what came of it then, and shows that lab's history.

    They must use queues of their own. A test that is run once more is run anew, with the rest.
    """

    def __init__(self) -> None:
        self._tests: list[Test] = []
        self._outcomes: WeakKeyDictionary[Adapter, dict[str, _Outcomes]] = WeakKeyDictionary()

    def __call__(self, test: Test) -> Test:
        """Decorate a test of the group."""
        self._tests.append(test)

        @functools.wraps(test)
        async def told(lab: Lab) -> None:
            kept = self._outcomes.setdefault(lab.adapter, {})
            place = _event_loop()
            if place not in kept or test not in kept[place].errors:
                kept[place] = await self._run_all(lab)
            outcomes = kept[place]
            lab.history.entries[:] = outcomes.entries
            error = outcomes.errors.pop(test)
            if error is not None:
                raise error

        return told

    async def _run_all(self, lab: Lab) -> _Outcomes:
        await (lab.manager() if lab.adapter.has_workers else lab.provider())
        errors: dict[Test, Exception | None] = {}

        async def run(test: Test) -> None:
            try:
                await test(lab)
            except Exception as error:
                errors[test] = error
            else:
                errors[test] = None

        async with anyio.create_task_group() as group:
            for test in self._tests:
                group.start_soon(run, test)
        return _Outcomes(errors, tuple(lab.history.entries))


def _event_loop() -> str:
    """Which event loop runs us; a word for those that are not asyncio's."""
    try:
        return type(asyncio.get_running_loop()).__module__
    except RuntimeError:
        return "another"
