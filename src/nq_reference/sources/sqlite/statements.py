"""The SQL, from its files. What a statement does, takes and returns stands at the head of its file."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def statement(verb: str) -> str:
    """The statement in ``sql/<verb>.sql``, without its head; the connection keeps it prepared."""
    return _bare((_folder() / f"{verb}.sql").read_text("utf-8"))


@cache
def migrations() -> list[list[str]]:
    """The statements of each step from an empty file to the tables of this version, in order."""
    files = sorted((_folder() / "migrations").iterdir(), key=lambda file: file.name)
    texts = (file.read_text("utf-8") for file in files if file.name.endswith(".sql"))
    return [[part.strip() for part in _bare(text).split(";")] for text in texts]


def _folder() -> resources.abc.Traversable:
    return resources.files(__package__) / "sql"


def _bare(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
