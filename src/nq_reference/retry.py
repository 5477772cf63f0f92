"""What becomes of a job whose attempt failed. Pure; the engine asks, the source obeys."""

from __future__ import annotations

from nq_conformance.contract import Backoff, JobOptions
from nq_reference.validation import MAX_DELAY_MS


def will_retry(opts: JobOptions, attempt: int, error: BaseException) -> bool:
    """Whether another attempt follows failed attempt number ``attempt``, counted from 1.

    ``attempts=0`` counts as 1 (RTY-01); an unrecoverable error ends the job (RTY-09).
    """
    return attempt < opts.attempts and not is_unrecoverable(error)


def is_unrecoverable(error: BaseException) -> bool:
    """Whether ``error`` says so, by a true ``unrecoverable`` or by the name of one of its classes."""
    if getattr(error, "unrecoverable", False) is True:
        return True
    return any(kind.__name__ == "UnrecoverableError" for kind in type(error).__mro__)


def backoff_ms(backoff: Backoff | None, attempt: int) -> int:
    """How long to rest after failed attempt ``attempt``: ``delay``, or ``delay * 2**(attempt-1)``.

    Finite for any ``attempt`` (RTY-05): capped at ``MAX_DELAY_MS``.
    """
    if backoff is None:
        return 0
    if backoff.type == "fixed":
        return backoff.delay
    doublings = min(attempt - 1, MAX_DELAY_MS.bit_length())
    return min(backoff.delay << doublings, MAX_DELAY_MS)


def kept(remove: bool | int) -> int | None:
    """How many jobs a ``remove_on_…`` option lets stay: ``None`` all, 0 none (RTY-11, RTY-12)."""
    if remove is True:
        return 0
    return None if remove is False else remove
