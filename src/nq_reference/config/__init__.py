"""Configuration: frozen dataclasses read from plain values, with errors that help, and their JSON Schema.

What is read from where (a mapping, TOML, the environment, a worker's file) is the business of those
who read it; here is only how values become typed options.
"""

from nq_reference.config.errors import ConfigError, unknown
from nq_reference.config.options import About, camel, snake
from nq_reference.config.reading import read
from nq_reference.config.schema import schema_of

__all__ = ["About", "ConfigError", "camel", "read", "schema_of", "snake", "unknown"]
