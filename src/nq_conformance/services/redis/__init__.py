"""Redis for a run: five ways to one, how it is asked for, and how a test's keys are removed."""

from nq_conformance.services.redis.cleaning import clean_redis
from nq_conformance.services.redis.resolution import start_redis

__all__ = ["clean_redis", "start_redis"]
