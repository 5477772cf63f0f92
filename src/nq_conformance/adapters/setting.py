"""Where an adapter under test is to work, and what it is to use there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nq_conformance.contract import EventManager, FlowEngine, StateProvider


class Service(StrEnum):
    """What the kit must provide for an adapter."""

    NONE = "none"
    REDIS = "redis"
    POSTGRES = "postgres"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Setting:
    """One test's place, made by the kit; an adapter reads from it what it needs.

    ``url`` is set for ``Service.REDIS`` (``redis://host:port/db``), ``dsn`` for
    ``Service.POSTGRES``, ``directory`` (existing and empty) for ``Service.DIRECTORY``.
    ``namespace`` is unique to the test, made of ``[a-z0-9_]`` and at most 40 characters
    long, so that it serves as key prefix, schema or folder name; what is stored under it
    is removed after the test. ``events``, ``state`` and ``flow`` belong to the manager.
    """

    namespace: str
    events: EventManager
    state: StateProvider
    flow: FlowEngine
    url: str | None = None
    dsn: str | None = None
    directory: Path | None = None
