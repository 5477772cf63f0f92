"""Whose code a traceback's frames are: the kit's, the adapter's, or what carries both.

Only a look at file names. It decides whose fault an unexpected exception is, and which
lines of a traceback help the author of an adapter.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

_KIT = Path(__file__).resolve().parent.parent
_STDLIB = Path(sysconfig.get_paths()["stdlib"]).resolve()
_CARRIERS = frozenset(
    {"_pytest", "anyio", "exceptiongroup", "hypothesis", "outcome", "pluggy", "pytest", "sniffio", "trio",
     "uvloop", "xdist"}
)  # fmt: skip


_LONG_PATH = 60


def short_path(name: str) -> str:
    """A file's name as short as it can be: seen from the current folder, or its last parts."""
    path = Path(name)
    if path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return name if len(name) <= _LONG_PATH else str(Path("…", *path.parts[-3:]))


def frames_of(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of ``error``, the outermost first."""
    return list(traceback.extract_tb(error.__traceback__))


def is_kit(frame: traceback.FrameSummary, also: Sequence[Path] = ()) -> bool:
    """Whether the frame is in the kit, or in one of the folders in ``also``."""
    path = _resolved(frame.filename)
    return any(path.is_relative_to(folder) for folder in (_KIT, *(_resolved(str(each)) for each in also)))


def is_carrier(frame: traceback.FrameSummary) -> bool:
    """Whether the frame is in Python's library or in what runs the tests."""
    if frame.filename.startswith("<"):
        return frame.filename.startswith("<frozen")
    path = Path(frame.filename)
    if path.suffix == ".pyx":  # compiled, with the name that it had where it was built
        return path.parts[0] in _CARRIERS
    for place in (path, _resolved(frame.filename)):  # an installed file may be a link to a cache
        package = _installed_package(place)
        if package is not None:
            return package in _CARRIERS
    return _resolved(frame.filename).is_relative_to(_STDLIB)


def _installed_package(path: Path) -> str | None:
    """The name of the package that a file belongs to, where packages are installed; else ``None``."""
    for packages in ("site-packages", "dist-packages"):
        if packages in path.parts[:-1]:
            return path.parts[path.parts.index(packages) + 1]
    return None


@lru_cache(maxsize=4096)
def _resolved(name: str) -> Path:
    """The file itself, whatever links lead to it: Python names files as it was told to find them. A name
    that is no whole path ("<string>") stays as it is."""
    path = Path(name)
    return path.resolve() if path.is_absolute() else path


def adapter_frames(error: BaseException, also_kit: Sequence[Path] = ()) -> list[traceback.FrameSummary]:
    """The frames that are neither the kit's nor a carrier's, the outermost first."""
    return [f for f in frames_of(error) if not is_kit(f, also_kit) and not is_carrier(f)]


def formatted(frames: Sequence[traceback.FrameSummary]) -> tuple[str, ...]:
    """The frames, two lines each, without Python's quoting."""
    lines: list[str] = []
    for frame in frames:
        lines.append(f"{short_path(frame.filename)}:{frame.lineno} in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line.strip()}")
    return tuple(lines)
