"""Outcomes inside pytest's reports, where they survive the way from a worker to the controller."""

from __future__ import annotations

import json

import pytest

from nq_conformance.report.outcome import Outcome
from nq_conformance.report.wrapping import printable

OUTCOME_PROPERTY = "nq_outcome"
NOTE_PROPERTY = "nq_note"


def attach(report: pytest.TestReport, outcome: Outcome) -> None:
    """Put the outcome into the report."""
    report.user_properties.append((OUTCOME_PROPERTY, json.dumps(outcome.to_dict())))


def outcome_of(report: pytest.TestReport) -> Outcome | None:
    """The outcome in the report, or ``None`` if it is not of a test of the suite."""
    for name, value in report.user_properties:
        if name == OUTCOME_PROPERTY and isinstance(value, str):
            return Outcome.from_dict(json.loads(value))
    return None


def notes_of(item: pytest.Item) -> tuple[str, ...]:
    """What the test noted with ``record_property("nq_note", …)``."""
    return tuple(printable(str(value)) for name, value in item.user_properties if name == NOTE_PROPERTY)
