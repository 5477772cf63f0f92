"""Syntax errors of JavaScript files, found by Node where it is installed; nothing of them is run."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nq_reference.registry.written import UnreadableError

_log = logging.getLogger("nq_reference.registry")
_CHECK = Path(__file__).with_name("check_syntax.cjs")
_LONGEST_S = 60


def syntax_errors(paths: Sequence[Path]) -> Mapping[Path, UnreadableError]:
    """The first error of each file that has one. Where they can't be checked, a warning says so."""
    if not paths:
        return {}
    node = shutil.which("node")
    if node is None:
        _log.warning("JavaScript files were not checked for syntax errors: there is no node on PATH")
        return {}
    try:
        told = _checked(node, paths)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        _log.warning("JavaScript files were not checked for syntax errors: %s", error)
        return {}
    return {
        Path(each["path"]): UnreadableError(each["line"], f"syntax error: {each['message']}") for each in told
    }


def _checked(node: str, paths: Sequence[Path]) -> list[dict[str, Any]]:
    done = subprocess.run(  # noqa: S603 - our own file, by the Node that runs the handlers
        [node, "--experimental-vm-modules", "--no-warnings", str(_CHECK)],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        encoding="utf-8",
        env={name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"},
        check=True,
        timeout=_LONGEST_S,
    )
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told
