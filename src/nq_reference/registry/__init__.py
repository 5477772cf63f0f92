"""The registry: what workers a folder has, found without running any of them (seed sections 4 and 7)."""

from nq_reference.registry.scanning import scan
from nq_reference.registry.steps import flow_steps, loose_triggers
from nq_reference.registry.worker import FoundWorker

__all__ = ["FoundWorker", "flow_steps", "loose_triggers", "scan"]
