"""A configuration's JSON Schema, for editors and for other languages."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

from nq_reference.config.options import Option, Spelling, options_of, snake

_TYPES = {str: "string", Path: "string", int: "integer", bool: "boolean"}


def schema_of(kind: type, spelling: Spelling = snake) -> dict[str, Any]:
    """The schema of the mappings that ``read`` takes for ``kind``."""
    known = {spelling(name): option for name, option in options_of(kind).items()}
    return {
        "description": inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " "),
        "type": "object",
        "properties": {name: _property(option, spelling) for name, option in known.items()},
        "required": [name for name, option in known.items() if option.required],
        "additionalProperties": False,
    }


def _property(option: Option, spelling: Spelling) -> dict[str, Any]:
    schema = _shape(option, spelling)
    if option.about.text:
        schema = {"description": option.about.text, **schema}
    if option.about.least is not None:
        schema["minimum"] = option.about.least
    if isinstance(option.default, str | int | bool):
        schema["default"] = option.default
    return {"anyOf": [schema, {"type": "null"}]} if option.nullable else schema


def _shape(option: Option, spelling: Spelling) -> dict[str, Any]:
    if dataclasses.is_dataclass(option.type):
        return schema_of(option.type, spelling)  # type: ignore[arg-type]
    if option.listed:
        texts = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [{"type": "string"}, texts]}
    if option.choices:
        return {"enum": list(option.choices)}
    return {"type": _TYPES[option.type]}
