"""The suite's tests for each adapter and event loop, narrowed to what is asked for and claimed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nq_conformance.plugin.run import Run
from nq_conformance.plugin.targets import Target, anyio_backend
from nq_conformance.report.verdict import PlannedTest
from nq_conformance.requirements import PROFILES, Rule

RULE_MARKER, NEEDS_MARKER = "nq_rule", "nq_needs"
PLAN = pytest.StashKey["Plans"]()


@dataclass(frozen=True, slots=True)
class About:
    """Which rule, adapter and event loop an item is about."""

    rule: str
    target: Target
    backend: str


ABOUT = pytest.StashKey[About]()


@dataclass(slots=True)
class Plans:
    """What the run set out to run, by adapter id and rule, and what the user took out of it."""

    planned: dict[str, dict[str, list[PlannedTest]]] = field(default_factory=dict)
    narrowed: set[tuple[str, str]] = field(default_factory=set)


class SuiteModule(pytest.Module):
    """A file of the suite: its tests are found whatever naming the user's configuration asks for."""

    def funcnamefilter(self, name: str) -> bool:
        """Whether ``name`` is that of a test."""
        return name.startswith("test_")


class Collection:
    """Hooks that turn the suite's functions into items of this run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._profiles = {
            name: frozenset(rule.id for rule in run.scope.catalogue.profile(name)) for name in PROFILES
        }
        self._candidates: list[pytest.Item] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Take the suite's files for ourselves.

        They lie outside the user's folder, where pytest would give tests of different files
        the same id.
        """
        folder = self._run.suite_dir
        if module_path.parent != folder:
            return None
        node_id = f"{folder.parent.name}/{folder.name}/{module_path.name}"
        return SuiteModule.from_parent(parent, path=module_path, nodeid=node_id)

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each test once for each adapter and event loop.

        A marker, not a call of ``parametrize``: only then pytest leaves out the parameters
        that anyio's own fixture ``anyio_backend`` has.
        """
        if metafunc.definition.get_closest_marker(RULE_MARKER) is None:
            return
        pairs = [(target, backend) for target in self._run.targets for backend in target.backends]
        metafunc.definition.add_marker(
            pytest.mark.parametrize(
                ("nq_adapter", "anyio_backend"),
                [(target, anyio_backend(backend)) for target, backend in pairs],
                indirect=["nq_adapter"],
                ids=[f"{target.id}-{backend}" for target, backend in pairs],
            )
        )

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note what the item is about, and let it be chosen by rule, area, level and profile."""
        marker = item.get_closest_marker(RULE_MARKER)
        if marker is None:
            if item.path.parent == self._run.suite_dir:
                raise pytest.UsageError(f"{item.nodeid} is about no rule. This is a fault of nq-conformance.")
            return
        about = _about(item, marker.args[0])
        rule = self._run.scope.catalogue.get(about.rule)
        item.stash[ABOUT] = about
        _seed(item, self._run.seed)
        item.extra_keyword_matches.add(rule.id)
        names = [name for name, rules in self._profiles.items() if rule.id in rules]
        for name in (rule.area.lower(), str(rule.level).lower(), *names):
            item.add_marker(name)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what is not asked for or not claimed."""
        out = [item for item in items if not self._may_run(item)]
        if out:
            config.hook.pytest_deselected(items=out)
            items[:] = [item for item in items if self._may_run(item)]
        self._put_roots_first(items)
        self._candidates = [item for item in items if ABOUT in item.stash]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what is left as the plan; what others took out was the user's wish.

        There is none if a file could not be imported, unless pytest is told to go on.
        """
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return
        plans = Plans()
        left = {item.nodeid for item in session.items}
        for item in self._candidates:
            about = item.stash[ABOUT]
            if item.nodeid not in left:
                plans.narrowed.add((about.target.id, about.rule))
                continue
            rules = plans.planned.setdefault(about.target.id, {})
            rules.setdefault(about.rule, []).append(PlannedTest(item.nodeid, about.backend))
        session.config.stash[PLAN] = plans

    def _put_roots_first(self, items: list[pytest.Item]) -> None:
        """Move a rule's tests before those of the first rule that rests on it.

        If it fails, the others need not run into their budgets one by one. All else stays
        where it is.
        """
        by_rule: dict[str, list[pytest.Item]] = {}
        for item in items:
            if ABOUT in item.stash:
                by_rule.setdefault(item.stash[ABOUT].rule, []).append(item)
        order: dict[str, None] = {}
        for rule_id in by_rule:
            roots = sorted(self._run.scope.catalogue.roots_of(rule_id), key=self._depth)
            order.update(dict.fromkeys((*(root.id for root in roots), rule_id)))
        ours = iter([item for rule_id in order for item in by_rule.get(rule_id, ())])
        items[:] = [next(ours) if ABOUT in item.stash else item for item in items]

    def _depth(self, rule: Rule) -> int:
        """How many rules it rests on; more than any of those rests on."""
        return len(self._run.scope.catalogue.roots_of(rule.id))

    def _may_run(self, item: pytest.Item) -> bool:
        about = item.stash.get(ABOUT, None)
        if about is None:
            return True
        needed = {marker.args[0] for marker in item.iter_markers(NEEDS_MARKER)}
        return needed <= about.target.claims and self._run.may_run(about.target, about.rule)


def _about(item: pytest.Item, rule_id: str) -> About:
    """The item's parameters, as ``pytest_generate_tests`` made them."""
    params: dict[str, Any] = getattr(item, "callspec").params  # noqa: B009 - only parametrised items have it
    target: Target = params["nq_adapter"]
    name, options = params["anyio_backend"]
    return About(rule_id, target, "uvloop" if options.get("use_uvloop") else name)


def _seed(item: pytest.Item, seed: int) -> None:
    """Let the examples that Hypothesis draws depend on the run's seed alone."""
    test: Any = getattr(item, "obj", None)
    if hasattr(test, "hypothesis"):
        from hypothesis import seed as seeded  # noqa: PLC0415 - pytest must be ready first

        seeded(seed)(test)
