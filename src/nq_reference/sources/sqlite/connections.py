"""The connections as lanes' work: transactions that write, and looks that don't. Blocking calls, but for
``version``."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from nq_reference.sources.sqlite.database import BUSY_TRIES, Database, is_busy
from nq_reference.sources.sqlite.events import Heard, Key, Question
from nq_reference.sources.sqlite.lane import Answer, Call
from nq_reference.sources.sqlite.statements import statement
from nq_reference.sources.sqlite.transaction import Row, Transaction

TRIM_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Report:
    """What a transaction brought, beside its answers."""

    heard: Heard | None = None
    woken: frozenset[int] = frozenset()
    seen: frozenset[int] = frozenset()
    met: dict[Key, int] = field(default_factory=dict)


class Connections:
    """Made closed; ``open`` first. Each method is called by one thread at a time."""

    def __init__(self, database: Database, event_log_length: int) -> None:
        self._database = database
        self._event_log_length = event_log_length
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._ear: sqlite3.Connection | None = None
        self._trimmed = 0
        self.known: dict[Key, int] = {}

    def open(self) -> None:
        """Open all. Raises ``DatabaseError``."""
        with contextlib.ExitStack() as opened:
            self._writer = opened.enter_context(contextlib.closing(self._database.prepare()))
            self._reader = opened.enter_context(contextlib.closing(self._database.connect()))
            self._ear = opened.enter_context(contextlib.closing(self._database.connect(timeout_ms=0)))
            opened.pop_all()

    def close_writer(self) -> None:
        """Close the one that writes. Idempotent."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def close_reader(self) -> None:
        """Close those that read. Idempotent."""
        for connection in (self._reader, self._ear):
            if connection is not None:
                connection.close()
        self._reader = self._ear = None

    def version(self) -> int:
        """A number that changes with each commit. Waits for nobody, and may be called on the event loop:
        raises ``sqlite3.OperationalError`` where another process keeps the file to itself."""
        assert self._ear is not None  # noqa: S101 - the source is open
        return int(self._ear.execute(statement("data_version")).fetchone()[0])

    def write(self, calls: Sequence[Call], question: Question | None) -> tuple[list[Answer], Report]:
        """Make all of ``calls`` in one transaction; where one fails, each in its own.

        Where another process has the file for too long they all fail: each would wait anew (FLT-01).
        """
        try:
            return self._write(calls, question)
        except sqlite3.OperationalError as error:
            if len(calls) == 1 or is_busy(error):
                return [Answer(error=error) for _ in calls], Report()
        except Exception as error:
            if len(calls) == 1:
                return [Answer(error=error)], Report()
        return self._one_by_one(calls, question)

    def read(self, calls: Sequence[Call]) -> tuple[list[Answer], Report]:
        """Make all of ``calls``, on one state of the data."""
        assert self._reader is not None  # noqa: S101 - the source is open
        self._reader.execute("BEGIN")
        try:
            tx = Transaction(self._reader, self.known)
            return [_answer(call, tx) for call in calls], Report(met=tx.met)
        finally:
            _leave(self._reader, "COMMIT")

    def _one_by_one(self, calls: Sequence[Call], question: Question | None) -> tuple[list[Answer], Report]:
        answers: list[Answer] = []
        reports: list[Report] = []
        for call in calls:
            answered, report = self.write([call], question)
            answers += answered
            reports.append(report)
            if report.heard is not None and question is not None:
                question = Question(report.heard.last, question.queues)
        return answers, _joined(reports)

    def _write(self, calls: Sequence[Call], question: Question | None) -> tuple[list[Answer], Report]:
        connection = self._writer
        assert connection is not None  # noqa: S101 - the source is open
        _begin(connection)
        try:
            tx = Transaction(connection, self.known)
            start = None if question is None else tx.last_event
            answers = [Answer(call(tx)) for call in calls]
            if tx.finish():
                self._trim(tx)
            heard = None if question is None else hear(tx, question, start)
            connection.execute("COMMIT")
        except BaseException:
            _leave(connection, "ROLLBACK")
            raise
        return answers, Report(heard, frozenset(tx.woken), frozenset(tx.seen), tx.met)

    def _trim(self, tx: Transaction) -> None:
        last = tx.last_event
        if last >= self._trimmed + TRIM_EVERY:
            tx.run("trim_events", before=last - self._event_log_length)
            self._trimmed = last


def hear(tx: Transaction, question: Question, start: int | None) -> Heard:
    """The answer to ``question``; see ``Heard`` for ``start``."""
    last = tx.last_event
    after = question.after if question.after is not None else start
    queues = {number: key for key in question.queues if (number := tx.find(*key)) is not None}
    found: list[Row] = []
    if after is not None and last > after and queues:
        found = tx.rows("events", after=after, queues=json.dumps([*queues]))
    return Heard(start, last, found, queues)


def _joined(reports: Sequence[Report]) -> Report:
    heard = [report.heard for report in reports if report.heard is not None]
    met: dict[Key, int] = {}
    for report in reports:
        met.update(report.met)
    return Report(
        _one(heard) if heard else None,
        frozenset().union(*(report.woken for report in reports)),
        frozenset(),
        met,
    )


def _one(heard: Sequence[Heard]) -> Heard:
    queues: dict[int, Key] = {}
    for each in heard:
        queues.update(each.queues)
    return Heard(heard[0].start, heard[-1].last, [row for each in heard for row in each.rows], queues)


def _answer(call: Call, tx: Transaction) -> Answer:
    try:
        return Answer(call(tx))
    except Exception as error:
        return Answer(error=error)


def _begin(connection: sqlite3.Connection) -> None:
    """Begin to write; the connection itself waits for its timeout where another process does."""
    for last_try in (*[False] * (BUSY_TRIES - 1), True):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if last_try or not is_busy(error):
                raise
        else:
            return


def _leave(connection: sqlite3.Connection, how: str) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):  # the first error is the one that tells something
            connection.execute(how)
