"""Jobs in Postgres: one row a job, one call of one function for each verb, notifications for wake-ups."""

from nq_reference.sources.postgres.source import PostgresSource

__all__ = ["PostgresSource"]
