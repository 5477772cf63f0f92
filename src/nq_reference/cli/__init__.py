"""The command ``nq-worker``: runs a folder of workers, and asks and feeds their queues."""

from nq_reference.cli.main import main

__all__ = ["main"]
