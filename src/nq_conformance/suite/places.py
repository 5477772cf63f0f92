"""Other places than the test's own: a second one that must be isolated, and one deep in a folder."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from nq_conformance.adapters import Setting
from nq_conformance.lab import Lab
from nq_conformance.services import clean_redis


@asynccontextmanager
async def two_places(lab: Lab) -> AsyncIterator[tuple[Setting, Setting]]:
    """Two settings on one server or in one folder; the first one's namespace begins the second's.

    What is left in them is removed after the block: close what works there before.
    """
    first = lab.setting
    second = replace(first, namespace=first.namespace + "x")
    if first.directory is not None:
        folders = (first.directory / "place", first.directory / "placex")
        for folder in folders:
            folder.mkdir()
        first, second = replace(first, directory=folders[0]), replace(second, directory=folders[1])
    try:
        yield first, second
    finally:
        await lab.close()
        if second.url is not None:
            clean_redis(second.url, second.namespace)


def deep_place(lab: Lab, depth: int = 6) -> Setting:
    """The test's setting, its folder (if there is one) so many folders further down.

    A name with ``../`` in it then stays in the test's own folder, whatever becomes of it.
    """
    directory = lab.setting.directory
    if directory is None:
        return lab.setting
    deep = directory.joinpath(*(f"level{number}" for number in range(depth)))
    deep.mkdir(parents=True)
    return replace(lab.setting, directory=deep)


def files_beside(lab: Lab, place: Setting) -> list[str]:
    """Files in the test's folder that are not in ``place``'s."""
    root, inside = lab.setting.directory, place.directory
    if root is None or inside is None:
        return []
    files = (path for path in root.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(root)) for path in files if not path.is_relative_to(inside))


def absolute_name(lab: Lab) -> Path:
    """An absolute path at which nothing is, in a folder that exists and that nobody minds."""
    return Path(tempfile.gettempdir()) / f"{lab.setting.namespace}_absolute"
