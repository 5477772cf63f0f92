"""The Redis that the user names by a URL: checked, used, and never stopped or flushed."""

from __future__ import annotations

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.redis.client import ask
from nq_conformance.services.urls import redacted, without_secrets

SCHEMES = ("redis", "rediss", "unix")
ANSWER_BUDGET_S = 5.0


def check(url: str) -> Started:
    """The given server, which has just answered PING.

    Raises UnavailableError, which shows no password: an unknown scheme, a malformed URL, or no answer.
    """
    from redis import RedisError  # noqa: PLC0415 - optional

    if url.partition("://")[0] not in SCHEMES:
        wanted = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise UnavailableError(
            f"{without_secrets(url)} is no address of a Redis", f"give a URL that starts with one of {wanted}"
        )
    try:
        facts = ask(url, ANSWER_BUDGET_S)
    except (ValueError, TypeError):
        # The library's own words may hold a piece of a password that was not escaped.
        raise UnavailableError(
            f"the URL {without_secrets(url)} is malformed",
            "write it as redis://[USER:PASSWORD@]HOST:PORT/DATABASE, with special characters %-escaped",
        ) from None
    except (RedisError, OSError) as error:
        raise UnavailableError(
            f"no PING was answered at {without_secrets(url)} ({redacted(str(error), url)})",
            "start that server, or correct host, port, user, password or TLS in the URL",
        ) from None
    return Started(url, facts.version or "(version unknown)", source="", end=lambda: None)
