"""Folders of workers, and what a scan makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nq_reference.config import ConfigError
from nq_reference.registry import FoundWorker, scan

HANDLER = "async def handler(data, ctx):\n    return data\n"
NODE_HANDLER = "\nexport default async () => 1\n"


def write(root: Path, **files: str) -> Path:
    """Files by name, where ``__`` is a slash and the last ``_`` before the suffix a dot."""
    for name, text in files.items():
        stem, _, suffix = name.replace("__", "/").rpartition("_")
        path = root / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def only(root: Path) -> FoundWorker:
    """The one worker of a folder."""
    (worker,) = scan(root)
    return worker


def problems(root: Path) -> list[str]:
    """What is wrong with a folder, with paths from it on."""
    with pytest.raises(ConfigError) as raised:
        scan(root)
    return [problem.removeprefix(f"{root}/") for problem in raised.value.problems]
