"""The factory: the configured adapter, or an error that says what would have worked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import cast

import anyio
import pytest

from nq_conformance.contract import JobInput, RunContext
from nq_reference.config import ConfigError
from nq_reference.config.adapters import PostgresConfig, RedisConfig, SqliteConfig
from nq_reference.factory import adapter_config, create_adapter, create_provider, environment_values
from nq_reference.sources.redis import RedisSource

LOCATIONS = {
    "memory": None,
    "file": "jobs",
    "sqlite": "jobs.sqlite3",
    "redis": "redis://127.0.0.1:1/0",
    "postgres": "postgresql://127.0.0.1:1/none",
    "bullmq": "redis://127.0.0.1:1/0",
}


@pytest.fixture
def anyio_backend() -> str:
    """The providers of servers run on asyncio alone."""
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("name", LOCATIONS)
async def test_each_adapter_is_made_by_its_name_and_url(name: str, tmp_path: Path) -> None:
    """One option, url, whatever the adapter calls it; nothing is connected yet."""
    location = LOCATIONS[name]
    values = {"adapter": name}
    if location is not None:
        values["url"] = location if "://" in location else str(tmp_path / location)
    provider = create_provider(values)
    assert provider.name == name
    await provider.close()


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["redis", "bullmq"])
async def test_how_many_events_a_queue_keeps_is_an_option(name: str) -> None:
    """It reaches the source, beside options that are for the flows' stores."""
    values = {"adapter": name, "url": LOCATIONS[name], "event_stream_length": 7, "history_ms": 8}
    provider = create_provider(values)
    assert cast("RedisSource", provider._source)._event_stream_length == 7
    await provider.close()


@pytest.mark.anyio
async def test_an_adapter_comes_with_a_builder_of_its_worker_managers() -> None:
    """What is enqueued with the provider is run by the manager that it builds."""
    adapter = create_adapter({"adapter": "memory"})
    await adapter.provider.init()
    manager = adapter.worker_manager()
    done: list[object] = []
    ran = anyio.Event()

    async def handler(data: object, ctx: RunContext) -> None:
        done.append((data, ctx.queue))
        ran.set()

    await adapter.provider.enqueue("mail", JobInput("send", 1))
    await manager.register_worker("mail", "send", handler)
    with anyio.fail_after(10):
        await ran.wait()
    await adapter.provider.close()
    assert done == [(1, "mail")]


def test_without_a_name_it_is_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither configuration nor environment: what needs nothing."""
    monkeypatch.delenv("NQ_ADAPTER", raising=False)
    monkeypatch.delenv("NQ_URL", raising=False)
    assert create_provider().name == "memory"


def test_the_environment_says_which_and_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NQ_ADAPTER and NQ_URL, where no configuration is given."""
    monkeypatch.setenv("NQ_ADAPTER", "sqlite")
    monkeypatch.setenv("NQ_URL", str(tmp_path / "jobs.sqlite3"))
    assert adapter_config(environment_values()) == SqliteConfig(path=tmp_path / "jobs.sqlite3")


def test_a_configuration_is_typed() -> None:
    """Values become fields, with defaults for the rest."""
    config = adapter_config(
        {"adapter": "postgres", "dsn": "postgresql://x/y", "schema": "mine", "listen": False}
    )
    assert config == PostgresConfig(dsn="postgresql://x/y", schema="mine", listen=False)


def test_what_is_shown_of_a_configuration_has_no_password() -> None:
    """An address may hold one."""
    assert "secret" not in repr(RedisConfig(url="redis://:secret@127.0.0.1/0"))


WRONG = {
    "name": (
        {"adapter": "reddis"},
        "unknown adapter 'reddis'; did you mean 'redis'? known: bullmq, file, memory",
    ),
    "option": (
        {"adapter": "redis", "prefx": "a"},
        "redis adapter: unknown option 'prefx'; did you mean 'prefix'?",
    ),
    "type": ({"adapter": "redis", "prefix": 1}, "redis adapter: prefix must be text, not 1"),
    "missing": ({"adapter": "sqlite"}, "sqlite adapter: path is missing (the file, made if it is missing"),
    "choice": (
        {"adapter": "file", "url": "x", "fsync": "allways"},
        "unknown value 'allways'; did you mean 'always'?",
    ),
    "least": ({"adapter": "memory", "close_timeout_ms": -1}, "close_timeout_ms must be 0 or more, not -1"),
    "boolean": ({"adapter": "memory", "close_timeout_ms": True}, "must be a whole number, not True"),
    "twice": ({"adapter": "file", "url": "x", "directory": "y"}, "url and directory say the same"),
}


@pytest.mark.parametrize(("values", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_what_is_known(values: dict[str, object], message: str) -> None:
    """Who reads the message need not look anything up."""
    with pytest.raises(ConfigError) as raised:
        adapter_config(values)
    assert message in str(raised.value)


def test_all_mistakes_are_told_at_once() -> None:
    """One run shows all of them."""
    with pytest.raises(ConfigError) as raised:
        adapter_config({"adapter": "redis", "prefix": 1, "ulr": "x"})
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("name", "module"), [("redis", "redis"), ("postgres", "asyncpg"), ("bullmq", "bullmq")]
)
def test_a_missing_client_library_is_named_with_the_command_that_installs_it(name: str, module: str) -> None:
    """The extra is named as pip takes it."""
    script = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from nq_reference.factory import create_provider\n"
        f"create_provider({{'adapter': {name!r}, 'url': {LOCATIONS[name]!r}}})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    message = f"needs the module {module!r}, which is not installed: pip install nq-conformance[{name}]"
    assert message in done.stderr
