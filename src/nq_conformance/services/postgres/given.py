"""The Postgres that the user names by a DSN: checked, used, and never stopped."""

from __future__ import annotations

from nq_conformance.services.errors import UnavailableError
from nq_conformance.services.info import Started
from nq_conformance.services.postgres.client import OLDEST, Facts, ask
from nq_conformance.services.urls import redacted, without_secrets

SCHEMES = ("postgresql", "postgres")
ANSWER_BUDGET_S = 5.0


def check(dsn: str) -> Started:
    """The given server, which has just answered.

    Raises UnavailableError, which shows no password: an unknown scheme, a malformed DSN, no answer,
    or a server that is too old.
    """
    if dsn.partition("://")[0] not in SCHEMES:
        wanted = " or ".join(f"{scheme}://" for scheme in SCHEMES)
        raise UnavailableError(
            f"{without_secrets(dsn)} is no address of a Postgres", f"give a DSN that starts with {wanted}"
        )
    facts = _ask(dsn)
    if facts.major < OLDEST:
        raise UnavailableError(
            f"the server at {without_secrets(dsn)} is Postgres {facts.version}",
            f"name one of version {OLDEST} or later",
        )
    return Started(dsn, facts.version, source="", end=lambda: None)


def _ask(dsn: str) -> Facts:
    import asyncpg  # noqa: PLC0415 - optional

    where = without_secrets(dsn)
    try:
        return ask(dsn, ANSWER_BUDGET_S)
    except (asyncpg.PostgresError, asyncpg.InternalClientError, OSError) as error:
        said = redacted(str(error), dsn) or type(error).__name__
        raise UnavailableError(
            f"no answer at {where} ({said})",
            "start that server, or correct host, port, user, password, database or TLS in the DSN",
        ) from None
    except (ValueError, TypeError, asyncpg.InterfaceError):
        # The library's own words may hold a piece of a password that was not escaped.
        raise UnavailableError(
            f"the DSN {where} is malformed",
            "write it as postgresql://[USER:PASSWORD@]HOST:PORT/DATABASE, with special characters %-escaped",
        ) from None
