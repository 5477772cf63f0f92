"""Whose a frame is, also where links lead to its file."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

import pytest

import nq_conformance
from nq_conformance.report.diagnosis import Diagnoser
from nq_conformance.report.frames import is_carrier, is_kit

HERE = Path(__file__).resolve().parent
KIT = Path(nq_conformance.__file__).resolve().parent
STDLIB = Path(sysconfig.get_paths()["stdlib"]).resolve()


def frame(file: Path | str) -> traceback.FrameSummary:
    """A frame in a file."""
    return traceback.FrameSummary(str(file), 1, "f", line="")


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Where a link can be made."""
    return tmp_path / "link"


def test_the_kit_is_known_by_another_name(link: Path) -> None:
    """And a folder of its suite, whichever of the two is a link."""
    link.symlink_to(KIT)
    assert is_kit(frame(link / "lab" / "lab.py"))
    other = link.with_name("other")
    other.symlink_to(HERE)
    assert not is_kit(frame(HERE / "x.py"))
    assert is_kit(frame(other / "x.py"), (HERE,))
    assert is_kit(frame(HERE / "x.py"), (other,))


def test_pythons_library_is_known_by_another_name(link: Path) -> None:
    """What is installed beside it is not part of it."""
    link.symlink_to(STDLIB)
    assert is_carrier(frame(link / "asyncio" / "tasks.py"))
    assert not is_carrier(frame(link / "site-packages" / "adapter" / "x.py"))


def test_an_installed_file_may_be_a_link_to_a_cache(tmp_path: Path) -> None:
    """It belongs to the package that it is installed in, not to where the cache is."""
    for package in ("anyio", "adapter"):
        (tmp_path / "cache" / package).mkdir(parents=True)
        (tmp_path / "site-packages" / package).mkdir(parents=True)
        (tmp_path / "cache" / package / "x.py").touch()
        (tmp_path / "site-packages" / package / "x.py").symlink_to(tmp_path / "cache" / package / "x.py")
    found = {
        name: is_carrier(frame(tmp_path / "site-packages" / name / "x.py")) for name in ("anyio", "adapter")
    }
    assert found == {"anyio": True, "adapter": False}


def test_a_name_that_is_no_path_belongs_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the run is."""
    monkeypatch.chdir(KIT)
    assert not is_kit(frame("<string>"))
    assert not is_carrier(frame("<string>"))


def test_a_fault_of_the_kit_behind_a_link_is_the_kits(link: Path) -> None:
    """Not the adapter's."""
    link.symlink_to(KIT)
    code = compile("{}['x']", str(link / "lab" / "lab.py"), "eval")
    with pytest.raises(KeyError) as caught:
        eval(code)
    assert Diagnoser((HERE,)).failure(caught.value, None).fault == "kit"
