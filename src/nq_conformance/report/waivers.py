"""Waivers: known failures of an adapter, each with a reason, a link and a last day.

Reads the TOML file strictly, finds the entry for a rule, and tells which entries did no
good in a run. An entry is no verdict: the rule still runs.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from nq_conformance.report.frames import short_path
from nq_conformance.requirements import Catalogue, UnknownRuleError

_KEYS = ("rule", "adapter", "reason", "link", "expires")
_REQUIRED = ("rule", "reason", "link", "expires")


class WaiverError(Exception):
    """The file can't be used; the message names file and entry and says what to do."""


class Named(Protocol):
    """An adapter as far as waivers care: its id in the run, and its own name."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102


A = TypeVar("A", bound=Named)


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry; ``adapter`` is ``None`` where it holds for all. ``number`` counts from 1."""

    file: str
    number: int
    rule: str
    adapter: str | None
    reason: str
    link: str
    expires: dt.date

    def covers(self, rule: str, adapter: Named) -> bool:
        """Whether this entry is about that rule of that adapter."""
        return self.rule == rule and self.adapter in (None, adapter.id, adapter.name)

    def text(self) -> str:
        """Reason, link and last day in one line."""
        return f"{self.reason} ({self.link}, until {self.expires.isoformat()})"

    def place(self) -> str:
        """Where the entry is."""
        return f"{self.file}, waiver {self.number} ({self.rule})"


@dataclass(frozen=True, slots=True)
class Waivers:
    """All entries of a run."""

    entries: tuple[Waiver, ...] = ()

    def find(self, rule: str, adapter: Named) -> Waiver | None:
        """The entry for this rule of this adapter; one that names the adapter goes first."""
        found = [w for w in self.entries if w.covers(rule, adapter)]
        return min(found, key=lambda w: w.adapter is None) if found else None


def read_waivers(files: Sequence[Path], catalogue: Catalogue, today: dt.date) -> Waivers:
    """The entries of all ``files``; raises ``WaiverError`` at the first that is wrong."""
    entries = [w for file in files for w in _read_file(file, catalogue, today)]
    seen: dict[tuple[str, str | None], Waiver] = {}
    for waiver in entries:
        first = seen.setdefault((waiver.rule, waiver.adapter), waiver)
        if first is not waiver:
            raise WaiverError(f"{waiver.place()} repeats {first.place()}. Remove one of the two.")
    return Waivers(tuple(entries))


def _read_file(file: Path, catalogue: Catalogue, today: dt.date) -> list[Waiver]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WaiverError(f"There is no waiver file {file}. Check --nq-waivers.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise WaiverError(f"The waiver file {file} can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise WaiverError(f"The waiver file {file} is not TOML: {error}") from None
    entries = data.pop("waiver", [])
    if data or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        other = f" It has {', '.join(sorted(data))}." if data else ""
        raise WaiverError(f"{file}: only [[waiver]] entries are allowed.{other}")
    return [
        _Entry(short_path(str(file)), n, entry).waiver(catalogue, today) for n, entry in enumerate(entries, 1)
    ]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One table of the file, not yet checked."""

    file: str
    number: int
    table: Mapping[str, Any]

    def waiver(self, catalogue: Catalogue, today: dt.date) -> Waiver:
        self._check_keys()
        self._check_types()
        self._check_rule(catalogue)
        expires: dt.date = self.table["expires"]
        if expires < today:
            raise self._error(
                f"expired on {expires.isoformat()}",
                "Remove it if the adapter is mended, else give it a new date and say why in reason.",
            )
        adapter: str | None = self.table.get("adapter")
        rule, reason, link = (str(self.table[key]) for key in ("rule", "reason", "link"))
        return Waiver(self.file, self.number, rule, adapter, reason, link, expires)

    def _check_keys(self) -> None:
        unknown = sorted(set(self.table) - set(_KEYS))
        if unknown:
            raise self._error(f"has unknown keys: {', '.join(unknown)}", f"Known are {', '.join(_KEYS)}.")
        missing = [key for key in _REQUIRED if key not in self.table]
        if missing:
            raise self._error(f"lacks {', '.join(missing)}", f"Required are {', '.join(_REQUIRED)}.")

    def _check_types(self) -> None:
        expires = self.table["expires"]
        if not isinstance(expires, dt.date) or isinstance(expires, dt.datetime):
            raise self._error("has no date in expires", "Write it without quotes: expires = 2027-01-31")
        for key in ("rule", "adapter", "reason", "link"):
            value = self.table.get(key, "-")
            if not isinstance(value, str) or not value.strip():
                raise self._error(f"has no text in {key}", f'Write {key} = "…".')
        if not self.table["link"].startswith(("https://", "http://")):
            raise self._error(
                f"has no address in link: {self.table['link']!r}",
                "Give the http(s) address of the issue that tracks the failure.",
            )

    def _check_rule(self, catalogue: Catalogue) -> None:
        try:
            catalogue.get(self.table["rule"])
        except (UnknownRuleError, KeyError):
            raise self._error(
                f"names an unknown rule: {self.table['rule']!r}",
                "Give the id of one rule as the summary shows it, such as ORD-01.",
            ) from None

    def _error(self, what: str, todo: str) -> WaiverError:
        rule = self.table.get("rule")
        named = f" ({rule})" if isinstance(rule, str) and rule else ""
        return WaiverError(f"{self.file}, waiver {self.number}{named}: it {what}. {todo}")


def useless_waivers(
    waivers: Waivers,
    verdicts: Mapping[A, Mapping[str, str]],
    complete: Collection[tuple[str, str]],
    *,
    partial: bool,
) -> list[str]:
    """One sentence for each entry that is stale or matches nothing.

    ``verdicts`` gives for each adapter the verdict by rule; ``complete`` holds the (adapter
    id, rule) of which every test ran, so that a narrowed run does not call an entry stale.
    A ``partial`` run can't tell that an entry matches nothing. Entries for adapters that are
    not in the run are left alone.
    """
    found = [_uselessness(w, verdicts, complete, partial=partial) for w in waivers.entries]
    return [sentence for sentence in found if sentence]


def _uselessness(
    waiver: Waiver,
    verdicts: Mapping[A, Mapping[str, str]],
    complete: Collection[tuple[str, str]],
    *,
    partial: bool,
) -> str | None:
    covered = {a: rules[waiver.rule] for a, rules in verdicts.items() if waiver.covers(waiver.rule, a)}
    if not covered or not set(covered.values()) <= {"passed", "not claimed", "untested"}:
        return None
    passed = [a for a, verdict in covered.items() if verdict == "passed"]
    if not passed and partial:
        return None
    if not passed:
        verdict = next(iter(covered.values()))
        return f"{waiver.place()} matches nothing: the rule is {verdict}. Remove the entry."
    if all((a.id, waiver.rule) in complete for a in passed):
        names = ", ".join(a.name for a in passed)
        return f"{waiver.place()} is stale: {names} passes this rule now. Remove the entry."
    return None
