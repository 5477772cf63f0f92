"""The worker engine: written once, over ``JobSource``."""

from nq_reference.engine.manager import EngineWorkerManager

__all__ = ["EngineWorkerManager"]
