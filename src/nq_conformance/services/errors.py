"""What can go wrong with a service, as data and in words; always the environment's fault."""

from __future__ import annotations

from dataclasses import dataclass

LOG_TAIL_LINES = 15
_LOG_FOLLOWS = ". The end of its log:"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way to the service that led nowhere: which, why not, and what to do about it."""

    kind: str
    reason: str
    remedy: str

    @property
    def short_reason(self) -> str:
        """The reason's first line, without the server's log that may follow it."""
        return self.reason.partition("\n")[0].removesuffix(_LOG_FOLLOWS)

    def __str__(self) -> str:
        return f"{self.reason}\n    What to do: {self.remedy}"


class UnavailableError(Exception):
    """A candidate's own word that it has no server to offer; ``resolve`` turns it into an Attempt."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class ServiceError(Exception):
    """The run has no service, or one that could not be ended: the environment's fault, no adapter's.

    ``service`` is its name (``redis``); ``tried`` are the ways tried, in order.
    """

    def __init__(self, message: str, *, service: str, tried: tuple[Attempt, ...] = ()) -> None:
        super().__init__(message)
        self.service = service
        self.tried = tried


def with_log(reason: str, log: str) -> str:
    """``reason``, followed by the last lines of a server's log if it has any."""
    lines = log.splitlines()[-LOG_TAIL_LINES:]
    return "\n".join([reason + _LOG_FOLLOWS, *(f"      {line}" for line in lines)]) if lines else reason
