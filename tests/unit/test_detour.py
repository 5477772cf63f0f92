"""Which servers a proxy can be put before, and how their addresses are led through it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nq_conformance.adapters.loading import load_adapter
from nq_conformance.history import History
from nq_conformance.lab import Lab, make_setting
from nq_conformance.lab.detour import led_through, target_of
from nq_conformance.violation import Inconclusive


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this machine's own."""
    for name in ("PGPORT", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("redis://127.0.0.1:7000/0", ("127.0.0.1", 7000)),
        ("redis://:p%40ss@cache", ("cache", 6379)),
        ("rediss://cache:7000/0?ssl_cert_reqs=none", ("cache", 7000)),
        ("postgresql://me:p@ss@db:5433/jobs", ("db", 5433)),
        ("postgres://me@[::1]/jobs?sslmode=require", ("::1", 5432)),
    ],
)
def test_a_server_that_everybody_reaches_over_tcp_has_a_target(address: str, target: tuple[str, int]) -> None:
    """Host and port, the usual one if there is none."""
    assert target_of(address) == target


@pytest.mark.parametrize(
    "address",
    [
        "unix:///run/redis.sock",
        "unix://me:geheim@/run/redis.sock",
        "redis:///0",
        "redis://cache:70000/0",
        "postgresql:///jobs",
        "postgresql:///jobs?host=/var/run/postgresql",
        "postgresql://me:geheim@db/jobs?hostaddr=10.0.0.1",
        "postgresql://db/jobs?service=main",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/jobs",
        "postgresql://one:5432,two:5432/jobs",
        "postgresql://one,two:5432/jobs",
    ],
)
def test_what_leads_past_a_proxy_is_inconclusive(address: str) -> None:
    """With what to give instead, and without a password."""
    with pytest.raises(
        Inconclusive, match="one host and port that all clients go to: give redis://"
    ) as found:
        target_of(address)
    assert "geheim" not in found.value.reason


@pytest.mark.parametrize(
    "address",
    [
        "rediss://cache:7000/0",
        "rediss://cache:7000/0?ssl_cert_reqs=required",
        "postgresql://db/jobs?sslmode=verify-full",
        "postgresql://db/jobs?sslmode=verify-ca",
        "postgresql://db/jobs?sslrootcert=system",
    ],
)
def test_a_certificate_that_is_checked_is_inconclusive(address: str) -> None:
    """It is not that of 127.0.0.1, and the adapter would be blamed."""
    with pytest.raises(Inconclusive, match="check the server's certificate"):
        target_of(address)


def test_the_environment_of_postgres_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does for the adapter."""
    monkeypatch.setenv("PGPORT", "5433")
    assert target_of("postgresql://db/jobs") == ("db", 5433)
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    with pytest.raises(Inconclusive, match="certificate"):
        target_of("postgresql://db/jobs")
    assert target_of("postgresql://db/jobs?sslmode=prefer") == ("db", 5433)


def test_all_but_the_place_stays_as_it_is() -> None:
    """Login, database and options."""
    assert (
        led_through("postgresql://me:p@ss@db:5433/jobs?x=1", 9) == "postgresql://me:p@ss@127.0.0.1:9/jobs?x=1"
    )
    assert led_through("redis://cache/3", 9) == "redis://127.0.0.1:9/3"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_lab_puts_no_proxy_beside_a_socket() -> None:
    """Before a host it does, whether or not it is there."""
    history = History()
    setting = make_setting("nq_detour", history=history, url="redis://127.0.0.1:1/0")
    async with Lab(load_adapter("nq_reference:MemoryProvider"), setting, history) as lab:
        proxy, behind = await lab.proxied()
        assert behind.url == f"redis://127.0.0.1:{proxy.port}/0"
        lab.setting = replace(setting, url=None, dsn="postgresql:///jobs?host=/var/run/postgresql")
        with pytest.raises(Inconclusive, match="can't put a proxy before postgresql:///jobs, as"):
            await lab.proxied()
