"""Options of jobs, drawn: those that change neither when a job may start nor its id."""

from __future__ import annotations

from hypothesis import strategies as st

from nq_conformance.contract import Backoff

_retention = st.booleans() | st.integers(0, 1000)

job_options = st.fixed_dictionaries(
    {},
    optional={
        "attempts": st.integers(1, 20),
        "backoff": st.builds(Backoff, st.sampled_from(["fixed", "exponential"]), st.integers(0, 100_000)),
        "priority": st.integers(0, 10_000),
        "timeout": st.integers(1, 1_000_000),
        "remove_on_complete": _retention,
        "remove_on_fail": _retention,
    },
)
"""Keyword arguments for ``Queue.add`` and ``Queue.schedule``."""
