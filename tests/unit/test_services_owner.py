"""Whose a container is, and whether that process is gone."""

from __future__ import annotations

import subprocess
import sys

from nq_conformance.services import owner


def label_of_a_dead_process() -> str:
    """What a process that has since ended called itself."""
    code = "from nq_conformance.services import owner; print(owner.this_process())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_this_process_is_not_gone() -> None:
    """What a living run has started is left alone."""
    assert not owner.is_gone(owner.this_process())


def test_a_process_that_ended_is_gone() -> None:
    """What a dead run has started may be removed."""
    assert owner.is_gone(label_of_a_dead_process())


def test_a_process_that_took_over_the_number_of_another_is_not_that_one() -> None:
    """Process ids are used again; the start time tells them apart (where the system says it)."""
    before, _, began = owner.this_process().rpartition("/")
    assert owner.is_gone(f"{before}/{began}0")


def test_of_another_machine_nothing_is_known() -> None:
    """Machines may share a Docker daemon; only the owner's machine can tell."""
    assert not owner.is_gone("elsewhere:pid:[1]/999999/1")


def test_a_label_that_is_not_ours_is_left_alone() -> None:
    """Only what can be read is judged."""
    assert not owner.is_gone("something else")
