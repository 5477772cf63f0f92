"""The machine's own speed: round trips of a blocking socket to the server. What no client can beat alone."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

ROUND_TRIPS = 5_000


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
