"""What goes wrong while a target is turned into an adapter, and how it is told.

The error and the wording of other people's errors; no loading, no checking.
"""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path

_OWN_FOLDER = str(Path(__file__).parent)
_IMPORT_MACHINERY = ("<frozen importlib", str(Path(traceback.__file__).parent / "importlib"))
_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))


class TargetError(Exception):
    """A target that can't be judged. The message is complete: show it without a traceback.

    ``target`` is the text as given, ``role`` what it was given as (``adapter`` or ``worker
    manager``), ``problem`` what was tried and what is missing, ``mend`` what to do next.
    """

    def __init__(self, target: str, role: str, problem: str, mend: str) -> None:
        super().__init__(f"{target!r} cannot be used as the {role}: {problem}\nTo mend it: {mend}")
        self.target = target
        self.role = role
        self.problem = problem
        self.mend = mend


def foreign_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of ``error`` that are neither ours nor the import machinery's, outermost first."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_OWN_FOLDER, *_IMPORT_MACHINERY))
    ]


def told(error: BaseException) -> str:
    """The error's own last line and the place in its author's code, indented, without a traceback."""
    line = traceback.format_exception_only(error)[-1].strip()
    place = _place(error)
    return f"\n    {line}" + (f"\n    at {place}" if place else "")


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {(error.text or '').strip()}"
    frames = foreign_frames(error)
    # A library's frame says less than the line that called it.
    own = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""
