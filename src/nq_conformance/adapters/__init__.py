"""Adapters as the kit sees them, and how a target string becomes one."""

from nq_conformance.adapters.adapter import ASYNC_BACKENDS, Adapter
from nq_conformance.adapters.capability import Capability
from nq_conformance.adapters.setting import Service, Setting

__all__ = ["ASYNC_BACKENDS", "Adapter", "Capability", "Service", "Setting"]
