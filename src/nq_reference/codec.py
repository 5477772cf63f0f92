"""JSON in and out: exactly what was given, or an error (ENQ-11 to ENQ-14, question 21).

Payloads and results are encoded once, kept as text, and decoded anew for each reader, so
that nobody shares an object with anybody (ENQ-10, RTY-08).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from nq_conformance.contract import Backoff, InvalidJobError, JobOptions, JSONValue

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode  # our own text has no blanks around it
_CONSTANTS = {True: "true", False: "false", None: "null"}
_SCALARS = frozenset({bool, int, str, float, type(None)})

MAX_DEPTH = 500
"""How deep lists and objects may be nested (ENQ-15). Python's decoder can do more, but the less
the deeper the call of its reader is; a job that was accepted must be readable from anywhere."""


def encode(value: object, what: str = "data") -> str:
    """``value`` as JSON text that decodes to an equal value of the same types.

    Raises ``InvalidJobError`` that says where in ``what`` the trouble is: NaN, infinity,
    bytes, dates, tuples, keys that are not text, cycles, lone surrogates, more than
    ``MAX_DEPTH`` levels.
    """
    if value is None or value is True or value is False:
        return _CONSTANTS[value]
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()
        same = type(value) in _SCALARS or _decode(text)[0] == value
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise InvalidJobError(_explain(value, what, error)) from None
    if not same:
        raise InvalidJobError(_explain(value, what, None))
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise InvalidJobError(_explain(value, what, RecursionError()))
    return text


def decode(text: str) -> Any:
    """The value of JSON text that ``encode`` made."""
    return _decode(text)[0]


def encode_options(opts: JobOptions) -> str:
    """Options as JSON text: the fields that differ from their defaults."""
    if opts is NO_OPTIONS:
        return "{}"
    fields: dict[str, JSONValue] = {
        name: value
        for name, default in _OPTION_DEFAULTS.items()
        if (value := getattr(opts, name)) is not default and value != default
    }
    if opts.backoff is not None:
        fields["backoff"] = {"type": opts.backoff.type, "delay": opts.backoff.delay}
    for name in ("remove_on_complete", "remove_on_fail"):
        if getattr(opts, name) is not False:  # 0 and 1 equal False and True, but mean numbers
            fields[name] = getattr(opts, name)
    return _encode(fields)


def decode_options(text: str) -> JobOptions:
    """Options from what ``encode_options`` made."""
    if text == "{}":
        return NO_OPTIONS
    fields = decode(text)
    if "backoff" in fields:
        fields["backoff"] = Backoff(**fields["backoff"])
    return JobOptions(**fields)


NO_OPTIONS = JobOptions()
"""The options of a job that was given none: by far the most frequent, and so a shortcut below and above."""

_OPTION_DEFAULTS: dict[str, Any] = {
    name: getattr(NO_OPTIONS, name) for name in ("job_id", "attempts", "delay", "priority", "timeout")
}


def _explain(value: object, what: str, error: Exception | None) -> str:
    if isinstance(error, RecursionError):
        return f"{what} is nested more than {MAX_DEPTH} deep, or contains itself"
    if error is not None and "Circular" in str(error):
        return f"{what} contains itself; JSON can't hold a cycle"
    for path, problem in _problems(value, what):
        return f"{path}: {problem}"
    return f"{what} can't be kept exactly as JSON: {error or 'it would come back changed'}"


def _depth(value: object) -> int:
    """How deep lists and objects are nested; level by level, so that no depth is too much."""
    depth = 0
    level = [value]
    while level := [each for each in level if isinstance(each, list | tuple | dict)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def _problems(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Each place that JSON can't hold, and what is wrong with it."""
    if isinstance(value, dict):
        yield from _key_problems(value, path)
        for key, inner in value.items():
            yield from _problems(inner, f"{path}[{key!r}]")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _problems(inner, f"{path}[{index}]")
    elif isinstance(value, str):
        yield from _text_problems(value, path)
    else:
        yield from _scalar_problems(value, path)


def _key_problems(value: dict[Any, object], path: str) -> Iterator[tuple[str, str]]:
    for key in value:
        if not isinstance(key, str):
            yield path, f"the key {key!r} is {type(key).__name__}, JSON keys are text"
        yield from _text_problems(key, f"{path}, key {key!r}")


def _scalar_problems(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, f"{value} is no JSON number"
    elif not isinstance(value, int) and value is not None:
        yield path, f"{type(value).__name__} is not a JSON type; convert it first (a tuple to a list, say)"


def _text_problems(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            yield path, "the text has a lone surrogate, which UTF-8 can't hold"
