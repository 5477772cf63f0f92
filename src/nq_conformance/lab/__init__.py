"""The lab: what a rule's test works with. An adapter under observation, with queues,
handlers that remember, events that are kept, and ways to wait for them.

It observes through the contract alone and judges nothing: that is the suite's business.
"""

from nq_conformance.lab.bus import Bus, RecordingFlow, RecordingState
from nq_conformance.lab.facade import ManagerUnderTest, ProviderUnderTest
from nq_conformance.lab.handlers import Gate, Recorder, Run
from nq_conformance.lab.lab import Lab, make_setting
from nq_conformance.lab.queue import EventLog, Queue

__all__ = [
    "Bus",
    "EventLog",
    "Gate",
    "Lab",
    "ManagerUnderTest",
    "ProviderUnderTest",
    "Queue",
    "Recorder",
    "RecordingFlow",
    "RecordingState",
    "Run",
    "make_setting",
]
