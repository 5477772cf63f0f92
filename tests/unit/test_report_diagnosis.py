"""From exceptions to what was expected and seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nq_conformance.history import History
from nq_conformance.report.diagnosis import Diagnoser, leaves
from nq_conformance.report.outcome import Failure
from nq_conformance.violation import Inconclusive, Violation

HERE = Path(__file__).parent
KIT_HERE = Diagnoser((HERE,))
"""Takes this folder for the kit's; without it, this folder is an adapter's."""


def raised(act: Callable[[], object]) -> BaseException:
    """What ``act`` raises, with its traceback."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any
        act()
    return caught.value


def throw(error: BaseException) -> Callable[[], object]:
    """Something that raises ``error``."""

    def act() -> object:
        raise error

    return act


def test_a_violation_speaks_for_itself() -> None:
    """Its hint goes before the rule's."""
    error = Violation(expected="one", seen="two", hint="here", slow=True)
    found = Diagnoser(rule_hints=("there",)).failure(error, None)
    assert found == Failure("one", "two", slow=True, hints=("here", "there"))


def test_a_violation_in_groups_is_unwrapped_and_its_companions_are_told() -> None:
    """Task groups wrap; the reader wants the violation."""
    inner = ExceptionGroup("inner", [Violation(expected="one", seen="two"), KeyError("x")])
    found = KIT_HERE.failure(ExceptionGroup("outer", [inner]), None)
    assert (found.seen, found.trace) == ("two", ("also raised: KeyError: 'x'",))


def test_leaves_are_found_at_any_depth() -> None:
    """In order."""
    one, two = ValueError(1), ValueError(2)
    assert leaves(ExceptionGroup("", [ExceptionGroup("", [one]), two])) == [one, two]


def test_the_timeline_is_about_the_jobs_concerned() -> None:
    """Other jobs are left out."""
    history = History()
    history.add("call", "enqueue", job_id="a")
    history.add("call", "enqueue", job_id="b")
    found = KIT_HERE.failure(Violation(expected="1", seen="2", jobs=("a",)), history)
    assert len(found.timeline) == 1
    assert "enqueue a" in found.timeline[0]


def test_a_call_that_raised_is_the_adapters_even_without_a_frame_of_it() -> None:
    """The history knows what the call raised."""
    error = raised(throw(TypeError("takes 1 argument")))
    history = History()
    history.add("call", "pause", text="'q' !! TypeError: takes 1 argument", data=error)
    found = KIT_HERE.failure(error, history)
    assert (found.fault, found.seen) == ("adapter", "`pause('q')` raised TypeError: takes 1 argument")


def test_an_error_with_a_frame_of_the_adapter_is_the_adapters() -> None:
    """With its own lines, and the cause."""

    def act() -> None:
        try:
            int("x")
        except ValueError as cause:
            raise OSError("no disk") from cause

    found = Diagnoser().failure(raised(act), None)
    assert found.seen == "the adapter raised OSError: no disk"
    assert found.trace[-2:] == (
        '    raise OSError("no disk") from cause',
        "caused by ValueError: invalid literal for int() with base 10: 'x'",
    )


def test_an_error_in_the_kit_is_the_kits_fault() -> None:
    """Reported as such."""
    found = KIT_HERE.failure(raised(throw(KeyError("x"))), None)
    assert (found.fault, found.expected) == ("kit", "the kit to work")


@pytest.mark.parametrize(("name", "fault"), [("uvloop/loop.pyx", "kit"), ("asyncpg/x.pyx", "adapter")])
def test_a_compiled_event_loop_is_not_taken_for_the_adapter(name: str, fault: str) -> None:
    """uvloop's frames are named as its sources were where it was built."""
    code = compile("act()", name, "exec")
    error = raised(lambda: exec(code, {"act": throw(KeyError("x"))}))
    assert KIT_HERE.failure(error, None).fault == fault


def test_a_failed_assertion_of_the_suite_is_a_finding() -> None:
    """With the line that says what was expected."""
    found = KIT_HERE.failure(raised(throw(AssertionError("1 != 2"))), None)
    assert (found.fault, found.seen) == ("adapter", "1 != 2")
    assert "test_report_diagnosis.py" in found.expected


def test_an_inconclusive_test_gives_its_reason() -> None:
    """Also from within a group."""
    error = ExceptionGroup("", [Inconclusive("the disk is full")])
    assert KIT_HERE.inconclusive(error) == "the disk is full"


def test_the_falsifying_example_is_taken_from_the_notes() -> None:
    """Without Hypothesis's explanation of our own lines, and without the lab."""
    error = Violation(expected="1", seen="2")
    for note in (
        "Failing test case: f(\n    lab=<nq_conformance.lab.Lab>,\n    x=1,\n)",
        "Explanation:",
        "    x.py:3",
    ):
        error.add_note(note)
    assert KIT_HERE.failure(error, None).example == ("Failing test case: f(", "    x=1,", ")")


def test_what_a_terminal_or_utf8_can_not_take_is_escaped() -> None:
    """Lone surrogates can't even be sent to another process."""
    found = KIT_HERE.failure(Violation(expected="a\x1b[31m\x00", seen="\udc80"), None)
    assert (found.expected, found.seen) == ("a\\x1b[31m\\x00", "\\udc80")


def test_long_values_are_cut() -> None:
    """And it is told how much is missing."""
    found = KIT_HERE.failure(Violation(expected="x" * 2_010, seen=""), None)
    assert found.expected.endswith("x… (10 more characters)")
