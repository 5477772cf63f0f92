"""What a test may say of a host's environment, and what it can read of what the host says."""

from __future__ import annotations

import sys

import pytest

from nq_conformance.adapters.loading import load_adapter
from nq_conformance.history import History
from nq_conformance.lab import Lab, make_setting

pytestmark = pytest.mark.anyio
MEMORY = "nq_reference:MemoryProvider"
SPEAKING = "import os, sys; print(os.environ.get('TZ'), file=sys.stderr, flush=True); sys.stdin.read()"


@pytest.fixture
def anyio_backend() -> str:
    """The host's side is not in question."""
    return "asyncio"


def lab_with(command: list[str]) -> Lab:
    """A lab that starts ``command`` for hosts."""
    history = History()
    return Lab(load_adapter(MEMORY), make_setting("nq_host", history=history), history, host_command=command)


async def test_a_host_has_the_environment_that_it_is_given_and_can_be_read() -> None:
    """Beside that of the kit; what it writes to stderr is kept."""
    async with lab_with([sys.executable, "-c", SPEAKING]) as lab:
        host = await lab.host(env={"TZ": "Asia/Kathmandu"})

        async def has_spoken() -> bool:
            return bool(host.log)

        await lab.eventually(has_spoken, expected="a line on stderr", seen=lambda: "none")
        assert host.log == ("Asia/Kathmandu",)
