"""A small catalogue and short ways to outcomes, for the tests of the report package."""

from __future__ import annotations

from typing import Any

from nq_conformance.report.outcome import Failure, Outcome, Status
from nq_conformance.report.verdict import JudgedAdapter, PlannedTest, Scope
from nq_conformance.report.waivers import Waivers
from nq_conformance.requirements import Area, Catalogue, Rule


def rule(rule_id: str, **changes: Any) -> Rule:
    """A rule with a sentence, a reason and a hint."""
    fields: dict[str, Any] = {
        "id": rule_id,
        "area": rule_id.partition("-")[0],
        "level": "MUST",
        "sentence": f"The sentence of {rule_id}.",
        "why": f"Why there is {rule_id}.",
        "fault": "The adapter does not.",
        "flags": frozenset(),
        "capabilities": (),
        "services": (),
        "source": (),
        "rests_on": (),
        "hints": (f"The hint of {rule_id}.",),
        "since": "0.1.0",
        "untested": None,
    }
    return Rule(**{**fields, **changes})


ROOT = rule("ENQ-01")
BRANCH = rule("ENQ-02", rests_on=("ENQ-01",))
LEAF = rule("ENQ-03", rests_on=("ENQ-02",))
CRON = rule("SCH-01", capabilities=("cron",), flags=frozenset("w"))
BARE = rule("ORD-01", level="SHOULD", flags=frozenset("w"), untested="nobody wrote one")
CATALOGUE = Catalogue(
    areas={name: Area(name, name.title(), "") for name in ("ENQ", "ORD", "SCH")},
    rules={r.id: r for r in (ROOT, BRANCH, LEAF, BARE, CRON)},
)


def adapter(*capabilities: str, worker: bool = True, name: str = "shelf") -> JudgedAdapter:
    """An adapter that claims these capabilities, and workers."""
    claims = frozenset(capabilities) | ({"worker"} if worker else set())
    return JudgedAdapter(name, name, f"{name}:Provider", ("asyncio", "trio"), capabilities, claims)


def scope(*selected: str, waivers: Waivers | None = None) -> Scope:
    """A run about these rules, or all."""
    untested = {r.id: r.untested for r in CATALOGUE.rules.values() if r.untested}
    return Scope(CATALOGUE, frozenset(selected or CATALOGUE.rules), untested, waivers or Waivers())


def plan(*rules: str, backends: tuple[str, ...] = ("asyncio",)) -> dict[str, list[PlannedTest]]:
    """One test for each rule and event loop."""
    return {r: [PlannedTest(f"{r}[{b}]", b) for b in backends] for r in rules}


def outcome(
    rule_id: str, status: Status = Status.PASSED, backend: str = "asyncio", **changes: Any
) -> Outcome:
    """What the rule's test on this event loop had to say."""
    failure = Failure("one", "two") if status is Status.FAILED else None
    fields: dict[str, Any] = {"failure": failure, **changes}
    return Outcome(rule_id, "shelf", backend, f"{rule_id}[{backend}]", status, **fields)
