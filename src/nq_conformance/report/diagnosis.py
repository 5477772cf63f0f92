"""From the exception that ended a test to what was expected and seen, and whose fault it is.

A ``Violation`` says it itself. Any other exception is read from its traceback: with a frame
of the adapter it is a failed call of the adapter, without one our own bug.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nq_conformance.history import History
from nq_conformance.report.frames import adapter_frames, formatted, frames_of, is_kit
from nq_conformance.report.outcome import Failure
from nq_conformance.report.wrapping import printable
from nq_conformance.violation import Inconclusive, Violation

_THEIR_FRAMES = 4
"""Frames of the adapter that are shown; two lines each."""


@dataclass(frozen=True, slots=True)
class Diagnoser:
    """Turns exceptions into failures; ``suite_dirs`` are kit code outside the package."""

    suite_dirs: Sequence[Path] = ()
    rule_hints: Sequence[str] = field(default=())

    def inconclusive(self, error: BaseException) -> str | None:
        """The reason, if ``error`` says that the environment is to blame."""
        return next((printable(e.reason) for e in leaves(error) if isinstance(e, Inconclusive)), None)

    def failure(self, error: BaseException, history: History | None) -> Failure:
        """What is to be told of ``error``."""
        found = leaves(error)
        leaf = next((e for e in found if isinstance(e, Violation)), found[0])
        others = [f"also raised: {_one_line(e)}" for e in found if e is not leaf]
        told = self._violation(leaf) if isinstance(leaf, Violation) else self._other(leaf, history)
        jobs = leaf.jobs if isinstance(leaf, Violation) else ()
        return Failure(
            expected=printable(told.expected),
            seen=printable(told.seen),
            slow=told.slow,
            fault=told.fault,
            timeline=tuple(printable(line) for line in history.timeline(jobs)) if history else (),
            hints=(*map(printable, told.hints), *self.rule_hints),
            trace=tuple(map(printable, (*told.trace, *others))),
            example=_notes(error, leaf),
        )

    def _violation(self, error: Violation) -> Failure:
        hints = (error.hint,) if error.hint else ()
        return Failure(error.expected, error.seen, slow=error.slow, hints=hints)

    def _other(self, error: BaseException, history: History | None) -> Failure:
        theirs = adapter_frames(error, self.suite_dirs)
        call = _raising_call(error, history) or (_last_call(history) if theirs else None)
        if call or theirs:
            what = f"`{call}` raised" if call else "the adapter raised"
            seen = f"{what} {_one_line(error)}"
            return Failure("the call succeeds", seen, trace=_their_trace(error, theirs))
        if isinstance(error, AssertionError) or type(error).__name__ == "Failed":
            return Failure(f"what {self._place(error)} asserts", str(error) or "it does not hold")
        if isinstance(error, TimeoutError):
            seen = f"time ran out; the last call was `{_last_call(history)}`"
            return Failure("the test ends within its budget", seen)
        return _kit_fault(error, self.suite_dirs)

    def _place(self, error: BaseException) -> str:
        kit = [f for f in frames_of(error) if is_kit(f, self.suite_dirs)]
        return f"{Path(kit[-1].filename).name}:{kit[-1].lineno} (`{kit[-1].line}`)" if kit else "the test"


def leaves(error: BaseException) -> list[BaseException]:
    """``error`` itself, or the exceptions that a group is made of, at any depth."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


def _raising_call(error: BaseException, history: History | None) -> str | None:
    """The call of the adapter that raised just this exception."""
    for entry in reversed(history.entries if history else ()):
        if entry.kind == "call" and entry.data is error:
            return f"{entry.label}({entry.text.split(' !! ')[0]})"
    return None


def _last_call(history: History | None) -> str | None:
    return history.last_call() if history else None


def _kit_fault(error: BaseException, suite_dirs: Sequence[Path]) -> Failure:
    """Our own bug, with its traceback from the first frame of ours on."""
    frames = frames_of(error)
    first = next((i for i, frame in enumerate(frames) if is_kit(frame, suite_dirs)), 0)
    return Failure(
        "the kit to work",
        f"{_one_line(error)}. This is a fault of the kit, not of the adapter: please report it",
        fault="kit",
        trace=(*formatted(frames[first:]), _one_line(error)),
    )


def _their_trace(error: BaseException, frames: Sequence[traceback.FrameSummary]) -> tuple[str, ...]:
    cause = error.__cause__
    caused = (f"caused by {_one_line(cause)}",) if cause is not None else ()
    return (*formatted(frames[-_THEIR_FRAMES:]), *caused)


def _notes(error: BaseException, leaf: BaseException) -> tuple[str, ...]:
    """What Hypothesis noted on the exception: the falsifying example.

    Its explanation of lines is left out: they are lines of the kit.
    """
    notes = [*getattr(leaf, "__notes__", ()), *(getattr(error, "__notes__", ()) if error is not leaf else ())]
    text = "\n".join(map(str, notes)).partition("Explanation:")[0].rstrip()
    lines = (line for line in text.splitlines() if "<nq_conformance." not in line)
    return tuple(map(printable, lines))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
