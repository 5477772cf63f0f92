"""Profiles: the groups of rules for which an adapter can earn a badge.

Each is a function of a rule's flags, area and capabilities, and together they leave no rule out:

- ``runtime``: the area RPC.
- ``durable``: flagged d. ``distributed``: flagged p. A rule with both flags is in both.
- ``worker``: none of the above, and flagged w, or in a worker area (CON, DSP, RUN, CTX), or with
  a capability (the cron rules: they are seen when jobs run, so they belong here where claimed).
- ``core``: all the rest, which holds for every adapter.

The flag f moves no rule: how a situation is brought about does not change who owes what.
Whether a rule applies to an adapter at all is another question, see ``lacks``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from nq_conformance.requirements.rule import Rule


@dataclass(frozen=True, slots=True)
class Profile:
    """A badge's name, what it says about an adapter, and which rules it stands for."""

    name: str
    summary: str
    contains: Callable[[Rule], bool]


def _is_runtime(rule: Rule) -> bool:
    return rule.area == "RPC"


def _is_durable(rule: Rule) -> bool:
    return not _is_runtime(rule) and "d" in rule.flags


def _is_distributed(rule: Rule) -> bool:
    return not _is_runtime(rule) and "p" in rule.flags


def _is_basic(rule: Rule) -> bool:
    return not (_is_runtime(rule) or _is_durable(rule) or _is_distributed(rule))


def _is_worker(rule: Rule) -> bool:
    return _is_basic(rule) and (rule.needs_worker or bool(rule.capabilities))


def _is_core(rule: Rule) -> bool:
    return _is_basic(rule) and not _is_worker(rule)


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("core", "stores jobs and answers for them", _is_core),
            Profile("worker", "runs jobs as the contract says", _is_worker),
            Profile("durable", "keeps its promises over crashes and restarts", _is_durable),
            Profile("distributed", "keeps them with several processes", _is_distributed),
            Profile("runtime", "runs handlers in child processes", _is_runtime),
        )
    }
)
"""The profiles by name, in the order in which they are reported."""


def profiles_of(rule: Rule) -> tuple[str, ...]:
    """The names of the profiles that ``rule`` belongs to: at least one."""
    return tuple(name for name, profile in PROFILES.items() if profile.contains(rule))
