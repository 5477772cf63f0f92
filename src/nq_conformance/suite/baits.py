"""Payloads that would make a folder if somebody evaluated, formatted, rendered or unpickled them.

A folder, because that is seen in whatever process it happens. Each bait has its own.
"""

from __future__ import annotations

import base64
import os
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Bait:
    """``value`` is the payload, ``trap`` the folder that shows that it was taken, ``by`` how."""

    by: str
    trap: Path
    value: Any

    @property
    def taken(self) -> bool:
        """Whether the folder is there."""
        return self.trap.exists()


@dataclass(frozen=True, slots=True)
class _Call:
    """Pickles as the call ``os.mkdir(folder)``."""

    folder: str

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (self.folder,)


class PickledText(str):
    """Text like any other to JSON, and to who pickles it a call of ``os.mkdir`` when it is unpickled."""

    __slots__ = ("folder",)
    folder: str

    @classmethod
    def of(cls, folder: Path) -> PickledText:
        """A text that makes ``folder``."""
        text = cls("plain text")
        text.folder = str(folder)
        return text

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (self.folder,)

    def __copy__(self) -> str:
        return str(self)

    def __deepcopy__(self, memo: dict[int, object]) -> str:
        return str(self)


@dataclass(slots=True)
class _Traps:
    """Folders that are not there yet, one for each bait."""

    root: Path
    number: int = 0
    made: list[Bait] = field(default_factory=list)

    def bait(self, by: str, of: Callable[[str], Any]) -> Bait:
        self.number += 1
        trap = self.root / f"trap{self.number}"
        return Bait(by, trap, of(str(trap)))


def baits(root: Path) -> Iterator[Bait]:
    """One of each kind; their folders are to be made in ``root``, which exists."""
    traps = _Traps(root)
    for by, of in (*_TEXTS, *_OBJECTS, *_PICKLES):
        yield traps.bait(by, of)


def pickled(root: Path) -> Bait:
    """A payload of a class of its own, which acts only if it is pickled and unpickled."""
    trap = root / "trap-pickled"
    return Bait("unpickling", trap, {"text": [PickledText.of(trap)]})


def _python(trap: str) -> str:
    return f'__import__("os").mkdir("{trap}")'


_TEXTS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("eval", _python),
    ("eval of a mapping", lambda trap: f'{{"a": {_python(trap)}}}'),
    ("exec", lambda trap: f"import os\nos.mkdir({trap!r})\n"),
    ("an f-string", lambda trap: f"{{{_python(trap)}}}"),
    ("a template", lambda trap: f"{{{{ {_python(trap)} }}}} ${{{_python(trap)}}} <%= {_python(trap)} %>"),
    ("a shell", lambda trap: f'"; mkdir {trap}; $(mkdir {trap}) `mkdir {trap}` #'),
    ("a YAML loader", lambda trap: f'!!python/object/apply:os.mkdir ["{trap}"]'),
    ("JavaScript's eval", lambda trap: f'(function(){{require("fs").mkdirSync("{trap}")}})()'),
    ("a formula", lambda trap: f"={_python(trap)}"),
)
_OBJECTS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("jsonpickle", lambda trap: {"py/reduce": [{"py/function": "os.mkdir"}, {"py/tuple": [trap]}]}),
    ("jsonpickle, as a repr", lambda trap: {"py/repr": f"os/{_python(trap)}"}),
    ("a class hint", lambda trap: {"__class__": "os.mkdir", "__type__": "os.mkdir", "args": [trap]}),
    ("a reduce hint", lambda trap: {"__reduce__": ["os.mkdir", [trap]], "$function": _python(trap)}),
    (
        "node-serialize",
        lambda trap: {"rce": f'_$$ND_FUNC$$_function(){{require("fs").mkdirSync("{trap}")}}()'},
    ),
)
_PICKLES: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("unpickling a text", lambda trap: pickle.dumps(_Call(trap), protocol=0).decode("ascii")),
    ("unpickling base64", lambda trap: base64.b64encode(pickle.dumps(_Call(trap))).decode()),
    ("unpickling hex", lambda trap: {"data": pickle.dumps(_Call(trap)).hex()}),
)
