"""The catalogue: all rules in their order, and ways to ask for some of them.

Whoever holds one may rely on its being valid: it is made by ``loading`` only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nq_conformance.requirements.errors import UnknownRuleError
from nq_conformance.requirements.profiles import PROFILES
from nq_conformance.requirements.rule import Area, Rule


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Areas and rules by id, both in catalogue order."""

    areas: Mapping[str, Area]
    rules: Mapping[str, Rule]

    def get(self, rule_id: str) -> Rule:
        """The rule of exactly this id. Raises ``UnknownRuleError``, naming ids that resemble it."""
        try:
            return self.rules[rule_id]
        except KeyError:
            hint = f"There is no rule {rule_id!r}."
            raise UnknownRuleError(rule_id, _nearest(rule_id, self.rules), hint) from None

    def select(self, pattern: str) -> tuple[Rule, ...]:
        """The rules that ``pattern`` names: a rule's id, an area or a profile, in any case.

        Raises ``UnknownRuleError``, which lists areas and profiles and what resembles ``pattern``.
        """
        wanted = pattern.strip().upper()
        if wanted in self.rules:
            return (self.rules[wanted],)
        if wanted in self.areas:
            return tuple(rule for rule in self.rules.values() if rule.area == wanted)
        if wanted.lower() in PROFILES:
            return self.profile(wanted.lower())
        hint = (
            f"There is no rule, area or profile {pattern!r}"
            f" (areas: {' '.join(self.areas)}; profiles: {' '.join(PROFILES)})."
        )
        names = [*self.rules, *self.areas, *PROFILES]
        raise UnknownRuleError(pattern, _nearest(pattern, names), hint)

    def profile(self, name: str) -> tuple[Rule, ...]:
        """The rules of a profile. Raises ``UnknownRuleError`` if there is none of this name."""
        if name not in PROFILES:
            hint = f"There is no profile {name!r} (profiles: {' '.join(PROFILES)})."
            raise UnknownRuleError(name, _nearest(name, PROFILES), hint)
        return tuple(rule for rule in self.rules.values() if PROFILES[name].contains(rule))

    def roots_of(self, rule_id: str) -> tuple[Rule, ...]:
        """All rules that ``rule_id`` rests on, directly or through others, in catalogue order."""
        found: set[str] = set()
        todo = list(self.get(rule_id).rests_on)
        while todo:
            root = todo.pop()
            if root not in found:
                found.add(root)
                todo.extend(self.rules[root].rests_on)
        return tuple(rule for rule in self.rules.values() if rule.id in found)


def _nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three of ``names`` that resemble ``name``, whatever its case."""
    by_upper = {candidate.upper(): candidate for candidate in names}
    close = difflib.get_close_matches(name.strip().upper(), by_upper, n=3, cutoff=0.6)
    return tuple(by_upper[match] for match in close)
