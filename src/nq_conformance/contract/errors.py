"""Errors that the contract names.

An adapter may raise its own types. The kit then goes by what an error says, not by its
class: a closed error is any error whose type or message says 'closed', an unrecoverable
one any whose type is so named or that has a true ``unrecoverable`` attribute.
"""

from __future__ import annotations


class QueueError(Exception):
    """Base of the errors an adapter raises on purpose."""


class ClosedError(QueueError):
    """A call on a provider or manager after its close (LIFE-03)."""


class InvalidJobError(QueueError, ValueError):
    """A name, option or payload that the contract refuses at enqueue (ENQ-13 to ENQ-16)."""


class InvalidQueryError(QueueError, ValueError):
    """A query with an unknown state or a negative number (QRY-06)."""


class InvalidWorkerError(QueueError, ValueError):
    """Worker options or a handler that can't be registered (CON-03)."""


class InvalidScheduleError(QueueError, ValueError):
    """A pattern that is malformed or never matches, or a zone that is unknown (SCH-07)."""


class UnsupportedError(QueueError, NotImplementedError):
    """A feature of the contract that this adapter can't offer; never silently ignored (SCH-07)."""


class UnrecoverableError(Exception):
    """Raised by a handler: fail this job at once, whatever attempts it has left (RTY-09)."""

    unrecoverable = True
