"""The report as a file: checked before the run, written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from nq_conformance.report.document import Document, to_json


class ReportError(Exception):
    """The report can't be written; the message says where and why."""


def check_writable(file: Path) -> None:
    """Raise ``ReportError`` unless a report can be written there, before the run begins."""
    if file.is_dir():
        raise ReportError(f"--nq-report={file} is a folder. Give the name of a file in it.")
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise ReportError(
            f"--nq-report={file} can't be written: {error.strerror}. "
            f"The folder {file.parent} must exist and be writable."
        ) from None


def write_document(file: Path, document: Document) -> None:
    """Write the report whole or not at all; raises ``ReportError`` if it can't be written."""
    text = json.dumps(to_json(document), indent=2, ensure_ascii=False) + "\n"
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink()
            raise
    except OSError as error:
        raise ReportError(f"The report {file} can't be written: {error}") from None
