"""The SQL, read from its files, with ``nq.`` in them made into the schema of a source.

What a statement or function does, takes and returns stands at the head of its file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from nq_conformance.contract import QueueError
from nq_reference.names import check_name

_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}")
_PLACEHOLDER = re.compile(r"\bnq\.")


@dataclass(frozen=True, slots=True)
class Migration:
    """A step from one form of the schema to the next; it is applied once and never changed."""

    number: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Statements:
    """The SQL of one schema."""

    schema: str

    @classmethod
    def of(cls, schema: str) -> Statements:
        """Those of ``schema``. Raises ``QueueError`` for a name that would need care in a statement."""
        if not _SCHEMA.fullmatch(check_name("schema", schema)):
            raise QueueError(
                f"schema must be a letter or _, then letters, digits, _, up to 48, not {schema!r}"
            )
        return cls(schema)

    @property
    def channel(self) -> str:
        """The channel of this schema's notifications."""
        return self.placed("nq.channel")

    def verb(self, name: str) -> str:
        """The statement in ``sql/<name>.sql``."""
        return _verb(self.schema, name)

    def migrations(self) -> list[Migration]:
        """All migrations, by number."""
        return [Migration(number, name, self.placed(text)) for number, name, text in _migrations()]

    def placed(self, text: str) -> str:
        """``text`` with this schema in it."""
        return _placed(text, self.schema)


@cache
def _verb(schema: str, name: str) -> str:
    text = (resources.files(__package__) / "sql" / f"{name}.sql").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return _placed("\n".join(lines).strip(), schema)


@cache
def _migrations() -> list[tuple[int, str, str]]:
    folder = resources.files(__package__) / "sql" / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda f: f.name)
    return [(int(f.name[:4]), f.name[5:-4], f.read_text("utf-8")) for f in files]


def _placed(text: str, schema: str) -> str:
    return _PLACEHOLDER.sub(f'"{schema}".', text)
