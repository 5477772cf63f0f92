"""What a run is about, decided before anything is collected; the same in every process of it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from nq_conformance.plugin import asking
from nq_conformance.plugin.options import Options
from nq_conformance.plugin.targets import Target, load_targets
from nq_conformance.report.repeat import Repeat, without_password
from nq_conformance.report.verdict import JudgedAdapter, Scope
from nq_conformance.report.waivers import read_waivers
from nq_conformance.requirements import Catalogue, lacks, load

RUN = pytest.StashKey["Run"]()
_BUDGETS_OFF_SCALE = 1e6
_RULE_CALL = re.compile(r"\brule\(\s*[\"']([A-Z]+-\d+)[\"']")
_NOT_IN_THIS_SUITE = "this suite has no test for it"


@dataclass(frozen=True, slots=True)
class Run:
    """Options, adapters and rules of the run. ``name`` is shared by its processes and short.

    ``calibrated`` is the time scale for a run that was given none, as measured at its start.
    """

    name: str
    options: Options
    targets: tuple[Target, ...]
    scope: Scope
    seed: int
    calibrated: float
    suite_dir: Path

    @property
    def time_scale(self) -> float:
        """The factor on budgets; so large under a debugger that none is ever reached."""
        if self.options.budgets_off:
            return _BUDGETS_OFF_SCALE
        return self.options.time_scale or self.calibrated

    @property
    def told_time_scale(self) -> str:
        """The time scale for people, and where it comes from if they did not choose it."""
        if self.options.budgets_off:
            return "budgets off"
        chosen = self.options.time_scale is not None or self.calibrated == 1
        return f"time scale {self.time_scale:g}{'' if chosen else ' (this machine is slow or busy)'}"

    @property
    def narrowed(self) -> bool:
        """Whether the options leave out rules or event loops."""
        all_rules = len(self.scope.selected) == len(self.scope.catalogue.rules)
        return not all_rules or any(target.narrowed for target in self.targets)

    def may_run(self, target: Target, rule_id: str) -> bool:
        """Whether the rule is asked for and claimed by the adapter."""
        rule = self.scope.catalogue.get(rule_id)
        return rule_id in self.scope.selected and not lacks(rule, target.claims)

    def has_something(self, target: Target) -> bool:
        """Whether there is a tested rule that may run for the adapter."""
        rules = self.scope.catalogue.rules
        return any(r not in self.scope.untested and self.may_run(target, r) for r in rules)

    def repeat(self, target: Target, *, seeded: bool = True) -> Repeat:
        """What a command has to say to repeat a test of this adapter.

        Without ``seeded`` the test draws what it draws by a seed that was given, or by none.
        """
        given = self.options
        options = [f"--nq-redis={without_password(given.redis)}"] if given.redis else []
        options += [f"--nq-postgres={without_password(given.postgres)}"] if given.postgres else []
        options += [f"--nq-worker-manager={given.worker_manager}"] if given.worker_manager else []
        options += [f"--nq-waivers={_seen_from_here(file)}" for file in given.waivers]
        options += [f"--nq-time-scale={given.time_scale:g}"] if given.time_scale else []
        options += [f"--nq-examples={given.examples}"] if given.examples and not seeded else []
        return Repeat(target.text, self.seed if seeded else given.seed, tuple(options))


def _seen_from_here(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def make_run(options: Options, *, name: str, seed: int, calibrated: float) -> Run:
    """Load adapters, catalogue and waivers. Raises what each of them raises for bad input."""
    catalogue = load()
    suite_dir = asking.suite_dir()
    tested = rules_with_tests(suite_dir)
    untested = untested_rules(catalogue, tested, whole=asking.has_own_suite())
    selected = frozenset(catalogue.rules)
    if options.rules:
        selected = frozenset(rule.id for text in options.rules for rule in catalogue.select(text))
    waivers = read_waivers(options.waivers, catalogue, dt.datetime.now(dt.UTC).date())
    scope = Scope(catalogue, selected, untested, waivers)
    return Run(name, options, load_targets(options), scope, seed, calibrated, suite_dir)


def judged(target: Target) -> JudgedAdapter:
    """The adapter as reports tell of it."""
    capabilities = tuple(sorted(str(c) for c in target.adapter.capabilities))
    return JudgedAdapter(
        target.id, target.adapter.name, target.text, target.backends, capabilities, target.claims
    )


def rules_with_tests(suite_dir: Path) -> frozenset[str]:
    """The rules that a test in the folder names in ``rule("…")``, read without importing it."""
    texts = (file.read_text(encoding="utf-8") for file in suite_dir.glob("test_*.py"))
    return frozenset(rule_id for text in texts for rule_id in _RULE_CALL.findall(text))


def untested_rules(catalogue: Catalogue, tested: frozenset[str], *, whole: bool) -> Mapping[str, str]:
    """Why each rule without a test has none.

    Catalogue and suite must agree: a rule is marked untested exactly if no test names it.
    Raises ``UsageError`` if they don't. Only a suite that is not ``whole`` may lack tests.
    """
    unknown = sorted(tested - set(catalogue.rules))
    marked = {r.id: r.untested for r in catalogue.rules.values() if r.untested}
    lacking = [rule_id for rule_id in catalogue.rules if rule_id not in tested and rule_id not in marked]
    _check_agreement("tests name rules that the catalogue does not have", unknown)
    _check_agreement("rules are marked untested but have a test", sorted(tested & set(marked)))
    if whole:
        _check_agreement("rules have no test and are not marked untested", lacking)
    return {**marked, **dict.fromkeys(lacking, _NOT_IN_THIS_SUITE)}


def _check_agreement(what: str, rules: Sequence[str]) -> None:
    if rules:
        raise pytest.UsageError(
            f"The kit contradicts itself: {what}: {', '.join(rules)}.\n"
            f"This is a fault of nq-conformance, not of your adapter: please report it."
        )
