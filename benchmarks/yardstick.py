"""The machine's own speed: what no client can beat alone."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

ROUND_TRIPS = 5_000
SYNCS = 2_000


def round_trips(url: str) -> float:
    """PINGs a second, one after the other, over a plain blocking socket."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 6379), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for _ in range(ROUND_TRIPS):
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            connection.recv(64)
        return ROUND_TRIPS / (time.perf_counter() - began)


def syncs(path: Path) -> float:
    """Appends of 100 bytes a second to the file ``path``, each followed by an fdatasync."""
    sync = getattr(os, "fdatasync", os.fsync)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        began = time.perf_counter()
        for _ in range(SYNCS):
            os.write(file, b"x" * 100)
            sync(file)
        return SYNCS / (time.perf_counter() - began)
    finally:
        os.close(file)
        path.unlink()
