"""The SDK's declarations: what a handler's module says about itself."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nq_reference.worker import Config, FlowConfig, WorkerConfig, define_config, define_worker, node_package
from nq_reference.worker.serving import is_async


async def _coroutine(data: Any, ctx: Any) -> None: ...


def _plain(data: Any, ctx: Any) -> int:
    return 1


@functools.wraps(_coroutine)
def _wrapped(data: Any, ctx: Any) -> Any:
    return _coroutine(data, ctx)


class _Callable:
    async def __call__(self, data: Any, ctx: Any) -> None: ...

    async def method(self, data: Any, ctx: Any) -> None: ...


def test_async_handlers_are_told_from_plain_ones() -> None:
    """Wrapped, partial, objects and methods too: each decides which context they get."""
    for handler in (
        _coroutine,
        _wrapped,
        functools.partial(_coroutine, None),
        _Callable(),
        _Callable().method,
    ):
        assert is_async(handler)
    for plain in (_plain, functools.partial(_plain, None), print, _Callable):
        assert not is_async(plain)


def test_a_configuration_may_be_written_as_mappings() -> None:
    """Which become what they stand for; what is not known is refused."""
    config = define_config(queue="q", flow={"name": "f", "role": "entry"}, worker={"concurrency": 2})
    assert config == Config("q", flow=FlowConfig("f", "entry"), worker=WorkerConfig(concurrency=2))
    with pytest.raises(TypeError, match="WorkerConfig has no 'concurency'"):
        define_config(queue="q", worker={"concurency": 2})


def test_a_defined_worker_can_be_called_in_process() -> None:
    """It is its handler, with a configuration."""
    worker = define_worker(_plain, define_config(queue="q"))
    assert worker(None, None) == 1
    assert worker.config is not None
    assert worker.config.queue == "q"
    with pytest.raises(TypeError, match="callable"):
        define_worker("text")  # type: ignore[arg-type]


def test_the_sdk_for_node_is_a_package() -> None:
    """What its package.json names is there."""
    folder = Path(node_package())
    package = json.loads((folder / "package.json").read_text("utf-8"))
    assert {path.removeprefix("./") for path in package["exports"]["."].values()} <= {
        path.name for path in folder.iterdir()
    }


def test_importing_it_loads_no_more_than_it_needs() -> None:
    """No event loop, no dataclasses before they are asked for: a child's start is short."""
    heavy = ("anyio", "asyncio", "dataclasses")
    ask = f"import nq_reference.worker.serving; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {ask}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
