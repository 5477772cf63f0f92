"""Writes ``docs/mutation.md`` from results, and from what ``survivors.toml`` says of them."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mutation.campaign import Result
from mutation.subject import FILES
from mutation.trial import SURVIVORS

PAGE = Path(__file__).parents[2] / "docs" / "mutation.md"
_REASONS = Path(__file__).with_name("survivors.toml")
_HARMLESS = ("equivalent", "left open", "speed", "elsewhere")
"""Kinds of survivors that break no promise of the memory adapter, so that no test may fail them there."""

_HEAD = """<!-- Printed by `nox -s mutation`; change tests/mutation, not this page. -->
# Mutation testing

The reference is changed in one place at a time, and the kit alone, run on the memory adapter, has to notice.
`nox -s mutation` tries a thousand mutants and prints this page; `nox -s mutation -- --help` tells how to try
others, and `--sample 0` tries all.

- Last run: {date}, {extent}, by the operators of mutmut {mutmut} and a runner of our own
  (`tests/mutation`).
- A mutant is tried with the tests that reach it, on asyncio, in a process of its own, until one fails.
  *Timeout*: it went round in circles, and was ended after ten times the usual time and three seconds of CPU.
- Left alone: the words of errors and of the log, types, and the engine's lock keeper and guard, which have
  nothing to do in memory. Left out, for their time: the tests of child processes and of random calls.

**Of {all} mutants {dead} were found out: {raw}. Without those that break no promise of the memory adapter it
is {dead} of {wrong}: {score}. With *elsewhere* counted against it, {strict}.**

The kinds are a reader's judgement, given by patterns in `tests/mutation/survivors.toml`, and some tests of
the suite were written after a look at survivors of this very sample: a fresh one would score lower.

| module | mutants | killed | timeout | survived | of these break no promise | score |
|---|---|---|---|---|---|---|
{rows}

## Survivors

Four kinds break no promise of the memory adapter. *Equivalent*: nothing that a caller can see changes.
*Left open*: something changes that the contract leaves to the adapter. *Speed*: it is slower, or does more
than it needs to. *Elsewhere*: only a backend with locks, other processes or faults runs it or shows it; the
kit judges it there. A *gap* is one that the kit ought to see.

| module | function | change | kind | reason |
|---|---|---|---|---|
{survivors}
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why survivors live; wherever it has a ``*`` there may be anything."""

    path: str
    place: str
    change: str
    kind: str
    reason: str

    def explains(self, result: Result) -> bool:
        """Whether it is about this survivor."""
        theirs = (result.path, result.place, result.change)
        mine = (self.path, self.place, self.change)
        return all(_like(told, pattern) for told, pattern in zip(theirs, mine, strict=True))


def _like(text: str, pattern: str) -> bool:
    """Whether they are equal, where a ``*`` of the pattern stands for anything."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


_UNREAD = Reason("", "", "", "unread", "nobody has looked at it yet")


def write(results: Sequence[Result], every: int) -> None:
    """Write the page; ``every`` is how many mutants there are, of which results may be a sample."""
    survivors = [(result, _reason(result)) for result in results if _lives(result)]
    harmless = Counter(result.path for result, reason in survivors if reason.kind in _HARMLESS)
    dead = len(results) - len(survivors)
    wrong = len(results) - harmless.total()
    elsewhere = sum(reason.kind == "elsewhere" for _, reason in survivors)
    text = _HEAD.format(
        strict=_percent(dead, wrong + elsewhere),
        date=dt.datetime.now(dt.UTC).date(),
        extent="all mutants"
        if len(results) >= every
        else f"{len(results)} of {every} mutants, drawn by chance",
        mutmut=version("mutmut"),
        all=len(results),
        dead=dead,
        raw=_percent(dead, len(results)),
        wrong=wrong,
        score=_percent(dead, wrong),
        rows="\n".join(_module_row(path, results, harmless[path]) for path in FILES),
        survivors="\n".join(_survivor_rows(survivors)),
    )
    PAGE.write_text(text)


def _lives(result: Result) -> bool:
    return result.fate in SURVIVORS


def _reason(result: Result) -> Reason:
    return next((reason for reason in _reasons() if reason.explains(result)), _UNREAD)


def _reasons() -> list[Reason]:
    return [Reason(**entry) for entry in tomllib.loads(_REASONS.read_text())["survivor"]]


def _module_row(path: str, results: Sequence[Result], harmless: int) -> str:
    fates = Counter(result.fate for result in results if result.path == path)
    alive = fates["survived"] + fates["not reached"]
    dead = fates["killed"] + fates["timeout"]
    cells = (fates.total(), fates["killed"], fates["timeout"], alive, harmless)
    score = _percent(dead, fates.total() - harmless)
    return f"| {path} | {' | '.join(map(str, cells))} | {score} |"


def _survivor_rows(survivors: Iterable[tuple[Result, Reason]]) -> Iterable[str]:
    """One a survivor; those that share a reason share a row."""
    by_reason: dict[tuple[str, str, Reason], list[str]] = {}
    for result, reason in survivors:
        by_reason.setdefault((result.path, result.place, reason), []).append(result.change)
    for (path, place, reason), changes in by_reason.items():
        told = "<br>".join(f"`{change.replace('|', chr(92) + '|')}`" for change in changes)
        yield f"| {path} | {place or '(module)'} | {told} | {reason.kind} | {reason.reason} |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
