"""How slow this machine is now, so that budgets fit it: the time scale of a run that was given none.

A fixed piece of work of the kind that adapters in Python do is timed against what it takes on an
ordinary machine that is idle. A machine that is slow or busy takes longer, and gets longer budgets.
A fast one gets no shorter ones: what a budget allows is a promise to users.
"""

from __future__ import annotations

import json
import time
from typing import Final

_USUAL_S: Final = 0.06
"""What the work takes on an idle core of 2020 or later, under CPython 3.11."""
_ROUNDS: Final = 6_000
_SLOW: Final = 1.5
"""Below this ratio the budgets' own room is enough."""
_MOST: Final = 10.0
_RECORD: Final = {"id": "4f0c", "name": "resize", "data": [1, 2.5, None, "ü"], "opts": {"attempts": 3}}


def time_scale_of(took_s: float, usual_s: float = _USUAL_S) -> float:
    """The factor for budgets where the work took ``took_s`` seconds: 1, or from 1.5 to 10 in tenths."""
    ratio = took_s / usual_s
    return 1.0 if ratio < _SLOW else min(round(ratio, 1), _MOST)


def measure_time_scale() -> float:
    """Do the work once, within a tenth of a second on most machines, and tell the factor."""
    began = time.perf_counter()
    for _ in range(_ROUNDS):
        json.loads(json.dumps(_RECORD))
    return time_scale_of(time.perf_counter() - began)
