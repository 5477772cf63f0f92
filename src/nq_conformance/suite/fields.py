"""A job taken apart, so that two can be compared field by field, whatever classes they are of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from nq_conformance.contract import Job, JobOptions
from nq_conformance.suite.json_values import same

MISSING = "(it has no such attribute)"
_JOB = tuple(f.name for f in dataclasses.fields(Job) if f.name != "opts")
_OPTIONS = tuple(f.name for f in dataclasses.fields(JobOptions) if f.name != "backoff")


def fields_of(job: object) -> dict[str, Any]:
    """The contract's fields of ``job`` by name, those of its options as ``opts.…``; what it lacks
    is ``MISSING``."""
    opts = getattr(job, "opts", MISSING)
    backoff = getattr(opts, "backoff", MISSING)
    whole = backoff if backoff is None else _attributes(backoff, ("type", "delay"))
    return {
        **_attributes(job, _JOB),
        **{f"opts.{name}": value for name, value in _attributes(opts, _OPTIONS).items()},
        "opts.backoff": MISSING if backoff == MISSING else whole,
    }


def differences(left: Mapping[str, Any], right: Mapping[str, Any], *, but: tuple[str, ...] = ()) -> list[str]:
    """The names of the fields in which the two differ, or that one of them lacks; ``but`` those."""
    return [
        name
        for name in left
        if name not in but and (MISSING in (left[name], right[name]) or not same(left[name], right[name]))
    ]


def _attributes(thing: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(thing, name, MISSING) for name in names}
