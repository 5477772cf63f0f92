"""Texts that come in by a URL where an id should be."""

from __future__ import annotations

STRANGE_IDS = (
    *("", " ", "0", "-1", "9" * 40, "null", "None", "not an id", "00000000-0000-4000-8000-000000000000"),
    *(
        "%",
        "*",
        "?",
        "'",
        '"',
        "' OR '1'='1",
        "{}",
        "[]",
        "$where",
        "a:b",
        "\\",
        "/",
        "..",
        "../../etc/passwd",
    ),
    *("\n", "\0", "a\0b", "\ud800", "\u00e9", "\U0001f680", "meta", "__proto__", "x" * 256, "y" * 70_000),
)
