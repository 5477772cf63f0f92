"""A Postgres program of this machine, whatever it was found by: how it is set up, and when it is ready."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from pathlib import Path

from nq_conformance.services.info import Started
from nq_conformance.services.keeper import Conditions
from nq_conformance.services.postgres.client import SERVICE, ask_if_up, make_dsn, postmaster_if_up
from nq_conformance.services.postgres.unprivileged import OURSELVES, Guise, guise_for
from nq_conformance.services.server_process import ProcessSwitch, ServerPlan, start_server

READY_BUDGET_S = 60.0
DATA = "data"
MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
LEAST_MEMORY = 1 << 30
"""Bytes that must be free there: a new database has 7 MB, and a run leaves logs of up to 256 MB."""
SECRET_FILE = "password"  # noqa: S105 - the file's name
THROW_AWAY = tuple(
    word
    for setting in (
        "fsync=off",  # commits still wait for the kernel, so that a killed server loses nothing
        "full_page_writes=off",
        "max_connections=300",
        "wal_level=minimal",
        "max_wal_senders=0",
        "max_wal_size=256MB",
    )
    for word in ("-c", setting)
)
"""Settings for data that may be gone when the machine is."""


def start_program(folder: Path, source: str, settings: tuple[str, ...] = THROW_AWAY) -> Started:
    """Run the ``postgres`` in ``folder`` on new data made by the ``initdb`` there.

    ``source`` tells where it came from, ``settings`` are words for its command line.
    Raises UnavailableError with the end of its log if it does not come up, or if it would have to
    run as root.
    """
    program = str(folder / "postgres")
    password = secrets.token_hex(16)
    guise = guise_for(program) if os.geteuid() == 0 else OURSELVES

    def version_when_ready(port: int, pid: int) -> str | None:
        """Once the process with this id answers: the port may be another Postgres's by now."""
        dsn = make_dsn("127.0.0.1", port, password)
        facts = ask_if_up(dsn) if postmaster_if_up(dsn) == pid else None
        return facts.version if facts else None

    plan = ServerPlan(
        service=SERVICE,
        program=program,
        command=lambda port: (*guise.command, program, "-D", DATA, *_listening_on(port), *settings),
        version_when_ready=version_when_ready,
        conditions=_conditions(folder, guise),
        secret=password,
    )
    server = start_server(plan, READY_BUDGET_S)
    return Started(
        url=make_dsn("127.0.0.1", server.port, password),
        version=server.version,
        source=source,
        end=server.kept.end,
        switch=ProcessSwitch(plan, server, READY_BUDGET_S),
    )


def _listening_on(port: int) -> tuple[str, ...]:
    return ("-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")


def _conditions(folder: Path, guise: Guise) -> Conditions:
    initdb = (
        *(*guise.command, str(folder / "initdb"), "-D", DATA, "--username=postgres", "--no-sync"),
        # The way is loopback, and a hashed password would cost each connection milliseconds.
        *("--auth-host=password", "--auth-local=reject", f"--pwfile={SECRET_FILE}"),
        *("--encoding=UTF8", "--no-locale"),
    )
    # SIGTERM would wait for the clients to go.
    return Conditions((initdb,), guise.user, SECRET_FILE, signal.SIGINT, _folder_in_memory())


def _folder_in_memory() -> str:
    """Where there is room for files in memory, else '': a database for each test is made and dropped
    there five times as fast as on a disk. It lasts as long as the machine, as everything here."""
    if not os.access(MEMORY, os.W_OK | os.X_OK) or shutil.disk_usage(MEMORY).free < LEAST_MEMORY:
        return ""
    return str(MEMORY)
