"""Profiles: what an adapter earns when it passes a named set of rules.

A profile is earned in the sense that every rule of it that has a test passed. How many
rules have none is told beside it, and a partial run or a fake service earns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nq_conformance.report.verdict import RuleVerdict, Verdict
from nq_conformance.requirements import PROFILES, Catalogue, lacks
from nq_conformance.requirements.rule import FLAG_CLAIMS


@dataclass(frozen=True, slots=True)
class Missing:
    """A rule that stands between the adapter and the profile, and its verdict."""

    rule: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ProfileResult:
    """How far an adapter is with one profile.

    ``rules``, ``tested`` and ``passed`` count the rules that its claims make applicable;
    ``claimed`` is false where there are none, or the profile's own claim is missing.
    """

    name: str
    claimed: bool
    earned: bool
    rules: int
    tested: int
    passed: int
    missing: tuple[Missing, ...]


def profile_results(
    catalogue: Catalogue, claims: frozenset[str], verdicts: Mapping[str, RuleVerdict], *, awards: bool
) -> tuple[ProfileResult, ...]:
    """One result for each profile. ``awards`` is false where nothing can be earned."""
    results = []
    for name in PROFILES:
        rules = [r.id for r in catalogue.profile(name) if not lacks(r, claims)]
        claimed = bool(rules) and (name in claims or name not in FLAG_CLAIMS.values())
        results.append(_result(name, [verdicts[rule] for rule in rules], claimed=claimed, awards=awards))
    return tuple(results)


def _result(name: str, members: list[RuleVerdict], *, claimed: bool, awards: bool) -> ProfileResult:
    tested = [v for v in members if v.verdict is not Verdict.UNTESTED]
    passed = [v for v in tested if v.verdict is Verdict.PASSED]
    missing = tuple(Missing(v.rule, v.verdict) for v in tested if v.verdict is not Verdict.PASSED)
    earned = awards and claimed and bool(passed) and not missing
    return ProfileResult(name, claimed, earned, len(members), len(tested), len(passed), missing)


def profile_line(result: ProfileResult) -> str:
    """A result in one line, as the summary shows it."""
    if not result.claimed:
        return f"{result.name}: not claimed"
    share = f"{result.tested} of {result.rules} rules have a test"
    if result.earned:
        partly = "" if result.tested == result.rules else "partly tested: "
        return f"{result.name}: earned ({partly}{share}, and all of them passed)"
    if not result.tested:
        return f"{result.name}: not earned, no rule of it has a test yet"
    if not result.missing:
        return f"{result.name}: not awarded by this run (all tested rules passed; {share})"
    return f"{result.name}: not earned ({_first_missing(result.missing)}; {share})"


def _first_missing(missing: tuple[Missing, ...], limit: int = 3) -> str:
    told = ", ".join(f"{m.rule} {m.verdict}" for m in missing[:limit])
    more = len(missing) - limit
    return f"{told} and {more} more" if more > 0 else told
