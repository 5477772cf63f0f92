"""Sessions that are ended by the server, as an operator or a failover does; new ones are accepted.

To a client that is no broken wire: Postgres says first that it ends the session, and Redis hangs up
in good order. Only the sessions of one test are ended, whoever else uses the server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio

from nq_conformance.adapters import Setting
from nq_conformance.services import end_postgres_sessions, end_redis_sessions, redis_user
from nq_conformance.violation import Inconclusive

T = TypeVar("T")


class Sessions:
    """The sessions of those who use ``setting``."""

    def __init__(self, setting: Setting, end: Callable[[], int]) -> None:
        self.setting = setting
        self._end = end

    async def end(self) -> int:
        """End all that are open, and say how many. Raises ``Inconclusive`` if there is none or the
        server does not obey."""
        ended = await _asked(self._end)
        if not ended:
            raise Inconclusive(
                "the server knows of no session of the adapter: it does not connect as it is told"
            )
        return ended


@asynccontextmanager
async def sessions_of(setting: Setting) -> AsyncIterator[Sessions]:
    """A setting like this one, whose sessions can be ended.

    Raises ``Inconclusive`` where they can't be told from those of others.
    """
    if setting.dsn is not None:
        yield Sessions(setting, partial(end_postgres_sessions, setting.dsn))
        return
    assert setting.url is not None, "only an adapter with a server has sessions"
    async with _entered(redis_user(setting.url, setting.namespace)) as url:
        yield Sessions(replace(setting, url=url), partial(end_redis_sessions, setting.url, setting.namespace))


@asynccontextmanager
async def _entered(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    with ExitStack() as stack:
        yield await _asked(lambda: stack.enter_context(manager))


async def _asked(question: Callable[[], T]) -> T:
    try:
        return await anyio.to_thread.run_sync(question)
    except Exception as error:  # the client library's, which the kit does not load by itself
        raise Inconclusive(f"the server does not let the kit end sessions of one test: {error}") from error
