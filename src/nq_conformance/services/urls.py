"""Addresses of services, as they may be shown: whatever could be a secret is left out."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def without_secrets(url: str) -> str:
    """``url`` without user, password, query and fragment: what may stand in a header or an error."""
    scheme, _, rest = url.partition("://")
    bare = rest.partition("?")[0].partition("#")[0]
    if "@" in rest[len(bare) :]:  # a password with a bare ? or # in it: where it ends is anybody's guess
        return f"{scheme}://***"
    _, at, place = bare.rpartition("@")
    return f"{scheme}://{'***' if at else ''}{at}{place}"


def secrets_of(url: str) -> tuple[str, ...]:
    """The texts in ``url`` that no message may repeat, as written and decoded."""
    found = [url]
    user_info = url.partition("://")[2].partition("?")[0].rpartition("@")[0]
    password = user_info.partition(":")[2]
    found += [user_info, password, unquote(password), urlsplit(url).query]
    return tuple(sorted({text for text in found if text}, key=len, reverse=True))


def redacted(text: str, url: str) -> str:
    """``text`` (a library's error message) with every secret of ``url`` blotted out."""
    for secret in secrets_of(url):
        text = text.replace(secret, "***")
    return text
