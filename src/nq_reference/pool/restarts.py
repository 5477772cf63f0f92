"""When a worker that crashed is started again. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """At once after the first crash, then after a delay that doubles.

    - ``first_ms``: the delay after the second crash in a row.
    - ``most_ms``: no delay is longer.
    - ``healthy_ms``: a worker that ran for this long starts a new row.

    Raises ``ValueError`` for negative ones.
    """

    first_ms: int = 500
    most_ms: int = 30_000
    healthy_ms: int = 10_000

    def __post_init__(self) -> None:
        for name in ("first_ms", "most_ms", "healthy_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative: {getattr(self, name)}")

    def delay_ms(self, crashes_in_a_row: int) -> int:
        """How long to wait after the ``n``-th crash of a row, counted from 1."""
        if crashes_in_a_row < 2:
            return 0
        doubled: int = self.first_ms * 2 ** min(crashes_in_a_row - 2, 30)
        return min(doubled, self.most_ms)
