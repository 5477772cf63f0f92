"""A file of an earlier version is brought to this one with all that is in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from durable_source_tools import Heard, job
from source_tools import QUEUE, claim

from nq_conformance.contract import JobCounts
from nq_reference.job_source import Outcome
from nq_reference.sources.sqlite import SqliteSource
from nq_reference.sources.sqlite.database import APPLICATION_ID
from nq_reference.sources.sqlite.statements import migrations

pytestmark = pytest.mark.anyio
_FILLED = f"""
INSERT INTO queue (prefix, name) VALUES ('nq', '{QUEUE}');
INSERT INTO job (number, queue, id, name, data, opts, state, priority, place, timestamp, ended)
VALUES (7, 1, 'old', 'n', '1', '{{}}', 'waiting', 0, 7, 1, NULL),
  (3, 1, 'done', 'n', '1', '{{}}', 'completed', 0, 3, 1, 9);
UPDATE counter SET last = 9;
INSERT INTO event (queue, event, job_id) VALUES (1, 'waiting', 'old'), (1, 'completed', 'done');
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
"""


async def test_version_1_keeps_jobs_order_and_events(tmp_path: Path) -> None:
    """Jobs, their order and the numbers of events go on where version 1 had stopped."""
    path = tmp_path / "q"
    old = sqlite3.connect(path)
    old.executescript(";".join(migrations()[0]) + ";" + _FILLED)
    old.close()
    source = SqliteSource(path)
    await source.open()
    try:
        heard = Heard()
        await source.subscribe(QUEUE, heard).ready()
        await source.add(QUEUE, [job("new")])
        assert await source.counts(QUEUE) == JobCounts(waiting=2, completed=1)
        reply = await source.exchange(QUEUE, [], claim(9))
        assert [each.id for each in reply.claimed] == ["old", "new"]
        await source.exchange(QUEUE, [Outcome("old", "t", "complete", "1")], claim(0))
        assert [event for event, _ in await heard.first(4)] == ["waiting", "active", "active", "completed"]
        assert [each.id for each in await source.list(QUEUE, ["completed"], 0, None)] == ["done", "old"]
    finally:
        await source.close()
    events = sqlite3.connect(path).execute("SELECT number FROM event ORDER BY number").fetchall()
    assert events == [(number,) for number in range(1, 7)]
