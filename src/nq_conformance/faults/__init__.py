"""Faults that the kit can inject, one a file. Each heals at the end of its test."""

from nq_conformance.faults.clock import WrongClock, clock_off_by
from nq_conformance.faults.connection import Proxy
from nq_conformance.faults.locked_files import LockedFiles
from nq_conformance.faults.server import OwnServer, own_server
from nq_conformance.faults.sessions import Sessions, sessions_of

__all__ = [
    "LockedFiles",
    "OwnServer",
    "Proxy",
    "Sessions",
    "WrongClock",
    "clock_off_by",
    "own_server",
    "sessions_of",
]
