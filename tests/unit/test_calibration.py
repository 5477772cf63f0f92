"""The time scale of a run that was given none."""

from __future__ import annotations

import pytest

from nq_conformance.calibration import measure_time_scale, time_scale_of


@pytest.mark.parametrize(
    ("took_s", "scale"),
    [
        (0.001, 1.0),  # a fast machine gets no shorter budgets
        (0.10, 1.0),
        (0.149, 1.0),
        (0.16, 1.6),
        (0.234, 2.3),
        (0.999, 10.0),
        (60.0, 10.0),  # a machine that stood still is for the machine watch to tell of
    ],
)
def test_a_slow_machine_gets_longer_budgets_within_bounds(took_s: float, scale: float) -> None:
    """In tenths, so that a header is readable and a repeat likely to be the same."""
    assert time_scale_of(took_s, usual_s=0.1) == scale


def test_the_measurement_gives_a_scale_within_the_bounds() -> None:
    """Whatever this machine is doing now."""
    assert 1.0 <= measure_time_scale() <= 10.0
