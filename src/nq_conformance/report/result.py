"""The whole result of a run: verdicts by adapter, profiles, and why the run is not green.

Puts the pieces together; text and JSON are made from it elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from nq_conformance.report.outcome import Outcome
from nq_conformance.report.profiles import ProfileResult, profile_results
from nq_conformance.report.verdict import JudgedAdapter, Plan, RuleVerdict, Scope, Verdict, judge
from nq_conformance.report.waivers import useless_waivers
from nq_conformance.requirements import Rule, claims_of

_NOT_RUN = (Verdict.NOT_CLAIMED, Verdict.UNTESTED, Verdict.NOT_SELECTED)
_NOT_GREEN = (Verdict.FAILED, Verdict.BLOCKED, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the tests brought, for all adapters.

    ``plans`` is by adapter id. ``narrowed`` holds the (adapter id, rule) of which tests were
    deselected by the user; ``partial`` is true when the user narrowed the run in any way.
    ``troubles`` kept the run from being one.
    """

    adapters: Sequence[JudgedAdapter]
    plans: Mapping[str, Plan]
    outcomes: Sequence[Outcome]
    narrowed: Collection[tuple[str, str]]
    partial: bool
    fake_service: bool
    troubles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AdapterResult:
    """What the run says about one adapter."""

    adapter: JudgedAdapter
    verdicts: tuple[RuleVerdict, ...]
    profiles: tuple[ProfileResult, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]

    def count(self, verdict: Verdict) -> int:
        """How many rules have this verdict."""
        return sum(v.verdict is verdict for v in self.verdicts)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What the run says altogether; ``problems`` are those that belong to no adapter."""

    scope: Scope
    adapters: tuple[AdapterResult, ...]
    problems: tuple[str, ...]
    partial: bool
    fake_service: bool

    @property
    def green(self) -> bool:
        """Whether the run may end well."""
        return not self.problems and not any(a.problems for a in self.adapters)


def conclude(scope: Scope, evidence: Evidence) -> RunResult:
    """Judge every adapter of the run, and then the run."""
    adapters = tuple(_adapter_result(adapter, scope, evidence) for adapter in evidence.adapters)
    problems = (*evidence.troubles, *_waiver_problems(adapters, scope, evidence))
    return RunResult(scope, adapters, problems, evidence.partial, evidence.fake_service)


def _adapter_result(adapter: JudgedAdapter, scope: Scope, evidence: Evidence) -> AdapterResult:
    plan = evidence.plans.get(adapter.id, {})
    verdicts = judge(adapter, scope, plan, evidence.outcomes)
    by_rule = {v.rule: v for v in verdicts}
    notes = dict.fromkeys(n for o in evidence.outcomes if o.adapter == adapter.id for n in o.notes)
    unproven, warnings = _claims_unproven(adapter, scope, by_rule)
    awards = not evidence.partial and not evidence.fake_service
    return AdapterResult(
        adapter,
        verdicts,
        profile_results(scope.catalogue, adapter.claims, by_rule, awards=awards),
        tuple(notes),
        (*warnings, *_remarks(adapter, evidence.outcomes)),
        (*_unpassed(verdicts), *unproven),
    )


def _remarks(adapter: JudgedAdapter, outcomes: Sequence[Outcome]) -> list[str]:
    """What went wrong beside the rules, each once and with how often."""
    counts = Counter(remark for o in outcomes if o.adapter == adapter.id for remark in o.remarks)
    return [f"{remark} ({n} tests)" if n > 1 else remark for remark, n in counts.items()]


def _unpassed(verdicts: Sequence[RuleVerdict]) -> list[str]:
    problems = []
    if all(v.verdict in _NOT_RUN for v in verdicts):
        problems.append("no rule was run")
    for verdict in _NOT_GREEN:
        rules = [v.rule for v in verdicts if v.verdict is verdict]
        if rules:
            problems.append(f"{len(rules)} {verdict}: {', '.join(rules)}")
    return problems


def _claims_unproven(
    adapter: JudgedAdapter, scope: Scope, verdicts: Mapping[str, RuleVerdict]
) -> tuple[list[str], list[str]]:
    """Problems and warnings about declared capabilities that nothing put to the test."""
    problems, untested = [], []
    for capability in adapter.capabilities:
        about = [v for rule, v in verdicts.items() if _is_about(capability, scope.catalogue.get(rule))]
        testable = [v for v in about if v.rule not in scope.untested]
        if not testable:
            untested.append(capability)
        elif all(v.verdict is Verdict.NOT_CLAIMED for v in testable):
            first = testable[0]
            problems.append(
                f"{capability} is declared, but none of its rules was run: {first.rule} {first.reason}"
            )
    warnings = [f"declared, but no rule tests it yet: {', '.join(untested)}"] if untested else []
    return problems, warnings


def _is_about(capability: str, rule: Rule) -> bool:
    return capability in {*claims_of(rule), *rule.alternatives, *rule.uses}


def _waiver_problems(adapters: Sequence[AdapterResult], scope: Scope, evidence: Evidence) -> Sequence[str]:
    verdicts = {a.adapter: {v.rule: v.verdict.value for v in a.verdicts} for a in adapters}
    complete = {
        (a.adapter.id, v.rule)
        for a in adapters
        for v in a.verdicts
        if (a.adapter.id, v.rule) not in evidence.narrowed
    }
    return useless_waivers(scope.waivers, verdicts, complete, partial=evidence.partial)
