"""Addresses lose their secrets before they are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nq_conformance.services.urls import redacted, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:secret@host:6379/0", "redis://***@host:6379/0"),
        ("redis://me:secret@host", "redis://***@host"),
        ("redis://:sec@ret@host:1/0", "redis://***@host:1/0"),
        ("redis://:sec/ret@host:1/0", "redis://***@host:1/0"),
        ("redis://:secret?more@host:1/0", "redis://***"),
        ("redis://host:1/0?password=secret", "redis://host:1/0"),
        ("unix:///run/redis.sock?password=secret", "unix:///run/redis.sock"),
        ("rediss://:secret@[::1]:6380/0", "rediss://***@[::1]:6380/0"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    """Host, port and path stay; user, password and query go."""
    assert without_secrets(url) == shown


@given(st.text("ab@:/?#[]%&=", min_size=1))
def test_no_password_survives_whatever_is_in_it(middle: str) -> None:
    """Passwords that were not escaped, as they should be, are hidden too."""
    url = f"redis://:zzz{middle}zzz@host:6379/0"
    assert "zzz" not in without_secrets(url)


def test_a_message_of_a_library_is_cleared_of_the_password() -> None:
    """Client libraries may repeat what they were given."""
    url = "redis://me:top%20secret@host:1/0"
    assert redacted("no user me:top%20secret or 'top secret'", url) == "no user *** or '***'"
