"""The suite's fixtures: the adapter under test, a place of its own for each test, and the lab."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import pytest

from nq_conformance.adapters import Adapter
from nq_conformance.adapters.host.client import host_command
from nq_conformance.adapters.host.stdio import StdioAdapter
from nq_conformance.history import History
from nq_conformance.lab import Lab
from nq_conformance.model.drawing import DEFAULT_EXAMPLES, DEFAULT_SEED, Drawing
from nq_conformance.plugin.collection import ABOUT
from nq_conformance.plugin.places import PLACES, Place
from nq_conformance.plugin.run import RUN, Run
from nq_conformance.plugin.targets import Target

LAB = pytest.StashKey[Lab]()


@pytest.fixture
def nq_adapter(request: pytest.FixtureRequest) -> Adapter:
    """The adapter under test."""
    target: Target | None = getattr(request, "param", None)
    if target is None:
        raise pytest.UsageError("nq_adapter and lab are for tests decorated with rule(…).")
    return target.adapter


@pytest.fixture
def nq_place(request: pytest.FixtureRequest, nq_adapter: Adapter) -> Iterator[Place]:
    """A namespace or folder that nobody else uses; what is left in it is removed afterwards."""
    with request.config.stash[PLACES].place(nq_adapter) as place:
        yield place


@pytest.fixture
def nq_quiet(request: pytest.FixtureRequest, nq_place: Place) -> None:
    """Nothing of the kit's goes on beside the test: for one that looks at all that lives in the process."""
    del nq_place  # places are made ahead from the moment on when one is given out
    request.config.stash[PLACES].settle()


@pytest.fixture
async def lab(request: pytest.FixtureRequest, nq_adapter: Adapter, nq_place: Place) -> AsyncIterator[Lab]:
    """What a rule's test works with; closed after the test."""
    async with _new_lab(request, nq_adapter, nq_place) as lab:
        request.node.stash[LAB] = lab
        yield lab


@pytest.fixture
def nq_drawing(request: pytest.FixtureRequest, nq_adapter: Adapter) -> Iterator[Drawing]:
    """How a test that plays sequences of calls draws them, with as many labs as it needs."""
    options = request.config.stash[RUN].options
    target = request.node.stash[ABOUT].target.text
    with request.config.stash[PLACES].series(nq_adapter) as next_place:

        @contextmanager
        def new_lab() -> Iterator[Lab]:
            with next_place() as place:
                yield _new_lab(request, nq_adapter, place)

        yield Drawing(target, new_lab, options.examples or DEFAULT_EXAMPLES, options.seed or DEFAULT_SEED)


def _new_lab(request: pytest.FixtureRequest, adapter: Adapter, place: Place) -> Lab:
    history = History()
    run = request.config.stash[RUN]
    return Lab(
        adapter,
        place.setting(history),
        history,
        time_scale=run.time_scale,
        seed=run.seed,
        machine=request.config.stash[PLACES].machine,
        host_command=_host_command(request, run),
        server_kind=place.server_kind,
    )


def _host_command(request: pytest.FixtureRequest, run: Run) -> Sequence[str]:
    """What starts the adapter of this test in another process."""
    about = request.node.stash[ABOUT]
    adapter = about.target.adapter
    if isinstance(adapter, StdioAdapter):
        return adapter.command
    return host_command(about.target.text, run.options.worker_manager, about.backend)
