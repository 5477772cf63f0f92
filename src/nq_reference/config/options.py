"""The fields of a configuration: what each means and may be, beside its type and default."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

MISSING = dataclasses.MISSING

Spelling: TypeAlias = Callable[[str], str]
"""How a field's name is written where the values come from."""


def snake(name: str) -> str:
    """As in Python and TOML: ``lock_duration_ms``."""
    return name


def camel(name: str) -> str:
    """As in JavaScript and JSON: ``lockDurationMs``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@dataclasses.dataclass(frozen=True, slots=True)
class About:
    """Says what a field means, as in ``Annotated[int, About("how many", least=1)]``.

    ``text`` becomes the description in the JSON Schema; a number may be ``least`` or more. ``problem``
    says what is wrong with a text, if anything is; it marks a text that may hold a password.
    """

    text: str
    least: int | None = None
    problem: Callable[[str], str | None] | None = None

    @property
    def aside(self) -> str:
        """The text in brackets, for the end of a sentence."""
        return f" ({self.text})" if self.text else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One field, as readers and the schema see it. ``type`` is without its ``None``."""

    name: str
    type: Any
    about: About
    default: Any
    nullable: bool

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is MISSING

    @property
    def listed(self) -> bool:
        """Whether it is a list of texts."""
        return get_origin(self.type) in (tuple, Sequence)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a ``Literal``; empty where any value of the type will do."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()


def options_of(kind: type) -> Mapping[str, Option]:
    """The fields of a configuration by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {each.name: _option(each, hints[each.name]) for each in dataclasses.fields(kind)}


def _option(field: dataclasses.Field[Any], hint: Any) -> Option:
    about = About("")
    if get_origin(hint) is Annotated:
        hint, about = get_args(hint)
    alternatives = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    types = [each for each in alternatives if each is not type(None)]
    factory = field.default_factory
    default = field.default if factory is MISSING else factory()
    return Option(field.name, types[0], about, default, len(types) < len(alternatives))
