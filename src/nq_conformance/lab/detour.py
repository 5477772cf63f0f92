"""The address of a server, led through a proxy on this machine: where that can be done, and how.

A proxy tells something of an adapter only if all adapters come to the server through it: one that
is given a socket's file would go there directly, and one that checks a certificate would not talk
to 127.0.0.1.
"""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit

from nq_conformance.services.urls import without_secrets
from nq_conformance.violation import Inconclusive

_REDIS: Final = ("redis", "rediss")
_POSTGRES: Final = ("postgresql", "postgres")
_PLACES: Final = frozenset({"host", "hostaddr", "port", "service"})
"""Parameters of an address that say, or say otherwise, where the server is."""
_GIVE: Final = "give redis://HOST:PORT/DATABASE or postgresql://HOST:PORT/DATABASE"


def target_of(address: str) -> tuple[str, int]:
    """Host and port of the server at ``address``, a URL of Redis or a DSN of Postgres.

    Raises ``Inconclusive``, which shows no password, unless a proxy before it lies in everybody's way.
    """
    parts = urlsplit(address)
    place, asked = _place(parts), _parameters(parts)
    if place is None or _PLACES & asked.keys():
        raise _not_before(address, f"it does not name one host and port that all clients go to: {_GIVE}")
    if _checks_certificate(parts.scheme, asked):
        raise _not_before(
            address,
            f"clients check the server's certificate, which is not the proxy's: {_GIVE}, or with TLS that "
            "checks none: ?ssl_cert_reqs=none or ?sslmode=require",
        )
    return place


def led_through(address: str, port: int) -> str:
    """The same address by way of ``port`` of 127.0.0.1."""
    parts = urlsplit(address)
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}"))


def _place(parts: SplitResult) -> tuple[str, int] | None:
    """Host and port that clients connect to over TCP; ``None`` for a socket's file, for several hosts and
    for what is left to the client."""
    if parts.scheme not in (*_REDIS, *_POSTGRES) or not parts.hostname or set(parts.hostname) & {"%", ","}:
        return None
    # clients of Postgres have a default in their environment
    default = (os.environ.get("PGPORT") or 5432) if parts.scheme in _POSTGRES else 6379
    try:
        return parts.hostname, parts.port or int(default)
    except ValueError:
        return None


def _parameters(parts: SplitResult) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(parts.query).items()}


def _checks_certificate(scheme: str, asked: dict[str, str]) -> bool:
    if scheme in _REDIS:
        return scheme == "rediss" and asked.get("ssl_cert_reqs") != "none"
    mode = asked.get("sslmode") or os.environ.get("PGSSLMODE", "")
    return mode.startswith("verify-") or asked.get("sslrootcert") == "system"


def _not_before(address: str, why: str) -> Inconclusive:
    return Inconclusive(f"the kit can't put a proxy before {without_secrets(address)}, as {why}")
