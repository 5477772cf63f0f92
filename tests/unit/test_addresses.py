"""The address of a server is checked before its client sees it, and never shown."""

from __future__ import annotations

import pytest

from nq_reference.config import ConfigError
from nq_reference.factory import adapter_config

NONE_OF_REDIS = "it begins with none of redis://, rediss://, unix://"
NONE_OF_POSTGRES = "it begins with none of postgresql://, postgres://"
PORT = "its port is no number from 0 to 65535"
HOST = "its host can't be read"
REDIS_FORM = "write redis://user:password@host:6379/0"
POSTGRES_FORM = "write postgresql://user:password@host:5432/database"

WRONG_REDIS = {
    "": NONE_OF_REDIS,
    "localhost:6379": NONE_OF_REDIS,
    "redis:localhost": NONE_OF_REDIS,
    "redis": NONE_OF_REDIS,
    "http://localhost": NONE_OF_REDIS,
    "redis://localhost:abc": PORT,
    "redis://localhost:65536": PORT,
    "redis://:se/cret@localhost:6379": PORT,
    "redis://[::1": HOST,
    "redis://localhost?db=x": "db in it is no number",
    "redis://localhost?socket_timeout=soon": "socket_timeout in it is no number",
}
WRONG_POSTGRES = {
    "localhost:5432": NONE_OF_POSTGRES,
    "h:secret@localhost/x": NONE_OF_POSTGRES,
    "postgresql://h:abc/x": PORT,
    "postgresql://h:65536/x": PORT,
    "postgresql://u:se/cret@h/x": PORT,
    "postgresql:///x?port=1,abc": PORT,
    "postgresql:///x?host=h:abc": PORT,
    "postgresql://u:se@cret@h/x": "it has more than one @",
    "postgresql://[::1/x": HOST,
    "postgresql://[::1]x:5/x": HOST,
    "postgresql://a,,b/x": HOST,
    "postgresql://h/x?a": "what follows its ? is not name=value, joined by &",
}
SOUND = {
    "redis": (
        "redis://localhost",
        "REDIS://:p@ss@localhost:6379/0?db=1&socket_timeout=0.5",
        "rediss://u:p%2Fw@h:1/0?ssl_cert_reqs=none",
        "redis://[::1]:6379",
        "unix:///tmp/redis.sock?db=0",
        "unix://user:abc@/tmp/redis.sock",
    ),
    "postgres": (
        "",
        "postgresql://",
        "postgres://u:p%40w@h:5432/x?sslmode=require",
        "postgresql://a:1,b,[::1]:3,[::1]/x?target_session_attrs=any",
        "postgresql://u@/x?host=/run/postgresql&port=5433",
        "postgresql://%2Frun%2Fpostgresql/x",
        "postgresql://:5433/x",
    ),
}


@pytest.mark.parametrize("adapter", ["redis", "bullmq"])
@pytest.mark.parametrize(("address", "problem"), WRONG_REDIS.items())
def test_a_malformed_address_of_redis_is_told_with_what_to_write(
    adapter: str, address: str, problem: str
) -> None:
    """By the option's name."""
    with pytest.raises(ConfigError) as raised:
        adapter_config({"adapter": adapter, "url": address})
    message = str(raised.value)
    assert message.startswith(f"{adapter} adapter: url is no address of a server: {problem}; {REDIS_FORM}, ")


@pytest.mark.parametrize("option", ["url", "dsn"])
@pytest.mark.parametrize(("address", "problem"), WRONG_POSTGRES.items())
def test_a_malformed_address_of_postgres_is_told_with_what_to_write(
    option: str, address: str, problem: str
) -> None:
    """By the name that it was given under."""
    with pytest.raises(ConfigError) as raised:
        adapter_config({"adapter": "postgres", option: address})
    message = str(raised.value)
    assert message.startswith(
        f"postgres adapter: {option} is no address of a server: {problem}; {POSTGRES_FORM}, "
    )


@pytest.mark.parametrize(
    ("adapter", "address"), [(adapter, address) for adapter, of in SOUND.items() for address in of]
)
def test_an_address_that_the_client_takes_is_taken(adapter: str, address: str) -> None:
    """Whatever else the client makes of it."""
    config = adapter_config({"adapter": adapter, "url": address})
    assert getattr(config, config.location or "") == address


SECRETS = [
    ("redis", "sesame://x:sesame@h:sesame/sesame?db=sesame"),
    ("redis", "redis://:sesame@[h"),
    ("redis", "redis://:sesame@h:sesame"),
    ("redis", "redis://:sesame@h?db=sesame"),
    ("redis", "redis://:sesame\u2100@h"),  # which the standard library quotes
    ("redis", ["redis://:sesame@h"]),
    ("postgres", "sesame:sesame@h"),
    ("postgres", "postgresql://u:sesame/1@h/x"),
    ("postgres", "postgresql://u:1@sesame@h/x"),
    ("postgres", "postgresql://h/x?sesame"),
    ("postgres", {"password": "sesame"}),
]


@pytest.mark.parametrize(("adapter", "address"), SECRETS)
def test_nothing_of_an_address_is_shown(adapter: str, address: object) -> None:
    """Neither by the message nor by an error behind it."""
    with pytest.raises(ConfigError) as raised:
        adapter_config({"adapter": adapter, "url": address})
    shown = raised.value.__cause__ or (not raised.value.__suppress_context__ and raised.value.__context__)
    assert "sesame" not in f"{raised.value} {shown}"
