"""One rule file, read strictly: TOML in, an area and its rules out.

Everything that a rule must fulfil by itself is checked here. What rules must fulfil together
is checked in ``loading``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from nq_conformance.requirements.errors import CatalogueError
from nq_conformance.requirements.rule import (
    FLAG_CLAIMS,
    FLAGS,
    KNOWN_CAPABILITIES,
    KNOWN_SERVICES,
    LEVELS,
    Area,
    Level,
    Rule,
)

_TEXT, _TEXTS = "a non-empty text", "a list of non-empty texts"

_HEAD: Mapping[str, str] = {"area": _TEXT, "title": _TEXT, "intro": _TEXT}
_REQUIRED: Mapping[str, str] = {
    "id": _TEXT,
    "level": _TEXT,
    "sentence": _TEXT,
    "why": _TEXT,
    "fault": _TEXT,
    "flags": _TEXTS,
    "source": _TEXTS,
    "rests_on": _TEXTS,
    "hints": _TEXTS,
    "since": _TEXT,
}
_OPTIONAL: Mapping[str, str] = {
    "capabilities": _TEXTS,
    "services": _TEXTS,
    "untested": _TEXT,
    "uses": _TEXTS,
}

_Fail = Callable[[str], CatalogueError]
"""Makes the error for a problem, with its place filled in."""


def read(source: Traversable | Path) -> tuple[Area, list[Rule]]:
    """The area and the rules of one file, in the file's order. Raises ``CatalogueError``."""

    def fail(problem: str) -> CatalogueError:
        return CatalogueError(source.name, None, problem)

    table = _parse(source, fail)
    rules = table.pop("rule", None)
    if not isinstance(rules, list) or not rules or not all(isinstance(entry, dict) for entry in rules):
        raise fail("there is no rule; a file has one [[rule]] table for each of its rules.")
    head = _fields(table, _HEAD, {}, fail)
    area = Area(id=head["area"], title=head["title"], intro=head["intro"])
    if not re.fullmatch(r"[A-Z]{3,4}", area.id) or source.name != f"{area.id}.toml":
        raise fail(f"area is {area.id!r}; it must be three or four capitals, and the file's name.")
    return area, [_rule(source.name, area.id, number, entry) for number, entry in enumerate(rules, start=1)]


def _parse(source: Traversable | Path, fail: _Fail) -> dict[str, Any]:
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise fail("the file is missing; the package is incomplete.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise fail(f"this is not TOML: {error}") from error


def _rule(file: str, area: str, number: int, entry: Mapping[str, Any]) -> Rule:
    """One ``[[rule]]`` table as a value; ``number`` stands for an id that can't be read."""
    raw_id = entry.get("id")
    place = raw_id if isinstance(raw_id, str) and raw_id.strip() else f"rule number {number}"

    def fail(problem: str) -> CatalogueError:
        return CatalogueError(file, place, problem)

    values = _fields(entry, _REQUIRED, _OPTIONAL, fail)
    if not re.fullmatch(rf"{area}-\d\d", values["id"]):
        raise fail(f"id must be {area}- and two digits: the area of the file and a number.")
    _check_words(values, fail)
    return Rule(
        id=values["id"],
        area=area,
        level=cast("Level", values["level"]),
        sentence=values["sentence"],
        why=values["why"],
        fault=values["fault"],
        flags=frozenset(values["flags"]),
        capabilities=tuple(values.get("capabilities", ())),
        services=tuple(values.get("services", ())),
        source=tuple(values["source"]),
        rests_on=tuple(values["rests_on"]),
        hints=tuple(values["hints"]),
        since=values["since"],
        untested=values.get("untested"),
        uses=tuple(values.get("uses", ())),
    )


def _fields(
    table: Mapping[str, Any], required: Mapping[str, str], optional: Mapping[str, str], fail: _Fail
) -> dict[str, Any]:
    """The table's fields: none unknown, none missing, each of its kind, white space folded."""
    kinds = {**required, **optional}
    for name in table:
        if name not in kinds:
            raise fail(f"unknown field {name!r}; allowed are {', '.join(kinds)}.")
    for name in required:
        if name not in table:
            raise fail(f"field {name!r} is missing; it must be {kinds[name]}.")
    return {name: _value(name, value, kinds[name], fail) for name, value in table.items()}


def _value(name: str, value: object, kind: str, fail: _Fail) -> str | list[str]:
    """``value`` with its white space folded, so that long texts may be wrapped in the file."""
    if kind == _TEXT and isinstance(value, str) and value.strip():
        return _folded(value)
    if kind == _TEXTS and isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value):
        return [_folded(text) for text in value]
    raise fail(f"{name} is {value!r}; it must be {kind}.")


def _folded(text: str) -> str:
    return " ".join(text.split())


def _check_words(values: Mapping[str, Any], fail: _Fail) -> None:
    """Level, flags, capabilities, services and hints use the words, and as many, as they may."""
    _refuse_unknown("level", [values["level"]], LEVELS, fail)
    _refuse_unknown("flags", values["flags"], FLAGS, fail)
    # A claim that a flag makes already must not be made a second time, by another word.
    allowed = sorted(KNOWN_CAPABILITIES - set(FLAG_CLAIMS.values()))
    _refuse_unknown("capabilities", values.get("capabilities", ()), allowed, fail)
    _refuse_unknown("uses", values.get("uses", ()), allowed, fail)
    _refuse_unknown("services", values.get("services", ()), sorted(KNOWN_SERVICES), fail)
    if not 1 <= len(values["hints"]) <= 3:
        raise fail(f"hints has {len(values['hints'])} entries; it must have one to three.")


def _refuse_unknown(name: str, found: Collection[str], allowed: Collection[str], fail: _Fail) -> None:
    for word in found:
        if word not in allowed:
            raise fail(f"{name} has {word!r}; allowed are {', '.join(allowed)}.")
    if len(set(found)) != len(found):
        raise fail(f"{name} names something twice: {', '.join(found)}.")
