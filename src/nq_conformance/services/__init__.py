"""Servers for a run of the kit: a given one, or one that is started for the run and ends with it.

What is shared by all services lives here (errors, how a choice is resolved, the keeper that
ends a server even after a crash, containers); what is one service's own lives in a package
named after it. No client library is loaded before a service is asked for.
"""

from nq_conformance.services.errors import Attempt, ServiceError
from nq_conformance.services.info import RunningService, ServiceInfo, Switch
from nq_conformance.services.postgres import (
    Databases,
    DatabasesAhead,
    ask_postgres,
    end_postgres_sessions,
    forget_postgres_jobs,
    open_transactions,
    start_lasting_postgres,
    start_postgres,
)
from nq_conformance.services.records import stems_of
from nq_conformance.services.redis import (
    clean_redis,
    end_redis_sessions,
    forget_redis_jobs,
    redis_user,
    set_eviction_policy,
    slots_of,
    start_lasting_redis,
    start_redis,
)

__all__ = [
    "Attempt",
    "Databases",
    "DatabasesAhead",
    "RunningService",
    "ServiceError",
    "ServiceInfo",
    "Switch",
    "ask_postgres",
    "clean_redis",
    "end_postgres_sessions",
    "end_redis_sessions",
    "forget_postgres_jobs",
    "forget_redis_jobs",
    "open_transactions",
    "redis_user",
    "set_eviction_policy",
    "slots_of",
    "start_lasting_postgres",
    "start_lasting_redis",
    "start_postgres",
    "start_redis",
    "stems_of",
]
