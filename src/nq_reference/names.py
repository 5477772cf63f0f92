"""Names of queues, jobs and prefixes: one policy for every backend (SEC-01 to SEC-04)."""

from __future__ import annotations

from nq_conformance.contract import InvalidJobError

MAX_NAME_BYTES = 255
_RESERVED = {ord(c): f"%{ord(c):02X}" for c in "%{}:"} | {c: f"%{c:02X}" for c in range(32)}


def check_name(what: str, name: object) -> str:
    """Return ``name`` if it is non-empty text without NUL, of 255 UTF-8 bytes at most.

    ``what`` names it in the message. Raises ``InvalidJobError`` (question 22).
    """
    if not isinstance(name, str):
        raise InvalidJobError(f"{what} must be text, not {type(name).__name__}: {name!r}")
    if not name:
        raise InvalidJobError(f"{what} must not be empty")
    if "\0" in name:
        raise InvalidJobError(f"{what} must not contain NUL: {name!r}")
    try:
        size = len(name) if name.isascii() else len(name.encode())
    except UnicodeEncodeError:
        raise InvalidJobError(f"{what} has a lone surrogate, which UTF-8 can't hold: {name!r}") from None
    if size > MAX_NAME_BYTES:
        raise InvalidJobError(f"{what} has {size} UTF-8 bytes, the limit is {MAX_NAME_BYTES}: {name[:40]!r}…")
    return name


def is_name(name: object) -> bool:
    """Whether ``check_name`` would let ``name`` pass, so that something may be called so (QRY-01)."""
    try:
        check_name("name", name)
    except InvalidJobError:
        return False
    return True


def escape(name: str) -> str:
    """Percent-encode what separates the parts of a key, so that two names never meet in one.

    Case and unicode form are left as they are: ``A`` and ``a`` stay distinct (SEC-04).
    """
    return name.translate(_RESERVED)
