"""``--nq-histories``: which tests leave a history, and that it can be checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from nq_conformance.checkers import check
from nq_conformance.report.history_file import read_history
from plugin.kit_runs import KitRuns

SUITE = """
@rule("ORD-01")
async def test_it_fails(lab):
    queue = await lab.queue()
    await queue.add({"n": 1})
    lab.check(False, "one", "two")

@rule("ORD-02")
async def test_it_passes(lab):
    await (await lab.queue()).add({"n": 1})
"""

ODD = """
import enum, uuid
import shelf

class Kind(enum.Enum):
    BAD = 1

class SortedError(Exception):
    kind = Kind.BAD

class Provider(shelf.Provider):
    def on(self, queue_name, event, callback):
        for id in (uuid.UUID(int=5), 5, {"id": 5}, "a"):
            callback({"job_id": id})
        return lambda: None

    async def enqueue(self, queue_name, job):
        raise SortedError
"""

ODD_SUITE = """
@rule("ORD-01")
async def test_it_fails(lab):
    queue = await lab.queue()
    log = await queue.listen("completed")
    await lab.raises(queue.add(), "enqueue")
    lab.check(False, "one", "two", jobs=log.job_ids)
"""


@pytest.fixture
def kit(kit: KitRuns) -> KitRuns:
    """A run of two tests, one of which fails."""
    kit.suite(SUITE)
    return kit


def names(folder: Path) -> list[str]:
    """The files in it."""
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_test_leaves_its_history(kit: KitRuns) -> None:
    """The failure tells where, and what is there can be checked."""
    result = kit.judge("--nq-histories=kept")
    (name,) = names(kit.path / "kept")
    assert name.startswith("ORD-01-test_it_fails")
    result.stdout.fnmatch_lines([f"*{kit.path / 'kept' / name}"])
    entries = read_history(kit.path / "kept" / name)
    assert [entry.label for entry in entries if entry.queue == "queue1"] == ["enqueue"]
    assert [verdict.findings for verdict in check(entries)] == [()] * 8


def test_all_tests_leave_theirs_on_demand(kit: KitRuns) -> None:
    """In other processes, too."""
    kit.judge("--nq-histories=kept", "--nq-histories-of-all", "-n2")
    assert [name[:6] for name in names(kit.path / "kept")] == ["ORD-01", "ORD-02"]


def test_an_adapter_whose_ids_and_errors_are_no_texts_leaves_its_history(kit: KitRuns) -> None:
    """The run goes on to its end, the timeline shows the ids, and the file can be checked."""
    kit.file("odd.py", ODD)
    kit.suite(ODD_SUITE)
    result = kit.run("--nq-adapter=odd:Provider", "--nq-backend=asyncio", "--nq-histories=kept")
    assert result.ret == 1
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    result.stdout.fnmatch_lines(["*event completed on queue1  job_id=UUID(*", "*job_id={'id': 5}"])
    (name,) = names(kit.path / "kept")
    entries = read_history(kit.path / "kept" / name)
    assert [entry.job_id for entry in entries if entry.kind == "event"] == [None, None, None, "a"]
    assert [entry.facts["error"] for entry in entries if entry.label == "enqueue"] == ["Kind.BAD"]
    assert [verdict.findings for verdict in check(entries)] == [()] * 8


def test_without_the_option_nothing_is_kept(kit: KitRuns) -> None:
    """Nobody asked for files."""
    kit.judge()
    assert list(kit.path.rglob("*.jsonl")) == []


def test_a_folder_that_cannot_be_written_is_told(kit: KitRuns) -> None:
    """The verdicts stand."""
    kit.file("kept", "a file")
    result = kit.judge("--nq-histories=kept")
    result.stdout.fnmatch_lines(["*warning: The history *", "*can't be written*"])
    assert result.ret == 1
