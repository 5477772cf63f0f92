"""What is wrong with the address of a server, told before its client stumbles over it.

An address may hold a password, and in one that is malformed nobody knows where it is. So no part of
an address is ever shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_REDIS = ("redis", "rediss", "unix")
_POSTGRES = ("postgresql", "postgres")
_REDIS_NUMBERS: Mapping[str, type[int | float]] = {
    "db": int,
    "health_check_interval": int,
    "max_connections": int,
    "protocol": int,
    "socket_connect_timeout": float,
    "socket_timeout": float,
    "timeout": float,
}
_PORT = "its port is no number from 0 to 65535"
_HOST = "its host can't be read"


class _MalformedError(ValueError):
    """Says what is wrong, in words of our own: what the standard library says may quote the address."""


def redis_problem(address: str) -> str | None:
    """What keeps redis-py from taking ``address``, and what to write instead; ``None`` if it is sound."""
    try:
        _check_redis(_split(address, _REDIS))
    except _MalformedError as error:
        return _sentence(error, "redis://user:password@host:6379/0")
    return None


def postgres_problem(address: str) -> str | None:
    """What keeps asyncpg from taking ``address``, and what to write instead; ``None`` if it is sound."""
    if not address:  # asyncpg goes by PGHOST and its like then
        return None
    try:
        _check_postgres(_split(address, _POSTGRES))
    except _MalformedError as error:
        return _sentence(error, "postgresql://user:password@host:5432/database")
    return None


def _sentence(error: _MalformedError, form: str) -> str:
    return (
        f"is no address of a server: {error}; write {form}, with @ : / ? # % in the user's name or the "
        "password as %40 %3A %2F %3F %23 %25"
    )


def _split(address: str, schemes: Sequence[str]) -> SplitResult:
    if address.partition("://")[0].lower() not in schemes or "://" not in address:
        raise _MalformedError(f"it begins with none of {', '.join(f'{each}://' for each in schemes)}")
    try:
        return urlsplit(address)
    except ValueError:
        raise _MalformedError(_HOST) from None


def _check_redis(parts: SplitResult) -> None:
    try:
        _ = parts.port if parts.scheme != "unix" else None
    except ValueError:
        raise _MalformedError(_PORT) from None
    for name, (value, *_) in parse_qs(parts.query).items():
        try:
            _REDIS_NUMBERS.get(name, str)(value)
        except ValueError:
            raise _MalformedError(f"{name} in it is no number") from None


def _check_postgres(parts: SplitResult) -> None:
    try:
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise _MalformedError("what follows its ? is not name=value, joined by &") from None
    hosts = parts.netloc.partition("@")[2] if "@" in parts.netloc else parts.netloc
    if "@" in hosts:
        raise _MalformedError("it has more than one @")
    for listed in (hosts, *query.get("host", ())):
        for host in listed.split(",") if listed else ():
            _check_host(host)
    for listed in query.get("port", ()):
        for port in listed.split(","):
            _check_port(port)


def _check_host(host: str) -> None:
    """One of a list, as ``name:port``, ``[address]:port`` or the folder of a socket."""
    if host.startswith("/"):
        return
    found = re.fullmatch(r"(?:\[[^\]]+\]|[^\[:][^:]*|(?=:))(?::(.*))?", host)
    if found is None:
        raise _MalformedError(_HOST)
    _check_port(unquote(found[1] or ""))


def _check_port(port: str) -> None:
    if port and not (port.isdecimal() and int(port) <= 65535):
        raise _MalformedError(_PORT)
