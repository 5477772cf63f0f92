"""Tells a stdout that nobody reads any more from other pipes that break, such as a backend's connection."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


class OutputClosedError(BrokenPipeError):
    """Whoever read stdout has gone."""


@contextmanager
def watched_output() -> Iterator[None]:
    """In this context, writing to a stdout that nobody reads any more raises ``OutputClosedError``."""
    with contextlib.redirect_stdout(cast("TextIO", _Watched(sys.stdout))):
        yield


class _Watched:
    """A stream that raises ``OutputClosedError``, and is in all else the stream that it is given."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosedError(*error.args) from None
