"""A service that runs, and what is told of it in a run's header and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from nq_conformance.services.errors import Attempt
from nq_conformance.services.urls import without_secrets


class Switch(Protocol):
    """Takes a server down and brings it back, at the same address. Both block until it is so.

    What it holds outlasts that only if the server was started to keep it.
    """

    def off(self) -> None:
        """End the server; raises ServiceError if it does not end."""

    def on(self) -> None:
        """Run it again, and return when it answers; raises ServiceError or UnavailableError."""


@dataclass(frozen=True, slots=True)
class Started:
    """What a candidate hands over: an address that answers, and how to end what is behind it.

    ``source`` says in a few words what was started (``container redis:7``). ``real`` is False
    for an imitation, whose verdicts a report must mark. ``end`` is called at most once. ``switch``
    is None for what is not the kit's to stop.
    """

    url: str = field(repr=False)
    version: str
    source: str
    end: Callable[[], None]
    real: bool = True
    switch: Switch | None = None


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A running service: where it is, what it is, and which better-loved candidates were passed over.

    ``kind`` is one of url, container, local, embedded, fake; ``source`` says in a few words what
    exactly was started. ``url`` may hold a password and is therefore left out of the repr;
    ``describe`` is safe to print.
    """

    service: str
    kind: str
    url: str = field(repr=False)
    version: str
    skipped: tuple[Attempt, ...] = ()
    real: bool = True
    source: str = ""

    def describe(self) -> str:
        """One line for a run's header, without any password."""
        kind = self.kind if self.real else f"{self.kind}, not a real server"
        source = f": {self.source}" if self.source else ""
        line = f"{self.service} {self.version} ({kind}{source}) at {without_secrets(self.url)}"
        skipped = "; ".join(f"no {attempt.kind}: {attempt.short_reason}" for attempt in self.skipped)
        return f"{line} [{skipped}]" if skipped else line


class RunningService(Protocol):
    """A service for the length of a run."""

    @property
    def info(self) -> ServiceInfo:
        """What runs, and where."""

    @property
    def switch(self) -> Switch | None:
        """What takes the server down for a while; None if it is not the kit's to stop."""

    def stop(self) -> None:
        """End what was started and remove its files; again: nothing. A given server is left alone."""


class StartedService:
    """The one RunningService: a description, and a way to end it that is used once."""

    def __init__(self, info: ServiceInfo, end: Callable[[], None], switch: Switch | None = None) -> None:
        self._info = info
        self._switch = switch
        self._end: Callable[[], None] | None = end

    @property
    def info(self) -> ServiceInfo:
        """What runs, and where; still readable after ``stop``."""
        return self._info

    @property
    def switch(self) -> Switch | None:
        """See ``RunningService.switch``."""
        return self._switch

    def stop(self) -> None:
        """End the service, once.

        Raises ServiceError if something of it is left behind; the message names it.
        """
        end, self._end = self._end, None
        if end is not None:
            end()
