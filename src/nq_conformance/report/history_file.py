"""A history as a file: JSON Lines, a header and then one entry a line.

The schema of a line is ``schema/history-1.json``. A change that a reader could trip over makes a
new ``schemaVersion``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from nq_conformance import __version__
from nq_conformance.history import ENTRY_KINDS, Entry

SCHEMA_VERSION: Final = 1
FORMAT: Final = "nq-conformance history"
_KEYS: Final = {
    "atMs": (int, float),
    "kind": str,
    "label": str,
    "queue": (str, type(None)),
    "jobId": (str, type(None)),
    "text": str,
    "facts": dict,
}
_FACTS: Final = {
    "process": (str, type(None)),
    "outcome": str,
    "error": str,
    "beganMs": (int, float),
    "manager": int,
    "state": (str, type(None)),
    "unfinished": int,
    "finished": int,
    "run": int,
}
"""The facts that checkers reckon with; the others may be anything, as a test may have handed it in."""
_WORDS: Final = {"atMs": "a number", "facts": "an object", "beganMs": "a number"}
_REQUIRED: Final = ("atMs", "kind", "label")


class HistoryError(Exception):
    """A history can't be read or written; the message names file, line and what is wrong."""


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a line."""
    file = resources.files("nq_conformance.report") / "schema" / f"history-{SCHEMA_VERSION}.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def lines_of(entries: Iterable[Entry], about: Mapping[str, str]) -> Iterable[str]:
    """The lines of a file, without their ends; ``about`` says where the history comes from."""
    yield json.dumps(
        {"format": FORMAT, "schemaVersion": SCHEMA_VERSION, "kit": __version__, "about": dict(about)}
    )
    for entry in entries:
        yield json.dumps(
            {
                "atMs": round(entry.at_ms, 3),
                "kind": entry.kind,
                "label": entry.label,
                "queue": entry.queue,
                "jobId": entry.job_id,
                "text": entry.text,
                "facts": dict(entry.facts),
            }
        )


def write_history(file: Path, entries: Iterable[Entry], about: Mapping[str, str]) -> None:
    """Write a history, over an older one; raises ``HistoryError`` if it can't be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines_of(entries, about)), encoding="utf-8")
    except (OSError, TypeError, ValueError) as error:  # the latter two: a value that JSON does not have
        raise HistoryError(f"The history {file} can't be written: {error}") from None


def read_history(file: Path) -> Sequence[Entry]:
    """The entries of a file; raises ``HistoryError`` at the first line that is wrong."""
    try:
        lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise HistoryError(f"There is no file {file}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HistoryError(f"{file} can't be read: {error}") from None
    if lines == [""]:
        raise _wrong(file, 1, "is missing: the file is empty. It should be the header of a history")
    _check_header(file, lines[0])
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        entry = _entry(file, number, line)
        if entries and entry.at_ms < entries[-1].at_ms:
            raise _wrong(file, number, f"has atMs {entry.at_ms:g}, less than the line before")
        entries.append(entry)
    return entries


def _check_header(file: Path, line: str) -> None:
    header = _object(file, 1, line)
    if header.get("format") != FORMAT:
        raise _wrong(file, 1, f'is no header of a history: it has no "format": "{FORMAT}"')
    version = header.get("schemaVersion")
    if version != SCHEMA_VERSION:
        raise _wrong(file, 1, f"has schemaVersion {version!r}; this kit reads {SCHEMA_VERSION}")


def _entry(file: Path, number: int, line: str) -> Entry:
    values = _object(file, number, line)
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise _wrong(file, number, f"lacks {', '.join(missing)}")
    for key, value in values.items():
        if key not in _KEYS:
            raise _wrong(file, number, f"has the unknown key {key!r}. Known are {', '.join(_KEYS)}")
        _check_type(file, number, key, value, _KEYS[key])
    if values["kind"] not in ENTRY_KINDS:
        raise _wrong(file, number, f"has the kind {values['kind']!r}. Known are {', '.join(ENTRY_KINDS)}")
    for key, value in values.get("facts", {}).items():
        _check_type(file, number, key, value, _FACTS.get(key, object))
    return Entry(
        at_ms=values["atMs"],
        kind=values["kind"],
        label=values["label"],
        queue=values.get("queue"),
        job_id=values.get("jobId"),
        text=values.get("text", ""),
        facts=values.get("facts", {}),
    )


def _check_type(file: Path, number: int, key: str, value: object, wanted: Any) -> None:
    poses = isinstance(value, bool) and wanted is not object  # to Python, but to nobody else, a number
    if poses or not isinstance(value, wanted):
        word = _WORDS.get(key, "a whole number" if wanted is int else "a text")
        raise _wrong(file, number, f"has {value!r} for {key}, which should be {word}")


def _object(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise _wrong(file, number, f"is no JSON: {error}") from None
    if not isinstance(values, dict):
        raise _wrong(file, number, f"is no JSON object, but {line[:40]}")
    return values


def _wrong(file: Path, number: int, what: str) -> HistoryError:
    return HistoryError(f"{file}, line {number}: it {what}.")
