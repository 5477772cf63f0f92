"""The address of Redis has options for its client; one that the client does not know is told at once."""

from __future__ import annotations

import pytest

from nq_conformance.contract import QueueError
from nq_reference import BullMQProvider, RedisProvider
from nq_reference.events.redis import RedisEvents
from nq_reference.state.redis import RedisState


@pytest.mark.parametrize("kind", [RedisProvider, BullMQProvider, RedisEvents, RedisState])
def test_an_option_that_is_not_known_is_named(kind: type) -> None:
    """Not with the first command, and without the password."""
    with pytest.raises(QueueError, match="the option 'tiemout', which redis-py does not know") as caught:
        kind("redis://me:geheim@127.0.0.1:1/0?tiemout=3")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("kind", [RedisProvider, BullMQProvider])
def test_an_option_of_the_client_is_taken(kind: type) -> None:
    """Nothing is connected yet."""
    kind("redis://127.0.0.1:1/0?health_check_interval=30")
