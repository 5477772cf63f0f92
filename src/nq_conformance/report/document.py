"""The JSON report as values, made from a result. The schema in ``schema/report-1.json`` is its contract.

A change that a reader could trip over makes a new ``schemaVersion``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from nq_conformance.report.outcome import Failure, Outcome
from nq_conformance.report.result import AdapterResult, RunResult
from nq_conformance.report.verdict import RuleVerdict, Verdict
from nq_conformance.requirements import Catalogue

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service that the run used; ``real`` is false for an imitation."""

    service: str
    kind: str
    version: str
    real: bool


@dataclass(frozen=True, slots=True)
class FailureEntry:
    """One failed test."""

    node_id: str
    backend: str
    expected: str
    seen: str
    slow: bool
    fault: str
    timeline: Sequence[str]
    repeat: str


@dataclass(frozen=True, slots=True)
class VerdictEntry:
    """The verdict on one rule."""

    rule: str
    level: str
    area: str
    verdict: str
    reason: str | None
    blocked_by: str | None
    backends: Sequence[str]
    duration_ms: int
    failures: Sequence[FailureEntry]


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """How far the adapter is with a profile."""

    name: str
    earned: bool
    rules: int
    tested: int
    passed: int
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class AdapterEntry:
    """Everything about one adapter."""

    name: str
    id: str
    target: str
    backends: Sequence[str]
    capabilities: Sequence[str]
    verdicts: Sequence[VerdictEntry]
    profiles: Sequence[ProfileEntry]
    notes: Sequence[str]
    warnings: Sequence[str]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class Summary:
    """The run in a few numbers; counts are over all adapters."""

    green: bool
    exit_code: int
    counts: dict[str, int]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Circumstances of the run, for the head of the report; times are ISO 8601 in UTC."""

    kit: str
    python: str
    platform: str
    started: str
    finished: str
    seed: int
    time_scale: float


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report."""

    schema_version: int
    run: RunFacts
    partial: bool
    services: Sequence[ServiceEntry]
    adapters: Sequence[AdapterEntry]
    summary: Summary


def make_document(
    result: RunResult, run: RunFacts, services: Sequence[ServiceEntry], exit_code: int
) -> Document:
    """The report on ``result``."""
    catalogue = result.scope.catalogue
    counts = {str(v): sum(a.count(v) for a in result.adapters) for v in Verdict}
    return Document(
        SCHEMA_VERSION,
        run,
        result.partial,
        tuple(services),
        tuple(_adapter(a, catalogue) for a in result.adapters),
        Summary(result.green, exit_code, counts, result.problems),
    )


def to_json(value: Any) -> Any:
    """Dataclasses as JSON values; field names become camelCase, keys of dicts stay."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {_camel(f.name): to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the report."""
    file = resources.files("nq_conformance.report") / "schema" / f"report-{SCHEMA_VERSION}.json"
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded


def _adapter(result: AdapterResult, catalogue: Catalogue) -> AdapterEntry:
    adapter = result.adapter
    return AdapterEntry(
        adapter.name,
        adapter.id,
        adapter.target,
        adapter.backends,
        adapter.capabilities,
        tuple(_verdict(v, catalogue) for v in result.verdicts),
        tuple(
            ProfileEntry(p.name, p.earned, p.rules, p.tested, p.passed, tuple(m.rule for m in p.missing))
            for p in result.profiles
        ),
        result.notes,
        result.warnings,
        result.problems,
    )


def _verdict(one: RuleVerdict, catalogue: Catalogue) -> VerdictEntry:
    rule = catalogue.get(one.rule)
    return VerdictEntry(
        rule.id,
        str(rule.level).upper(),
        rule.area,
        one.verdict.value,
        one.reason,
        one.blocked_by,
        one.backends,
        one.duration_ms,
        tuple(_failure(outcome, failure) for outcome, failure in one.failures),
    )


def _failure(outcome: Outcome, failure: Failure) -> FailureEntry:
    return FailureEntry(
        outcome.node_id,
        outcome.backend,
        failure.expected,
        failure.seen,
        failure.slow,
        failure.fault,
        failure.timeline,
        failure.repeat,
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
