"""The ``StateProvider`` over any keeper of texts: exact JSON, one rule for keys."""

from __future__ import annotations

from abc import abstractmethod

from nq_conformance.contract import InvalidJobError, JSONValue
from nq_reference import codec
from nq_reference.resource import Resource

MAX_KEY_BYTES = 2_000
"""What an index of Postgres takes, and the same for all."""


class JsonState(Resource):
    """Implements ``StateProvider``; backends keep texts under keys.

    A key is non-empty text without NUL of up to ``MAX_KEY_BYTES`` UTF-8 bytes, a value anything
    that JSON can hold; ``InvalidJobError`` says what else it was. A missing key is ``None``, as a
    key with the value ``None`` is. Nothing expires: who no longer needs a key deletes it.
    """

    async def get(self, key: str) -> JSONValue:
        """See ``StateProvider``. Every call has a value of its own (CTX-02)."""
        text = await self._read(self._checked(key))
        value: JSONValue = None if text is None else codec.decode(text)
        return value

    async def set(self, key: str, value: JSONValue) -> None:
        """See ``StateProvider``."""
        await self._write(self._checked(key), codec.encode(value, "the value"))

    async def delete(self, key: str) -> None:
        """See ``StateProvider``."""
        await self._drop(self._checked(key))

    def _checked(self, key: str) -> str:
        self._refuse_closed()
        return checked_key(key)

    @abstractmethod
    async def _read(self, key: str) -> str | None: ...

    @abstractmethod
    async def _write(self, key: str, text: str) -> None: ...

    @abstractmethod
    async def _drop(self, key: str) -> None: ...


def checked_key(key: object) -> str:
    """``key``, if it can be one in every backend; raises ``InvalidJobError``."""
    if not isinstance(key, str) or not key or "\0" in key:
        raise InvalidJobError(f"a key of state must be text that is not empty and has no NUL, not {key!r}")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise InvalidJobError(
            f"a key of state has a lone surrogate, which UTF-8 can't hold: {key!r}"
        ) from None
    if size > MAX_KEY_BYTES:
        raise InvalidJobError(
            f"a key of state has {size} UTF-8 bytes with its flow's id, "
            f"the limit is {MAX_KEY_BYTES}: {key[:40]!r}…"
        )
    return key
