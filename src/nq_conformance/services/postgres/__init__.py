"""Postgres for a run: four ways to one, how it is asked for, and a database for each test in it."""

from nq_conformance.services.postgres.client import ask as ask_postgres
from nq_conformance.services.postgres.databases import Databases
from nq_conformance.services.postgres.resolution import start_postgres

__all__ = ["Databases", "ask_postgres", "start_postgres"]
