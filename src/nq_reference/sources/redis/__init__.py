"""Jobs in Redis: one hash a job, sorted sets for the states, a Lua script for each verb."""

from nq_reference.sources.redis.source import RedisSource

__all__ = ["RedisSource"]
