"""Whose code a traceback's frames are: the kit's, the adapter's, or what carries both.

Only a look at file names. It decides whose fault an unexpected exception is, and which
lines of a traceback help the author of an adapter.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Sequence
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
    path = Path(frame.filename)
    return any(path.is_relative_to(folder) for folder in (_KIT, *also))


def is_carrier(frame: traceback.FrameSummary) -> bool:
    """Whether the frame is in Python's library or in what runs the tests."""
    if frame.filename.startswith("<"):
        return frame.filename.startswith("<frozen")
    path = Path(frame.filename)
    parts = path.parts
    if path.suffix == ".pyx":  # compiled, with the name that it had where it was built
        return parts[0] in _CARRIERS
    for packages in ("site-packages", "dist-packages"):
        if packages in parts:
            return parts[parts.index(packages) + 1] in _CARRIERS
    return path.is_relative_to(_STDLIB)


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
