"""The verdict on each rule for one adapter, made of its tests' outcomes.

Nothing is green by default: a rule passes only when tests of it ran and all of them passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nq_conformance.report.outcome import Failure, Outcome, Status, merged
from nq_conformance.report.waivers import Waivers
from nq_conformance.requirements import Catalogue, lacks


class Verdict(StrEnum):
    """What a run says about one rule of one adapter."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"
    BLOCKED = "blocked"
    INCONCLUSIVE = "inconclusive"
    NOT_CLAIMED = "not claimed"
    UNTESTED = "untested"
    NOT_SELECTED = "not selected"


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """A test that the run set out to run."""

    node_id: str
    backend: str


@dataclass(frozen=True, slots=True)
class JudgedAdapter:
    """One adapter of the run; ``id`` is unique in the run, ``name`` is the adapter's own."""

    id: str
    name: str
    target: str
    backends: tuple[str, ...]
    capabilities: tuple[str, ...]
    claims: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """What the run was about, the same for all its adapters.

    ``untested`` gives a reason for each rule without a test; ``selected`` are the rules
    asked for.
    """

    catalogue: Catalogue
    selected: frozenset[str]
    untested: Mapping[str, str]
    waivers: Waivers


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """The verdict on one rule, with what explains it."""

    rule: str
    verdict: Verdict
    reason: str | None = None
    blocked_by: str | None = None
    backends: tuple[str, ...] = ()
    duration_ms: int = 0
    failures: tuple[tuple[Outcome, Failure], ...] = ()


Plan = Mapping[str, Sequence[PlannedTest]]
"""By rule, the tests that were to run."""


def judge(
    adapter: JudgedAdapter, scope: Scope, plan: Plan, outcomes: Iterable[Outcome]
) -> tuple[RuleVerdict, ...]:
    """One verdict for every rule of the catalogue, in its order."""
    tests = merged(o for o in outcomes if o.adapter == adapter.id)
    failed = frozenset((t.rule, t.backend) for t in tests.values() if t.status is Status.FAILED)
    return tuple(
        _unplanned(adapter, scope, plan, rule_id)
        or _of_tests(adapter, scope, rule_id, [(p, tests.get(p.node_id)) for p in plan[rule_id]], failed)
        for rule_id in scope.catalogue.rules
    )


def failed_root(
    catalogue: Catalogue, rule_id: str, backend: str, failed: frozenset[tuple[str, str]]
) -> str | None:
    """The failed rule that explains a failure of ``rule_id`` on ``backend``, if there is one.

    ``failed`` holds (rule, backend). Of several the deepest is named: the one that rests on
    no other failed rule.
    """
    roots = [root.id for root in catalogue.roots_of(rule_id) if (root.id, backend) in failed]
    for root in roots:
        if not any((deeper.id, backend) in failed for deeper in catalogue.roots_of(root)):
            return root
    return roots[0] if roots else None


def _unplanned(adapter: JudgedAdapter, scope: Scope, plan: Plan, rule_id: str) -> RuleVerdict | None:
    if rule_id not in scope.selected:
        return RuleVerdict(rule_id, Verdict.NOT_SELECTED)
    missing = lacks(scope.catalogue.get(rule_id), adapter.claims)
    if missing:
        return RuleVerdict(rule_id, Verdict.NOT_CLAIMED, f"needs {', '.join(missing)}")
    if rule_id in scope.untested:
        return RuleVerdict(rule_id, Verdict.UNTESTED, scope.untested[rule_id])
    if not plan.get(rule_id):
        return RuleVerdict(rule_id, Verdict.NOT_SELECTED)
    return None


def _of_tests(
    adapter: JudgedAdapter,
    scope: Scope,
    rule_id: str,
    tests: Sequence[tuple[PlannedTest, Outcome | None]],
    failed: frozenset[tuple[str, str]],
) -> RuleVerdict:
    ran = [outcome for _, outcome in tests if outcome is not None]
    verdict, reason, root = _decide(adapter, scope, rule_id, ran, len(tests) - len(ran), failed)
    return RuleVerdict(
        rule_id,
        verdict,
        reason,
        root,
        tuple(dict.fromkeys(planned.backend for planned, _ in tests)),
        sum(o.duration_ms for o in ran),
        tuple((o, o.failure) for o in ran if o.failure is not None),
    )


def _decide(
    adapter: JudgedAdapter,
    scope: Scope,
    rule_id: str,
    ran: Sequence[Outcome],
    not_run: int,
    failed: frozenset[tuple[str, str]],
) -> tuple[Verdict, str | None, str | None]:
    failures = [o for o in ran if o.status is Status.FAILED]
    if failures:
        return _decide_failed(adapter, scope, rule_id, failures, failed)
    for status, verdict in (
        (Status.BLOCKED, Verdict.BLOCKED),
        (Status.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ):
        for outcome in ran:
            if outcome.status is status:
                return verdict, outcome.reason, outcome.blocked_by
    if not_run:
        total = len(ran) + not_run
        return Verdict.INCONCLUSIVE, f"{not_run} of {total} tests did not run: the run ended early", None
    return Verdict.PASSED, None, None


def _decide_failed(
    adapter: JudgedAdapter,
    scope: Scope,
    rule_id: str,
    failures: Sequence[Outcome],
    failed: frozenset[tuple[str, str]],
) -> tuple[Verdict, str | None, str | None]:
    waiver = scope.waivers.find(rule_id, adapter)
    if waiver is not None:
        return Verdict.WAIVED, waiver.text(), None
    roots = [failed_root(scope.catalogue, rule_id, o.backend, failed) for o in failures]
    if all(roots):
        return Verdict.BLOCKED, f"it rests on {roots[0]}, which failed", roots[0]
    backends = ", ".join(dict.fromkeys(o.backend for o in failures))
    return Verdict.FAILED, f"on {backends}: {_seen(failures[0])}", None


def _seen(outcome: Outcome) -> str:
    if outcome.failure is None:
        return outcome.reason or "no details"
    late = "too slow: " if outcome.failure.slow else ""
    return late + outcome.failure.seen.partition("\n")[0]
