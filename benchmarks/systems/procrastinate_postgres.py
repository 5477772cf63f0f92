"""procrastinate: ``Task.defer_async``, ``App.run_worker_async``. Finished jobs stay, with an event for each
step. No results."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector

from benchmarks.systems.protocol import Hit, Place


class Measured:
    """procrastinate."""

    together = True

    async def setup(self, place: Place, hit: Hit) -> None:
        """Connect, and make the tables."""
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        self._place = place
        self._app = App(connector=PsycopgConnector(conninfo=place.url))
        await self._app.open_async()
        try:
            await self._app.schema_manager.apply_schema_async()
        except Exception as error:  # the other process was first
            if not isinstance(
                error.__cause__, psycopg.errors.DuplicateObject | psycopg.errors.DuplicateTable
            ):
                raise

        async def send(job: dict[str, Any]) -> None:
            hit(job["sent"])

        self._task = self._app.task(name="send")(send)
        self._running: asyncio.Task[None] | None = None

    async def enqueue_one(self, job: dict[str, Any]) -> None:
        """Call ``defer_async``."""
        await self._task.defer_async(job=job)

    async def enqueue_together(self, jobs: list[dict[str, Any]]) -> None:
        """Gather calls of ``defer_async``."""
        await asyncio.gather(*(self._task.defer_async(job=job) for job in jobs))

    async def start_worker(self) -> None:
        """Start the worker."""
        running = self._app.run_worker_async(
            concurrency=self._place.concurrency, install_signal_handlers=False
        )
        self._running = asyncio.create_task(running)

    async def close(self) -> None:
        """Stop the worker, disconnect."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running}, timeout=1)
        await self._app.close_async()
