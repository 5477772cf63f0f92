"""Old step events in tables are forgotten beside the work, whatever becomes of that."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from nq_conformance.contract import StepEvent
from nq_reference.events.forgetting import PORTION
from nq_reference.events.tables import TableEvents
from nq_reference.tables.base import Dialect

pytestmark = pytest.mark.anyio
BUDGET_S = 10.0
EVENT = StepEvent("log", "flow", "shop", "pay", "id", 1, {})


class FakeTables:
    """Tables that keep nothing. Of ``old`` events each DELETE finds a portion, once ``gate`` is open."""

    dialect: Dialect = "sqlite"

    def __init__(self, old: int = 0) -> None:
        self.old = old
        self.failing = False
        self.deletes = 0
        self.gate = anyio.Event()
        self.told = anyio.Event()

    async def open(self, table: str, definition: str) -> None:
        """Nothing to make."""

    async def rows(self, sql: str, *args: object) -> Sequence[tuple[int]]:
        if "DELETE" not in sql:
            return ()
        self.deletes += 1
        self.told.set()
        await self.gate.wait()
        if self.failing:
            raise TimeoutError
        found = min(self.old, PORTION)
        self.old -= found
        return [(number,) for number in range(found)]

    async def close(self) -> None:
        """Nothing to let go of."""


async def ended(events: TableEvents) -> None:
    """Wait until nothing is being forgotten any more."""
    task = events._forgetting._task
    assert task is not None
    with anyio.fail_after(BUDGET_S):
        await task.wait()


async def test_nobody_waits_until_old_events_are_forgotten() -> None:
    """Opening, publishing and closing return while a statement hangs."""
    tables = FakeTables()
    events = TableEvents(tables)
    with anyio.fail_after(BUDGET_S):
        await events.open()
        await tables.told.wait()
        for _ in range(1_000):
            await events.publish_bus(EVENT)
        assert tables.deletes == 1, "one at a time is enough"
        await events.close()


async def test_portion_after_portion_is_forgotten_while_there_is_more() -> None:
    """However much a busy day has left behind."""
    tables = FakeTables(old=3 * PORTION + 1)
    tables.gate.set()
    events = TableEvents(tables)
    await events.open()
    await ended(events)
    assert (tables.deletes, tables.old) == (4, 0)
    await events.close()


async def test_that_nothing_could_be_forgotten_is_no_concern_of_who_opens_or_publishes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, and tried again with the thousandth event."""
    tables = FakeTables()
    tables.failing = True
    tables.gate.set()
    events = TableEvents(tables)
    await events.open()
    await ended(events)
    for _ in range(1_000):
        await events.publish_bus(EVENT)
    await ended(events)
    await events.close()
    told = "old step events could not be forgotten, which is tried again later: TimeoutError()"
    assert [record.getMessage() for record in caplog.records] == [told, told]
