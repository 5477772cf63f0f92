"""Which of the keys that a storage has are those of jobs' records."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def stems_of(keys: Iterable[str], job_ids: Collection[str]) -> set[str]:
    """What stands before the id in the keys of the jobs' records: nothing, or text that ends with a
    character that is no part of a name.

    Where ids are small numbers, a priority's or a queue's key may end like a job's. So a stem must have
    a key for each of ``job_ids``, which are better several: what jobs share ends like one of them, not
    like all.
    """
    known = set(keys)
    found = [{key.removesuffix(id) for key in known if key.endswith(id)} for id in job_ids]
    common = set.intersection(*found) if found else set()
    return {stem for stem in common if not stem[-1:].isalnum()}
