"""nq_conformance: judges job-queue adapters by the contract they promise to keep.

Importing this loads the contract and the adapter types only: neither pytest nor any
client library.
"""

from nq_conformance.adapters import Adapter, Capability, Service, Setting

__version__ = "0.1.0"

__all__ = ["Adapter", "Capability", "Service", "Setting", "__version__"]
