"""A rule and an area, as values, and the words that a rule may use: levels, flags, capabilities.

No reading of files (``reading``, ``loading``) and no choosing of rules (``catalogue``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

Level: TypeAlias = Literal["MUST", "SHOULD", "MAY"]
LEVELS: tuple[Level, ...] = ("MUST", "SHOULD", "MAY")
"""As in RFC 2119, strongest first; a rule has the strongest word of its sentence."""

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "w": "seen only through a worker",
        "d": "only where data outlives the process",
        "p": "only with several processes",
        "f": "only under an injected fault (kill, freeze, cut, restart, clock)",
    }
)
"""Each flag and its meaning, in the order in which flags are shown."""

KNOWN_CAPABILITIES: frozenset[str] = frozenset(
    {
        "durable",
        "distributed",
        "distributed_events",
        "cron",
        "cron_seconds",
        "enqueue_many",
        "remove_job",
        "get_scheduled_jobs",
        "remove_scheduled_job",
        "start_worker",
        "python_runtime",
        "node_runtime",
    }
)
"""The values of ``nq_conformance.adapters.Capability``, which lies above this package and so
can't be imported here; a unit test keeps the two equal."""

KNOWN_SERVICES: frozenset[str] = frozenset({"none", "redis", "postgres", "directory"})
"""The values of ``nq_conformance.adapters.Service``, kept equal in the same way."""

FLAG_CLAIMS: Mapping[str, str] = MappingProxyType({"w": "worker", "d": "durable", "p": "distributed"})
"""What an adapter must claim for a flag. ``worker`` is no capability: it means that there is a
worker manager. A fault (f) is the kit's doing and needs no claim."""

WORKER_AREAS: frozenset[str] = frozenset({"CON", "DSP", "RUN", "CTX", "RPC"})
"""Areas that are about the worker manager. Their rules need one even without the flag w: to
refuse bad options (CON-03) no handler has to run, but there must be something to refuse them."""

RUNTIMES: tuple[str, ...] = ("python_runtime", "node_runtime")
"""The capabilities of running handlers in child processes. A rule of RPC applies to an adapter that
claims one of them, unless the rule itself names one; its tests run for each that is claimed."""


@dataclass(frozen=True, slots=True)
class Area:
    """A chapter of the catalogue; ``id`` is the prefix of its rules' ids."""

    id: str
    title: str
    intro: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that an adapter must do, should do or may do.

    - ``sentence``: the rule. ``why``: what an application loses where it is broken.
    - ``fault``: a wrong adapter that breaks just this rule; its subject is 'the adapter'.
    - ``flags``: see ``FLAGS``. ``capabilities``: further claims, all of which it needs.
    - ``services``: those of which it needs one, for a rule about what a service is like; empty: any.
    - ``source``: where the rule comes from (``S§n`` is section n of the seed); may be empty.
    - ``rests_on``: rules without which this one can't be judged; direct ones only.
    - ``hints``: where the author of an adapter should look first.
    - ``since``: the version of the kit that first had it.
    - ``untested``: why the suite has no test for it; ``None`` where it has one.
    - ``uses``: capabilities that it does not need, but that its tests put to use where they are claimed.
    """

    id: str
    area: str
    level: Level
    sentence: str
    why: str
    fault: str
    flags: frozenset[str]
    capabilities: tuple[str, ...]
    services: tuple[str, ...]
    source: tuple[str, ...]
    rests_on: tuple[str, ...]
    hints: tuple[str, ...]
    since: str
    untested: str | None
    uses: tuple[str, ...] = ()

    @property
    def needs_worker(self) -> bool:
        """Whether a worker manager is needed: flagged w, or in one of ``WORKER_AREAS``."""
        return "w" in self.flags or self.area in WORKER_AREAS

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Capabilities of which it needs one, whichever it is; empty: none."""
        any_runtime = self.area == "RPC" and not set(self.capabilities).intersection(RUNTIMES)
        return RUNTIMES if any_runtime else ()

    @property
    def ordered_flags(self) -> tuple[str, ...]:
        """The flags in the order of ``FLAGS``."""
        return tuple(flag for flag in FLAGS if flag in self.flags)


def claims_of(rule: Rule) -> frozenset[str]:
    """What an adapter must claim for ``rule`` to apply to it, beside one of its services and alternatives.

    ``worker`` where the rule needs a worker manager, ``durable`` and ``distributed`` by flag,
    and the rule's capabilities. Empty for a rule that holds for every adapter.
    """
    by_flag = {FLAG_CLAIMS[flag] for flag in rule.flags if flag in FLAG_CLAIMS}
    worker = {"worker"} if rule.needs_worker else set()
    return frozenset(by_flag | worker | set(rule.capabilities))


def lacks(rule: Rule, claims: frozenset[str]) -> tuple[str, ...]:
    """What an adapter with these ``claims``, its service among them, lacks for ``rule`` to apply to it."""
    missing = sorted(claims_of(rule) - claims)
    if rule.alternatives and not claims.intersection(rule.alternatives):
        missing.append(" or ".join(rule.alternatives))
    if rule.services and not claims.intersection(rule.services):
        missing.append(f"the service {' or '.join(rule.services)}")
    return tuple(missing)
