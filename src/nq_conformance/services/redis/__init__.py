"""Redis for a run: five ways to one, how it is asked for, and how a test's keys are removed."""

from nq_conformance.services.redis.cleaning import clean_redis
from nq_conformance.services.redis.forgetting import forget_redis_jobs
from nq_conformance.services.redis.resolution import start_lasting_redis, start_redis
from nq_conformance.services.redis.sessions import end_redis_sessions, redis_user
from nq_conformance.services.redis.slots import set_eviction_policy, slots_of

__all__ = [
    "clean_redis",
    "end_redis_sessions",
    "forget_redis_jobs",
    "redis_user",
    "set_eviction_policy",
    "slots_of",
    "start_lasting_redis",
    "start_redis",
]
