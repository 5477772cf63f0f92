"""Rules as plain text for a terminal: the table of many, and the page of one.

Strings in, strings out; printing is the command line's business.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from nq_conformance.requirements.catalogue import Catalogue
from nq_conformance.requirements.links import link_of
from nq_conformance.requirements.profiles import profiles_of
from nq_conformance.requirements.rule import FLAGS, Rule, lacks

_NARROWEST, _WIDEST_PAGE = 60, 100
_LABEL_WIDTH = 16
_HEADINGS = ("RULE", "LEVEL", "FLAGS", "STATE", "SENTENCE")


def table(rules: Iterable[Rule], width: int) -> str:
    """One rule a row, its sentence wrapped, in ``width`` columns (but no less than 60)."""
    cells = [(*_short_cells(rule), rule.sentence) for rule in rules]
    sizes = [max(len(row[i]) for row in (_HEADINGS, *cells)) for i in range(4)]
    return "\n".join(_row(row, sizes, max(width, _NARROWEST)) for row in (_HEADINGS, *cells))


def page(catalogue: Catalogue, rule: Rule, width: int) -> str:
    """All that the catalogue says about one rule, in ``width`` columns (but 60 to 100)."""
    width = min(max(width, _NARROWEST), _WIDEST_PAGE)
    title = f"{rule.id}  {rule.level}  {catalogue.areas[rule.area].title}"
    parts = [title, "", textwrap.fill(rule.sentence, width), ""]
    for label, texts in _sections(catalogue, rule):
        parts += [_labelled(label if first else "", text, width) for first, text in _marked(texts)]
    return "\n".join(parts)


def _short_cells(rule: Rule) -> tuple[str, str, str, str]:
    state = "tested" if rule.untested is None else "untested"
    return rule.id, rule.level, ",".join(rule.ordered_flags) or "-", state


def _row(cells: tuple[str, ...], sizes: list[int], width: int) -> str:
    left = "".join(f"{cell:<{size}}  " for cell, size in zip(cells, sizes, strict=False))
    return textwrap.fill(cells[-1], width, initial_indent=left, subsequent_indent=" " * len(left))


def _sections(catalogue: Catalogue, rule: Rule) -> list[tuple[str, list[str]]]:
    flags = [f"{flag}: {FLAGS[flag]}" for flag in rule.ordered_flags]
    return [
        ("Why", [rule.why]),
        ("A wrong adapter", [rule.fault]),
        ("Look first at", list(rule.hints)),
        ("Flags", flags or ["none: the provider alone shows it"]),
        ("Capability", list(rule.capabilities) or [" or ".join(rule.alternatives) or "none"]),
        *([("Uses, where claimed", list(rule.uses))] if rule.uses else []),
        ("Applies if", [", ".join(lacks(rule, frozenset())) or "always: it holds for every adapter"]),
        ("Profile", [", ".join(profiles_of(rule))]),
        ("Rests on", _roots(catalogue, rule)),
        ("Source", [_source(source) for source in rule.source] or ["none is cited"]),
        ("Since", [rule.since]),
        ("Tested", [f"no: {rule.untested}" if rule.untested else "yes"]),
        *([] if rule.untested else [("Run it with", [f"pytest --nq-adapter=... --nq-rule {rule.id}"])]),
    ]


def _roots(catalogue: Catalogue, rule: Rule) -> list[str]:
    roots = catalogue.roots_of(rule.id)
    if not roots:
        return ["no other rule"]
    direct = ", ".join(rule.rests_on)
    further = ", ".join(root.id for root in roots if root.id not in rule.rests_on)
    return [direct + (f"; through these on {further}" if further else "")]


def _source(source: str) -> str:
    """A source spelled out: seed sections by name, issues with their link."""
    if source.startswith("S§"):
        return f"seed, section {source[2:]}"
    link = link_of(source)
    return source if link in {None, source} else f"{source}  {link}"


def _marked(texts: list[str]) -> list[tuple[bool, str]]:
    return [(index == 0, text) for index, text in enumerate(texts)]


def _labelled(label: str, text: str, width: int) -> str:
    indent = " " * (_LABEL_WIDTH + 1)
    return textwrap.fill(
        text,
        width,
        initial_indent=f"{label:<{_LABEL_WIDTH}} ",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
