"""A transaction as the verbs see it: statements by name, and what is to be told after the commit."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from nq_conformance.contract import QueueEvent
from nq_reference.sources.sqlite.statements import statement

MOST_SURPLUS = 1_000
"""How many ended jobs beyond those to keep a transaction removes, if no more end in it (RTY-12)."""

Row = tuple[Any, ...]


class Transaction:
    """One transaction, made and used in a thread.

    ``now`` is the host's time when it began, in epoch ms. ``woken`` are the queues that have
    something for a worker which no exchange of this transaction has seen; ``seen`` are those
    that one has looked through to the end. ``surplus`` is how many ended jobs beyond those to keep
    it may still remove: the rest of a long history goes with the next transactions, so that none
    of them holds the file for long.
    """

    def __init__(self, connection: sqlite3.Connection, known: dict[tuple[str, str], int]) -> None:
        self.now = time.time_ns() // 1_000_000
        self.woken: set[int] = set()
        self.seen: set[int] = set()
        self.surplus = MOST_SURPLUS
        self.met: dict[tuple[str, str], int] = {}
        self._known = known
        self._connection = connection
        self._told: list[Row] = []
        self._counters: list[int] | None = None
        self._counted = False

    def row(self, verb: str, **parameters: Any) -> Row | None:
        """The first row that the statement ``verb`` gives."""
        cursor = self._connection.execute(statement(verb), parameters)
        found: Row | None = cursor.fetchone()
        cursor.close()
        return found

    def rows(self, verb: str, **parameters: Any) -> list[Row]:
        """All rows that the statement ``verb`` gives."""
        return self._connection.execute(statement(verb), parameters).fetchall()

    def run(self, verb: str, **parameters: Any) -> int:
        """How many rows the statement ``verb`` has changed."""
        return self._connection.execute(statement(verb), parameters).rowcount

    def count(self, many: int = 1) -> int:
        """The first of ``many`` numbers that nobody has had."""
        counters = self._far()
        counters[0] += many
        self._counted = True
        return counters[0] - many + 1

    @property
    def last_event(self) -> int:
        """The number of the last event that is written, of whatever queue; 0 before the first."""
        return self._far()[1]

    def find(self, prefix: str, queue: str) -> int | None:
        """The number of a queue, if some call has ever written to it."""
        known = self._known.get((prefix, queue)) or self.met.get((prefix, queue))
        if known is None:
            found = self.row("find_queue", prefix=prefix, name=queue)
            if found is None:
                return None
            known = self.met[prefix, queue] = int(found[0])
        return known

    def meet(self, prefix: str, queue: str) -> int:
        """The number of a queue, which is made known."""
        known = self.find(prefix, queue)
        if known is None:
            made = self.row("meet_queue", prefix=prefix, name=queue)
            assert made is not None  # noqa: S101 - an insert returns its row
            known = self.met[prefix, queue] = int(made[0])
        return known

    def tell(
        self, queue: int, event: QueueEvent, job_id: str | None, detail: str | int | None = None
    ) -> None:
        """Add an event, to be written at the transaction's end."""
        self._told.append((queue, event, job_id, detail))

    def finish(self) -> bool:
        """Write what was told, and how far it was counted; whether there was an event."""
        told, self._told = self._told, []
        if told:
            fields = ("number", "queue", "event", "job_id", "detail")
            numbered = [(number, *each) for number, each in enumerate(told, self.last_event + 1)]
            parameters = [dict(zip(fields, each, strict=True)) for each in numbered]
            self._connection.executemany(statement("tell"), parameters)
            self._far()[1] += len(told)
        if told or self._counted:
            last, last_event = self._far()
            self.run("count", last=last, last_event=last_event)
        return bool(told)

    def _far(self) -> list[int]:
        """How far the counters are, read once and kept by ``finish``: nobody else moves them meanwhile."""
        if self._counters is None:
            found = self.row("counters")
            assert found is not None  # noqa: S101 - they have their row from the beginning
            self._counters = [*found]
        return self._counters
