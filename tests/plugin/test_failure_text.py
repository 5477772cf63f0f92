"""What stands in the place of a traceback."""

from __future__ import annotations

import pytest

from plugin.kit_runs import KitRuns

WRONG = """
@rule("CON-01")
async def test_counts(lab):
    queue = await lab.queue()
    one = await queue.add({"n": 1})
    raise Violation(expected="one job at a time", seen="two", jobs=(one,), hint="Look at the limiter.")
"""


def text_of(result: pytest.RunResult) -> list[str]:
    """The lines from the failure's headline to the summary."""
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if line.startswith("____")) + 1
    end = next(i for i, line in enumerate(lines) if "= conformance =" in line)
    return lines[start:end]


def test_a_violation_tells_everything_but_a_traceback(kit: KitRuns) -> None:
    """Rule, expected, seen, timeline, where to look, why, and how to repeat it."""
    kit.suite(WRONG)
    kit.judge("--nq-seed=7").stdout.fnmatch_lines(
        [
            "CON-01 MUST  The running handlers of a queue MUST NOT be more than its concurrency *",
            "  * (adapter shelf, asyncio)",
            "  expected  one job at a time",
            "  seen      two",
            "  timeline",
            "    +* ms  call init",
            "    +* ms  call enqueue 1 on queue1  'job', {'n': 1} -> '1'",
            "  look at   Look at the limiter.",
            "            One limiter for each queue, shared by all its handlers.",
            "            Fill a slot as soon as it is free; do not wait for a batch to end.",
            "  why       The limit is usually that of something behind it, *",
            "            jobs fail; below it the backlog grows although there is room.",
            "  repeat    pytest --nq-adapter=shelf:Provider --nq-rule CON-01 --nq-backend asyncio *",
        ],
        consecutive=True,
    )


def test_no_line_is_wider_than_100_columns(kit: KitRuns) -> None:
    """Whatever a test has to say."""
    kit.suite(
        """
        @rule("CON-01")
        async def test_long(lab):
            queue = await lab.queue("q" * 200)
            await queue.add("x" * 300, name="n" * 100)
            raise Violation(expected="word " * 100, seen="w" * 500, hint="hint " * 50)
        """
    )
    assert max(len(line) for line in text_of(kit.judge("--nq-rule=CON-01"))) <= 100


def test_too_slow_reads_differently_from_wrong(kit: KitRuns) -> None:
    """It did come, only late."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_slow(lab): raise Violation(expected="a job", seen="it came after 9 s", slow=True)
        """
    )
    kit.judge().stdout.fnmatch_lines(["  seen      too slow: it came after 9 s"])


def test_an_error_of_the_adapter_is_shown_with_its_own_lines(kit: KitRuns) -> None:
    """The call, the error, and the adapter's part of the traceback; not the kit's."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_pauses(lab):
            queue = await lab.queue()
            await queue.pause()
        """
    )
    result = kit.judge()
    result.stdout.fnmatch_lines(
        [
            "  expected  the call succeeds",
            "  seen      `pause()` raised ValueError: this shelf can't be paused",
            "  trace",
            "    shelf.py:* in pause",
            "*raise ValueError(*",
            "  timeline",
        ],
        consecutive=True,
    )


def test_a_call_that_does_not_fit_is_the_adapters_fault(kit: KitRuns) -> None:
    """There is no line of the adapter in the traceback, only that it was called."""
    kit.suite(
        """
        @rule("ENQ-02")
        async def test_resumes(lab):
            queue = await lab.queue()
            await queue.resume()
        """
    )
    kit.shelf("async def resume(self): pass")
    result = kit.run("--nq-adapter=other:Provider", "--nq-backend=asyncio")
    result.stdout.fnmatch_lines(
        [
            "  expected  the call succeeds",
            "  seen      `resume()` raised TypeError: *takes 1 positional argument*",
        ]
    )


def test_an_error_of_the_kit_says_that_it_is_ours(kit: KitRuns) -> None:
    """With a traceback, to be reported."""
    kit.suite('@rule("ENQ-02")\nasync def test_breaks(lab): {}["x"]')
    kit.judge().stdout.fnmatch_lines(
        [
            "  expected  the kit to work",
            "  seen      KeyError: 'x'. This is a fault of the kit, not of the adapter: please report it",
            "  trace",
            "    suite/test_ord.py:* in test_breaks",
        ]
    )


def test_one_error_in_a_group_is_shown_as_itself(kit: KitRuns) -> None:
    """What a task group wraps is unwrapped."""
    kit.suite(
        """
        import anyio

        @rule("ENQ-02")
        async def test_group(lab):
            async def wrong(): raise Violation(expected="one", seen="two")
            async with anyio.create_task_group() as group:
                group.start_soon(wrong)
        """
    )
    kit.judge().stdout.fnmatch_lines(["  expected  one", "  seen      two"])


def test_an_assertion_is_shown_with_its_line(kit: KitRuns) -> None:
    """A bare assert in the suite is a finding about the adapter."""
    kit.suite('@rule("ENQ-02")\nasync def test_asserts(lab):\n    assert 1 + 1 == 3')
    kit.judge().stdout.fnmatch_lines(
        ["  expected  what test_ord.py:* (`assert 1 + 1 == 3`) asserts", "*assert*(1 + 1) == 3"]
    )


def test_the_falsifying_example_is_shown(kit: KitRuns) -> None:
    """Hypothesis's smallest input is the best explanation there is."""
    kit.suite(
        """
        @rule("ENQ-02")
        @given(number=st.integers())
        @settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
        async def test_small(lab, number):
            if number >= 100:
                raise Violation(expected="a small number", seen=str(number))
        """
    )
    kit.judge().stdout.fnmatch_lines(["  seen      100", "  example", "*number=100,*"])


def test_the_command_names_the_test_where_a_rule_has_several(kit: KitRuns) -> None:
    """And repeats what the user gave."""
    kit.suite(WRONG + '\n@rule("CON-01")\nasync def test_other(lab): pass')
    kit.file("w.toml", "")
    kit.judge("--nq-seed=7", "--nq-waivers=w.toml", "--nq-time-scale=2").stdout.fnmatch_lines(
        [
            "  repeat    pytest --nq-adapter=shelf:Provider --nq-rule CON-01 * --nq-seed 7 \\",
            "              -k test_counts --nq-waivers=w.toml --nq-time-scale=2",
        ],
        consecutive=True,
    )


def test_the_command_repeats_the_failure(kit: KitRuns) -> None:
    """Typed as it stands, it fails in the same way."""
    kit.suite(WRONG)
    command = "\n".join(text_of(kit.judge())).partition("  repeat    pytest ")[2].replace("\\\n", "")
    kit.run(*command.split()).stdout.fnmatch_lines(["  seen      two", "*= 1 failed in *"])


@pytest.mark.parametrize("option", ["--tb=long", "--full-trace"])
def test_the_traceback_is_there_when_asked_for(kit: KitRuns, option: str) -> None:
    """Below our text."""
    kit.suite(WRONG)
    kit.judge(option).stdout.fnmatch_lines(["  repeat    pytest *", "*raise Violation(expected=*"])


def test_what_the_test_printed_is_shown_as_always(kit: KitRuns) -> None:
    """Captured output stays pytest's business."""
    kit.suite('@rule("ENQ-02")\nasync def test_prints(lab):\n    print("hello")\n    assert False')
    kit.judge().stdout.fnmatch_lines(["*- Captured stdout call -*", "hello"])
