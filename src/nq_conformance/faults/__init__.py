"""Faults that the kit can inject, one a file. Each heals at the end of its test."""

from nq_conformance.faults.connection import Proxy

__all__ = ["Proxy"]
