"""Handlers of this process are imported from their files as a process of their own would run them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nq_reference.config import ConfigError
from nq_reference.handlers import load_handler


@pytest.fixture(autouse=True)
def unchanged_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test imports is gone after it."""
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("nq_reference.handlers._beside", {})
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def write(folder: Path, **files: str) -> Path:
    """Python files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


async def result_of(path: Path) -> object:
    """What the handler of a file returns."""
    return await load_handler(path)(None, None)  # type: ignore[arg-type]


WITH_SHARED = "from _shared import GREETING\nasync def handler(data, ctx):\n    return GREETING\n"
COUNTING = """
import _shared

async def handler(data, ctx):
    _shared.CALLS.append(1)
    return len(_shared.CALLS)
"""
LATER = "async def handler(data, ctx):\n    from _later import GREETING\n    return GREETING\n"


@pytest.mark.anyio
async def test_a_handler_imports_what_lies_beside_it(tmp_path: Path) -> None:
    """A module, when it is imported itself and when it runs."""
    folder = write(tmp_path, now=WITH_SHARED, then=LATER, _shared="GREETING = 1", _later="GREETING = 2")
    assert await result_of(folder / "now.py") == 1
    assert await result_of(folder / "then.py") == 2


@pytest.mark.anyio
async def test_folders_may_have_modules_of_the_same_name(tmp_path: Path) -> None:
    """Each handler has that of its own folder, packages as well, whatever was imported in between."""
    for name in ("one", "two"):
        folder = write(tmp_path / name, handler=WITH_SHARED, again=WITH_SHARED)
        write(folder / "_shared", __init__="from _shared.inner import GREETING", inner=f"GREETING = '{name}'")
    told = [await result_of(tmp_path / f"{name}.py") for name in ("one/handler", "two/handler", "one/again")]
    assert told == ["one", "two", "one"]


@pytest.mark.anyio
async def test_the_handlers_of_a_folder_share_its_modules(tmp_path: Path) -> None:
    """A module runs once, also if that of another folder was imported meanwhile."""
    for name in ("one", "two"):
        write(tmp_path / name, a=COUNTING, b=COUNTING, _shared="CALLS = []")
    told = [await result_of(tmp_path / f"{name}.py") for name in ("one/a", "two/a", "one/b", "two/b")]
    assert told == [1, 1, 2, 2]


@pytest.mark.anyio
async def test_a_worker_hides_no_module_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is called like a module of the standard library."""
    folder = write(
        tmp_path,
        mailbox="raise RuntimeError('a worker was imported as a module')",
        handler="import mailbox\nasync def handler(data, ctx):\n    return mailbox.Maildir.__name__\n",
    )
    monkeypatch.delitem(sys.modules, "mailbox", raising=False)
    assert await result_of(folder / "handler.py") == "Maildir"


@pytest.mark.parametrize("ending", ["import sys; sys.exit(0)", "raise SystemExit", "exit()"])
def test_a_file_that_ends_the_program_is_a_failed_import(tmp_path: Path, ending: str) -> None:
    """It must not end the program without a word."""
    path = write(tmp_path, job=f"{ending}\nasync def handler(data, ctx): ...") / "job.py"
    with pytest.raises(ConfigError, match=r"job\.py: importing it failed: SystemExit\(") as raised:
        load_handler(path)
    assert isinstance(raised.value.__cause__, SystemExit)


def test_an_interrupted_import_is_no_mistake_of_the_file(tmp_path: Path) -> None:
    """Whoever presses Ctrl+C is obeyed."""
    path = write(tmp_path, job="raise KeyboardInterrupt") / "job.py"
    with pytest.raises(KeyboardInterrupt):
        load_handler(path)
