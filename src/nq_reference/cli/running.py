"""``nq-worker run``: an App until a signal, seen as a table on a terminal, else as lines of log."""

from __future__ import annotations

import argparse

from nq_reference.app import App
from nq_reference.cli.backend import values_of
from nq_reference.cli.watching import require_workers, watching


async def run(arguments: argparse.Namespace) -> None:
    """Run the workers of a folder until SIGTERM or SIGINT. Raises ``ConfigError``."""
    app = App.from_config(values_of(arguments))
    require_workers("run", app.config.queues, app.workers)

    def title() -> str:
        return f"nq-worker on {app.provider.name}"

    await app.run(
        lambda app: watching(arguments, app.provider, app.workers, title), patient=arguments.patient
    )
