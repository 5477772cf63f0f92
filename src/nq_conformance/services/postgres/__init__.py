"""Postgres for a run: four ways to one, how it is asked for, and a database for each test in it."""

from nq_conformance.services.postgres.ahead import DatabasesAhead
from nq_conformance.services.postgres.client import ask as ask_postgres
from nq_conformance.services.postgres.databases import Databases
from nq_conformance.services.postgres.forgetting import forget_postgres_jobs
from nq_conformance.services.postgres.resolution import start_lasting_postgres, start_postgres
from nq_conformance.services.postgres.sessions import end_postgres_sessions
from nq_conformance.services.postgres.transactions import open_transactions

__all__ = [
    "Databases",
    "DatabasesAhead",
    "ask_postgres",
    "end_postgres_sessions",
    "forget_postgres_jobs",
    "open_transactions",
    "start_lasting_postgres",
    "start_postgres",
]
