"""The flow engine: triggers become jobs of the steps that subscribe to them."""

from nq_reference.flow.engine import FlowStep, QueueFlowEngine

__all__ = ["FlowStep", "QueueFlowEngine"]
