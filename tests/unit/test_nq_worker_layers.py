"""Arguments win over the environment, the environment over the file, by whichever name of an option."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from nq_reference.cli.backend import values_of
from nq_reference.config import ConfigError
from nq_reference.config.adapters import PostgresConfig, SqliteConfig
from nq_reference.factory import adapter_config

SQLITE = 'adapter = "sqlite"\n'
POSTGRES = 'adapter = "postgres"\n'


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NQ_ADAPTER", "NQ_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its configuration."""
    return tmp_path / "nq.toml"


def given(file: Path, **arguments: str) -> argparse.Namespace:
    """What the command line was given."""
    return argparse.Namespace(config=file, **arguments)


@pytest.mark.parametrize("own", ["path", "url"])
def test_an_argument_wins_over_the_file_by_either_name(file: Path, own: str) -> None:
    """A file says path, the arguments say url."""
    file.write_text(f'{SQLITE}{own} = "of-file"\nprefix = "p"\n')
    assert adapter_config(values_of(given(file))) == SqliteConfig(path=Path("of-file"), prefix="p")
    values = values_of(given(file, url="of-arguments"))
    assert adapter_config(values) == SqliteConfig(path=Path("of-arguments"), prefix="p")


def test_the_environment_wins_over_the_file_by_either_name(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the arguments win over both."""
    file.write_text(f'{SQLITE}path = "of-file"\n')
    monkeypatch.setenv("NQ_URL", "of-environment")
    assert adapter_config(values_of(given(file))) == SqliteConfig(path=Path("of-environment"))
    values = values_of(given(file, url="of-arguments"))
    assert adapter_config(values) == SqliteConfig(path=Path("of-arguments"))


def test_a_prefix_wins_over_the_files_schema(file: Path) -> None:
    """Which are two names of one option of Postgres."""
    file.write_text(f'{POSTGRES}dsn = "postgresql://h/x"\nschema = "of-file"\n')
    values = values_of(given(file, prefix="of-arguments"))
    assert adapter_config(values) == PostgresConfig(dsn="postgresql://h/x", schema="of-arguments")


def test_both_names_in_one_file_stay_an_error(file: Path) -> None:
    """Also where an argument says the same."""
    file.write_text(f'{SQLITE}path = "a"\nurl = "b"\n')
    for arguments in (given(file), given(file, url="c")):
        with pytest.raises(ConfigError, match="url and path say the same; give one of them"):
            adapter_config(values_of(arguments))


def test_another_adapter_leaves_nothing_of_the_files_options(file: Path) -> None:
    """But the folder of the workers."""
    file.write_text(f'{POSTGRES}dsn = "postgresql://h/x"\nlisten = false\nqueues = "queues"\n')
    values = values_of(given(file, adapter="sqlite", url="of-arguments"))
    assert values == {"adapter": "sqlite", "url": "of-arguments", "queues": file.parent / "queues"}


def test_an_address_of_the_environment_is_for_the_adapter_of_the_arguments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the environment names none."""
    monkeypatch.setenv("NQ_URL", "of-environment")
    values = values_of(argparse.Namespace(config=None, adapter="sqlite"))
    assert adapter_config(values) == SqliteConfig(path=Path("of-environment"))


@pytest.mark.parametrize("adapter", ["reddis", ["redis"]])
def test_an_adapter_that_there_is_not_is_told(adapter: object) -> None:
    """Whatever it is."""
    with pytest.raises(ConfigError, match="unknown adapter"):
        adapter_config({"adapter": adapter, "url": "x", "path": "y"})
