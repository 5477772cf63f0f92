"""The search for a sequence on which adapter and model differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from miniatures.base import Bent
from miniatures.model import ForgetsFailuresOfAPause

from nq_conformance import Adapter, Setting
from nq_conformance.contract import JobInput, QueueProvider
from nq_conformance.history import History
from nq_conformance.lab import Lab, make_setting
from nq_conformance.model.drawing import Drawing
from nq_conformance.model.finding import Finding
from nq_conformance.model.search import Search, find
from nq_conformance.model.stage import SEQUENCES
from nq_conformance.violation import Inconclusive, Violation
from nq_reference.providers.memory import MemoryProvider

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def without_shortening(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes half a minute, and has tests of its own."""
    monkeypatch.setattr("nq_conformance.model.search.SHORTENING_S", 0.0)


class Right(Bent):
    """The memory adapter."""

    def provider(self, setting: Setting) -> QueueProvider:
        """A new one, with nothing in it."""
        del setting
        provider: QueueProvider = MemoryProvider()
        return provider


class LosesJobsOfAFourthQueue(Right):
    """No sequence alone has as many queues."""

    def provider(self, setting: Setting) -> QueueProvider:
        """One that does not tell of such a job."""
        del setting
        provider: QueueProvider = _ThreeQueues()
        return provider


class _ThreeQueues(MemoryProvider):
    def __init__(self) -> None:
        super().__init__()
        self._known: set[str] = set()

    async def enqueue(self, queue_name: str, job: JobInput) -> str:
        self._known.add(queue_name)
        return await super().enqueue(queue_name, job) if len(self._known) < 4 else "lost"


async def test_a_place_that_can_not_be_had_ends_the_search_with_that_error() -> None:
    """It is tried once, though Hypothesis draws on: what it draws must not depend on it."""
    calls: list[str] = []

    @contextmanager
    def new_lab() -> Iterator[Lab]:
        calls.append("asked")
        if len(calls) > 1:
            raise AssertionError("a place is asked for again")
        raise OSError("no place left")
        yield

    with pytest.raises(OSError, match="no place left"):
        await find(Drawing("mypkg:Adapter", new_lab, 20, 1))
    assert calls == ["asked"]


async def test_sequences_share_places_and_what_fails_is_played_again_in_one_of_its_own() -> None:
    """Twenty to a place; the failure is told with a script that no other sequence went before."""
    right, places = _labs(Right())
    assert await find(Drawing("mypkg:Adapter", right, 2 * SEQUENCES + 1, 1)) is None
    assert len(places) == 3
    wrong, places = _labs(ForgetsFailuresOfAPause())
    finding = await find(Drawing("mypkg:Adapter", wrong, 2 * SEQUENCES, 0))
    assert finding is not None
    assert finding.is_alone
    assert len(places) == 2
    assert "'queue1'" in finding.script


async def test_what_fails_after_other_sequences_only_says_so() -> None:
    """Its place has been played on before."""
    forgetful, places = _labs(LosesJobsOfAFourthQueue())
    finding = await find(Drawing("mypkg:Adapter", forgetful, SEQUENCES, 0))
    assert finding is not None
    assert not finding.is_alone
    told = finding.told()
    assert isinstance(told, Violation)
    assert "after other sequences" in (told.hint or "")
    assert len(places) > 1


async def test_a_machine_that_stands_still_takes_no_finding_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a place that can't be had, when the failure is played again."""
    stalled = Finding((), Inconclusive("the machine stood still"), "", ())
    replays: list[Finding | None] = [stalled, None]
    monkeypatch.setattr(Search, "_replayed", lambda *_: replays.pop(0) if replays else None)
    wrong, _ = _labs(ForgetsFailuresOfAPause())
    finding = await find(Drawing("mypkg:Adapter", wrong, SEQUENCES, 0))
    assert finding is not None
    assert isinstance(finding.error, Violation)


def _labs(adapter: Adapter) -> tuple[Callable[[], AbstractContextManager[Lab]], list[str]]:
    """How a search makes its labs, and their namespaces so far."""
    places: list[str] = []

    @contextmanager
    def new_lab() -> Iterator[Lab]:
        history = History()
        places.append(f"place{len(places)}")
        yield Lab(adapter, make_setting(places[-1], history=history), history)

    return new_lab, places
