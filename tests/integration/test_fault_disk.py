"""Disks that fail: a last write that is torn, and a disk that another process finds full."""

from __future__ import annotations

import contextlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nq_conformance.faults.disk import Files, bound_by_permissions, full_disk, read_only
from nq_conformance.violation import Inconclusive

_WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "ab", buffering=0) as file:
            file.write(b"x" * int(line))
    except OSError as error:
        print(type(error).__name__, error.errno, flush=True)
    else:
        print("written", flush=True)
"""


def test_a_torn_write_keeps_all_that_was_there_before_it(tmp_path: Path) -> None:
    """Of what was appended, half is left."""
    file = tmp_path / "journal"
    file.write_bytes(b"before")
    before = Files.of(tmp_path)
    with file.open("ab") as appended:
        appended.write(b"0123456789")
    assert before.tear(Files.of(tmp_path)) == ["journal from 16 to 11 bytes"]
    assert file.read_bytes() == b"before01234"


def test_a_new_file_is_torn_as_well(tmp_path: Path) -> None:
    """One file a job is a way to store, too."""
    before = Files.of(tmp_path)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "1.json").write_bytes(b"0123")
    before.tear(Files.of(tmp_path))
    assert (tmp_path / "jobs" / "1.json").read_bytes() == b"01"


def test_a_file_that_was_replaced_as_a_whole_is_not_torn(tmp_path: Path) -> None:
    """It can't be seen half."""
    file, other = tmp_path / "store", tmp_path / "store.new"
    file.write_bytes(b"old")
    before = Files.of(tmp_path)
    other.write_bytes(b"new and longer")
    other.replace(file)
    assert before.tear(Files.of(tmp_path)) == []
    assert file.read_bytes() == b"new and longer"


def test_a_full_disk_refuses_another_process_and_has_room_again(tmp_path: Path) -> None:
    """What fits is written; what does not is an error there, until the block ends."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None

        def write(size: int) -> str:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdin.write(f"{size}\n")
            writer.stdin.flush()
            return writer.stdout.readline().strip()

        assert write(10) == "written"
        with full_disk(writer.pid, 20):
            assert write(10) == "written"
            assert write(10).startswith("OSError")
        assert write(10) == "written"
        writer.stdin.close()


def test_a_read_only_folder_refuses_another_process_and_is_writable_again(tmp_path: Path) -> None:
    """An old file and a new one, also for root; the modes are what they were, also after an error."""
    (tmp_path / "deep").mkdir()
    old = tmp_path / "deep" / "old"
    old.touch(mode=0o640)

    def write(file: Path) -> bool:
        words = [*bound_by_permissions(), sys.executable, "-c", "import sys; open(sys.argv[1], 'ab')"]
        return subprocess.run([*words, str(file)], capture_output=True, check=False).returncode == 0

    with contextlib.suppress(ZeroDivisionError), read_only(tmp_path):
        assert [write(old), write(tmp_path / "new"), write(tmp_path / "deep" / "new")] == [False] * 3
        raise ZeroDivisionError
    assert [write(old), write(tmp_path / "new")] == [True] * 2
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


def test_root_without_setpriv_cannot_be_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the rule is inconclusive, with what to install."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(Inconclusive, match="apt install util-linux"):
        bound_by_permissions()
