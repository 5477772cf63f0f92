"""FileSource and a journal that is torn, damaged, or that the disk has no room for."""

from __future__ import annotations

import errno
import logging
from pathlib import Path

import anyio
import pytest
from durable_source_tools import Heard, job, peer
from source_tools import QUEUE, claim, claimed_ids, state_of

from nq_conformance.contract import JOB_STATES
from nq_reference.job_source import Outcome
from nq_reference.sources.file import FileSource, journal_file, records
from nq_reference.sources.file.contents import Contents
from nq_reference.sources.file.errors import JournalError

pytestmark = pytest.mark.anyio
IDS = ["a", "b", "c", "d"]


async def _write(place: Path) -> Path:
    """A journal with one record for each of four jobs; its path."""
    source = FileSource(place)
    await source.open()
    for id in IDS:
        await source.add(QUEUE, [job(id)])
    await source.close()
    return place / "nq.journal"


def _fails(fd: int) -> None:
    raise OSError(errno.EIO, "the disk is broken")


async def _read(place: Path) -> list[str]:
    source = FileSource(place)
    await source.open()
    ids = [each.id for each in await source.list(QUEUE, JOB_STATES, 0, None)]
    await source.close()
    return ids


@pytest.mark.parametrize("cut", [1, 2, 30])
async def test_a_torn_last_record_costs_that_record_alone(tmp_path: Path, cut: int) -> None:
    """The others load, and what is added later is not spoilt by the torn end (DUR-04)."""
    path = await _write(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    expected = IDS if cut == 1 else IDS[:-1]  # without its line's end a record is whole
    source = FileSource(tmp_path)
    await source.open()
    await source.add(QUEUE, [job("new")])
    await source.close()
    assert await _read(tmp_path) == [*expected, "new"]


async def test_a_damaged_byte_costs_one_record_at_most(tmp_path: Path) -> None:
    """Whichever byte of a journal is changed, all jobs but one are there (DUR-04)."""
    content = (await _write(tmp_path)).read_bytes()
    for offset in range(len(content)):
        for damage in (0, 0x0A, 0x1E, content[offset] ^ 0x10):
            spoilt = content[:offset] + bytes([damage]) + content[offset + 1 :]
            contents = Contents()
            for _, record in records.unframe(spoilt):
                if record is not None:
                    contents.apply(record)
            found = [id for id in IDS if id in contents.queues[QUEUE].jobs]
            assert len(found) >= len(IDS) - 1, (offset, damage)


async def test_a_damaged_record_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the file and the place."""
    path = await _write(tmp_path)
    path.write_bytes(path.read_bytes()[:-9] + b"!" * 8 + b"\n")
    with caplog.at_level(logging.WARNING):
        assert await _read(tmp_path) == IDS[:-1]
    (message,) = [record.getMessage() for record in caplog.records if "damaged" in record.getMessage()]
    assert str(path) in message


async def test_moves_of_a_job_whose_own_record_is_damaged_are_left_out(tmp_path: Path) -> None:
    """A job that is lost stays lost, and takes nobody along."""
    source = FileSource(tmp_path)
    await source.open()
    for id in ("lost", "kept"):
        await source.add(QUEUE, [job(id)])
    await claimed_ids(source, 2)
    await source.close()
    path = tmp_path / "nq.journal"
    path.write_bytes(path.read_bytes().replace(b"name of lost", b"name of lest", 1))
    assert await _read(tmp_path) == ["kept"]


async def test_a_journal_of_another_format_is_refused(tmp_path: Path) -> None:
    """It is not read wrongly, and not written to."""
    content = records.frame(["journal", "nq", 99])
    (tmp_path / "nq.journal").write_bytes(content)
    with pytest.raises(JournalError, match="format 99"):
        await FileSource(tmp_path).open()
    assert (tmp_path / "nq.journal").read_bytes() == content


async def test_a_directory_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    """open() says what could not be opened, and why."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match=r"can't open the journal .*nq\.journal"):
        await FileSource(tmp_path / "file" / "queues").open()


async def test_a_full_disk_refuses_a_job_and_keeps_none(tmp_path: Path) -> None:
    """add raises and leaves neither job nor event, and works again when there is room (DUR-06)."""
    async with peer("file", tmp_path) as other:
        await other.ask("add", "before")
        await other.ask("listen")
        size = (tmp_path / "nq.journal").stat().st_size
        await other.ask("limit", size + 10)
        refused = await other.ask("add", "refused")
        assert refused["error"].startswith("JournalError")
        assert (tmp_path / "nq.journal").stat().st_size == size
        assert await other.ask("states") == {"before": "waiting"}
        assert await other.ask("events") == []
        await other.ask("limit", -1)
        assert await other.ask("add", "after") == "added"
        await other.kill()
    assert await _read(tmp_path) == ["before", "after"]


async def test_a_move_that_a_full_disk_refused_is_written_when_there_is_room(tmp_path: Path) -> None:
    """A claim stands, nothing more is claimed meanwhile, and the journal gets all of it in the end."""
    async with peer("file", tmp_path) as other:
        await other.ask("add", "a", "b")
        await other.ask("limit", (tmp_path / "nq.journal").stat().st_size + 10)
        assert await other.ask("claim", 1, "t", 30_000) == ["a"]
        assert "error" in await other.ask("claim", 1, "t", 30_000)
        await other.ask("limit", -1)
        assert await other.ask("complete", "a", "t") == [True]
        await other.kill()
    source = FileSource(tmp_path)
    await source.open()
    assert [await state_of(source, id) for id in ("a", "b")] == ["completed", "waiting"]
    await source.close()


async def test_after_a_sync_that_failed_the_journal_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the disk holds is then unknown: the refused job stays away, all others are written again."""
    source = FileSource(tmp_path)
    await source.open()
    await source.add(QUEUE, [job("before")])
    before = (tmp_path / "nq.journal").stat()
    with monkeypatch.context() as broken:
        broken.setattr(journal_file, "_sync", _fails)
        with pytest.raises(JournalError, match="the disk is broken"):
            await source.add(QUEUE, [job("refused")])
    assert (tmp_path / "nq.journal").stat().st_size == before.st_size
    await source.add(QUEUE, [job("after")])
    await source.close()
    assert (tmp_path / "nq.journal").stat().st_ino != before.st_ino
    assert await _read(tmp_path) == ["before", "after"]


async def test_a_compaction_that_fails_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The old journal goes on."""
    monkeypatch.setattr("nq_reference.sources.file.journal.MIN_COMPACTION_BYTES", 0)
    (tmp_path / "nq.journal.new").mkdir()
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    source = FileSource(tmp_path)
    await source.open()
    await source.add(QUEUE, [job("a")])
    await source.close()
    assert "could not compact" in caplog.text
    monkeypatch.undo()
    (tmp_path / "nq.journal.new").rmdir()
    assert await _read(tmp_path) == ["a"]


async def test_a_job_added_twice_at_the_same_time_is_one(tmp_path: Path) -> None:
    """The second call waits for the first one's record, and there is one job and one event."""
    source = FileSource(tmp_path)
    await source.open()
    heard = Heard()
    source.subscribe(QUEUE, heard)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(source.add, QUEUE, [job("same"), job("same")])
    assert heard.events == [("waiting", "same")]
    await source.close()
    assert await _read(tmp_path) == ["same"]


async def test_a_job_that_another_call_could_not_add_is_not_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that give the same id wait for the same record; when it fails, all of them raise."""
    source = FileSource(tmp_path)
    await source.open()
    refused: list[JournalError] = []

    async def add() -> None:
        with pytest.raises(JournalError) as error:
            await source.add(QUEUE, [job("same")])
        refused.append(error.value)

    with monkeypatch.context() as broken:
        broken.setattr(journal_file, "_sync", _fails)
        async with anyio.create_task_group() as group:
            group.start_soon(add)
            group.start_soon(add)
    assert len(refused) == 2
    assert await source.add(QUEUE, [job("same")]) == ["same"]
    await source.close()
    assert await _read(tmp_path) == ["same"]


async def test_jobs_added_at_the_same_time_share_a_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred lone jobs need a few syncs, not a hundred."""
    syncs: list[int] = []
    sync = journal_file._sync

    def counted(fd: int) -> None:
        syncs.append(fd)
        sync(fd)

    monkeypatch.setattr(journal_file, "_sync", counted)
    source = FileSource(tmp_path)
    await source.open()
    async with anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(source.add, QUEUE, [job(str(number))])
    await source.close()
    assert 1 <= len(syncs) <= 5
    assert len(await _read(tmp_path)) == 100


async def test_an_exchange_with_nothing_to_move_writes_nothing(tmp_path: Path) -> None:
    """Polling an empty queue leaves the journal as it is."""
    source = FileSource(tmp_path)
    await source.open()
    size = (tmp_path / "nq.journal").stat().st_size
    await source.exchange(QUEUE, [Outcome("nobody", "t", "complete", "1")], claim(5))
    await source.close()
    assert (tmp_path / "nq.journal").stat().st_size == size
