"""A prefix as part of a file's name. Queues have no files, so their names never get near a path."""

from __future__ import annotations

import hashlib
from string import ascii_lowercase, digits

_PLAIN = frozenset(f"{ascii_lowercase}{digits}_-".encode())
_MOST = 100


def file_stem(prefix: str) -> str:
    """``prefix`` as a file name's stem: distinct for each, also where case does not count (SEC-04)."""
    stem = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in prefix.encode())
    if len(stem) <= _MOST:
        return stem
    return f"{stem[: _MOST // 2]}%{hashlib.sha256(prefix.encode()).hexdigest()}"
