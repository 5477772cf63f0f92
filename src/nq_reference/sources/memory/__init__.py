"""Jobs in this process's memory."""

from nq_reference.sources.memory.queue import JobRecord, MemoryQueue
from nq_reference.sources.memory.source import MemorySource

__all__ = ["JobRecord", "MemoryQueue", "MemorySource"]
