"""A Redis program of this machine, whatever it was found by: its command line, and when it is ready."""

from __future__ import annotations

from nq_conformance.services.info import Started
from nq_conformance.services.redis.client import SERVICE, ask_if_up
from nq_conformance.services.server_process import ProcessSwitch, ServerPlan, start_server

WITHOUT_PERSISTENCE = ("--save", "", "--appendonly", "no")
WITH_A_LOG = ("--save", "", "--appendonly", "yes", "--appendfsync", "no")
"""For data that outlasts the server, but need not outlast the machine."""


def persistence(*, lasting: bool) -> tuple[str, ...]:
    """The options of a server whose data outlast it, or do not."""
    return WITH_A_LOG if lasting else WITHOUT_PERSISTENCE


def start_program(path: str, source: str, *, lasting: bool = False) -> Started:
    """Run the redis-server (or valkey-server) at ``path``; ``source`` tells where it came from.

    Raises UnavailableError with the end of its log if it does not come up.
    """
    plan = ServerPlan(
        service=SERVICE,
        program=path,
        command=lambda port: (
            path,
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            *persistence(lasting=lasting),
        ),
        version_when_ready=version_when_ready,
    )
    server = start_server(plan)
    return Started(
        url=f"redis://127.0.0.1:{server.port}/0",
        version=server.version,
        source=source,
        end=server.kept.end,
        switch=ProcessSwitch(plan, server),
    )


def version_when_ready(port: int, pid: int) -> str | None:
    """The version, once the process with this id answers: the port may be another Redis's by now."""
    facts = ask_if_up(f"redis://127.0.0.1:{port}/0")
    return facts.version if facts and facts.process_id == pid else None
