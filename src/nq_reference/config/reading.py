"""Plain values, as JSON or TOML have them, into a configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from nq_reference.config.errors import ConfigError, unknown
from nq_reference.config.options import Option, Spelling, options_of, snake

T = TypeVar("T")
_NAMES = {str: "text", Path: "a path", int: "a whole number", bool: "true or false"}


def read(kind: type[T], values: Mapping[str, Any], where: str, spelling: Spelling = snake) -> T:
    """A ``kind`` with ``values``, and defaults for the rest.

    ``where`` begins each message, such as ``redis adapter``. Nested configurations are mappings.
    Raises ``ConfigError`` with everything that is wrong.
    """
    known = {spelling(name): option for name, option in options_of(kind).items()}
    problems = [f"{where}: {unknown('option', name, known)}" for name in values if name not in known]
    read_values: dict[str, Any] = {}
    for name, option in known.items():
        if name in values:
            try:
                read_values[option.name] = _value(option, values[name], f"{where}: {name}", spelling)
            except ConfigError as error:
                problems += error.problems
        elif option.required:
            problems.append(f"{where}: {name} is missing{option.about.aside}")
    if problems:
        raise ConfigError(problems)
    return kind(**read_values)


def _value(option: Option, value: Any, where: str, spelling: Spelling) -> Any:
    if value is None and option.nullable:
        return None
    if dataclasses.is_dataclass(option.type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} must be a table of options, not {value!r}")
        return read(option.type, value, where, spelling)  # type: ignore[arg-type]
    if option.listed:
        return _texts(value, where)
    if option.choices:
        if value not in option.choices:
            raise ConfigError(f"{where}: {unknown('value', value, option.choices)}")
        return value
    return _scalar(option, value, where)


def _scalar(option: Option, value: Any, where: str) -> Any:
    if option.type is Path and isinstance(value, str | Path):
        return Path(value)
    if type(value) is not option.type:
        shown = repr(value) if option.about.problem is None else type(value).__name__
        raise ConfigError(f"{where} must be {_NAMES[option.type]}, not {shown}")
    if option.about.least is not None and value < option.about.least:
        raise ConfigError(f"{where} must be {option.about.least} or more, not {value}")
    problem = None if option.about.problem is None else option.about.problem(value)
    if problem is not None:
        raise ConfigError(f"{where} {problem}")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    """A list of texts; a text alone is a list of one."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, Sequence) or not all(isinstance(each, str) for each in listed):
        raise ConfigError(f"{where} must be a text or a list of texts, not {value!r}")
    return tuple(listed)
