"""The words in which a failure is kept."""

from __future__ import annotations

MAX_REASON_CHARS = 64 * 1024


def reason_of(error: BaseException) -> str:
    """What ``error`` says, or its type's name if it says nothing (QRY-10, RUN-06)."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return storable(text or type(error).__name__)


def storable(text: str) -> str:
    """``text`` as any backend can keep it: no NUL, no lone surrogates, of bounded length (FLT-05)."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not clean.isascii():
        clean = clean.encode("utf-8", "replace").decode("utf-8")
    if len(clean) > MAX_REASON_CHARS:
        return f"{clean[:MAX_REASON_CHARS]}… ({len(clean)} characters)"
    return clean
