"""Databases made while the test before runs, and removed while the next does, in a thread beside them.

To copy a database takes longer than many a test; the server has a processor of its own for it, as a
rule.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from nq_conformance.services.postgres.databases import Databases


@dataclass(frozen=True, slots=True)
class DatabasePlace:
    """One place: its namespace, and the DSN that leads there."""

    namespace: str
    dsn: str


class DatabasesAhead:
    """Gives out places of ``databases``, named by ``next_name``. One is always ready but the first."""

    def __init__(self, databases: Databases, next_name: Callable[[], str]) -> None:
        self._databases = databases
        self._next_name = next_name
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="nq-postgres-places")
        self._ready: Future[DatabasePlace] | None = None
        self._there: set[str] = set()
        self._closed = False

    def take(self) -> DatabasePlace:
        """An empty place. Raises as ``Databases.new_place``."""
        ready, self._ready = self._ready, None
        # What came in the way of the one that was made ahead may be over: the server was restarted, say.
        place = ready.result() if ready is not None and ready.exception() is None else self._make()
        self._ready = self._beside.submit(self._make)
        return place

    def give_back(self, namespace: str) -> None:
        """Remove the place, later. Where that fails, and after it, ``close`` removes it."""
        if not self._closed:
            self._beside.submit(self._remove, namespace)

    def settle(self) -> None:
        """Wait until nothing goes on beside the test that has the last place."""
        if not self._closed:
            self._beside.submit(lambda: None).result()

    def close(self) -> None:
        """Remove what is left; raises as ``Databases.clean``, once all has been tried. Idempotent."""
        self._closed = True
        self._beside.shutdown()
        errors: list[Exception] = []
        for namespace in sorted(self._there):
            try:
                self._remove(namespace)
            except Exception as error:  # the others are removed all the same
                errors.append(error)
        if errors:
            raise errors[0]

    def _make(self) -> DatabasePlace:
        namespace = self._next_name()
        self._there.add(namespace)
        return DatabasePlace(namespace, self._databases.new_place(namespace))

    def _remove(self, namespace: str) -> None:
        self._databases.clean(namespace)
        self._there.discard(namespace)
