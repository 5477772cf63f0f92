"""What a worker's file says about itself, as plain values; the readers of each language make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class UnreadableError(Exception):
    """A file whose configuration can't be read without running it; a ``line`` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class Written:
    """The configuration as it is written, empty if there is none, and the ``line`` it begins at.

    ``lines`` has the line of each option, by the keys that lead there.
    """

    path: Path
    line: int = 1
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    has_handler: bool = True

    def place(self, *keys: str) -> str:
        """``path:line`` of the option at ``keys``, or of the nearest around it that is written."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return f"{self.path}:{self.lines.get(keys, self.line)}"
