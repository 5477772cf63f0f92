"""The files of a folder and below that may be workers."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nq_reference.config import ConfigError

_PASSED_FOLDERS = {"node_modules", "__pycache__"}


def worker_files(root: Path, suffixes: Collection[str]) -> list[Path]:
    """The files with one of ``suffixes``, by path. Names that begin with ``_`` or ``.`` are passed over.

    A folder that is reached in several ways, by symbolic links, counts once, under its own name if it
    is below ``root``. Raises ``ConfigError`` for a folder that can't be read.
    """
    files: list[Path] = []
    seen: set[Path] = set()
    folders, links = [root], list[Path]()
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        if (resolved := folder.resolve()) in seen:
            continue
        seen.add(resolved)
        for path in _children(folder):
            if path.is_dir():
                (links if path.is_symlink() else folders).append(path)
            elif path.suffix in suffixes:
                files.append(path)
    return sorted(files)


def _children(folder: Path) -> list[Path]:
    """What is in it by name, but for what is passed over."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{folder} can't be read: {error.strerror}") from None
    return [
        path for path in paths if not path.name.startswith(("_", ".")) and path.name not in _PASSED_FOLDERS
    ]
