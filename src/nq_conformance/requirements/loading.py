"""From rule files to a catalogue: reads them in order and checks them against each other.

What one rule alone must fulfil is checked in ``reading``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from nq_conformance.requirements.catalogue import Catalogue
from nq_conformance.requirements.errors import CatalogueError
from nq_conformance.requirements.reading import read
from nq_conformance.requirements.rule import Area, Rule

AREA_ORDER: tuple[str, ...] = (
    *("LIFE", "ENQ", "QRY", "CNT", "ORD", "PRI", "PAU", "EVT", "SCH", "RTY"),
    *("CON", "DSP", "RUN", "CTX", "RPC", "STL", "DUR", "DST", "FLT", "SEC"),
)
"""The areas in the order in which they are read, listed and reported."""


@functools.cache
def load() -> Catalogue:
    """The catalogue of this release, read once. Raises ``CatalogueError`` if a file is wrong."""
    folder = files("nq_conformance.requirements") / "rules"
    return load_from(folder / f"{area}.toml" for area in AREA_ORDER)


def load_from(sources: Iterable[Traversable | Path]) -> Catalogue:
    """A catalogue of these files, in this order.

    Raises ``CatalogueError``, naming file and rule, for anything that is wrong in a file or
    between files: duplicate ids, and ``rests_on`` that leads nowhere or in a circle.
    """
    areas: dict[str, Area] = {}
    rules: dict[str, Rule] = {}
    for source in sources:
        area, found = read(source)
        if area.id in areas:
            raise CatalogueError(source.name, None, f"area {area.id} has been read already.")
        areas[area.id] = area
        for rule in found:
            if rule.id in rules:
                raise CatalogueError(source.name, rule.id, "this id is used twice; ids must be unique.")
            rules[rule.id] = rule
    _refuse_dangling(rules)
    _refuse_circles(rules)
    return Catalogue(MappingProxyType(areas), MappingProxyType(rules))


def _refuse_dangling(rules: Mapping[str, Rule]) -> None:
    for rule in rules.values():
        for root in rule.rests_on:
            if root not in rules:
                problem = f"rests_on names {root}, which is no rule; it must name rules of the catalogue."
                raise CatalogueError(f"{rule.area}.toml", rule.id, problem)


def _refuse_circles(rules: Mapping[str, Rule]) -> None:
    """Walk down from every rule; a rule met again on the way down closes a circle."""
    done: set[str] = set()

    def walk(rule_id: str, path: tuple[str, ...]) -> None:
        if rule_id in path:
            circle = " -> ".join((*path[path.index(rule_id) :], rule_id))
            problem = f"rests_on goes in a circle: {circle}; a rule must not rest on itself."
            raise CatalogueError(f"{rules[rule_id].area}.toml", rule_id, problem)
        if rule_id not in done:
            for root in rules[rule_id].rests_on:
                walk(root, (*path, rule_id))
            done.add(rule_id)

    for rule_id in rules:
        walk(rule_id, ())
