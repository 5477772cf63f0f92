"""The runner: one attempt at one job, the same for every backend (seed section 5)."""

from nq_reference.runner.attempt import Attempt, Runner
from nq_reference.runner.context import Services
from nq_reference.runner.step import Step

__all__ = ["Attempt", "Runner", "Services", "Step"]
