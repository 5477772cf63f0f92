"""Object literals of JavaScript are read as JavaScript would, or not at all."""

from __future__ import annotations

import json
import subprocess

import pytest

from nq_reference.registry.literals import LiteralReader
from nq_reference.registry.node_tokens import tokenize
from nq_reference.registry.written import UnreadableError

LITERALS = [
    "{}",
    "[1, -2, 3.5, 1e3, 0xff, 1_000, ]",
    "{ a: true, b: false, c: null, 'd e': [], \"f\": {}, }",
    r"""['\n\t\\\'"', "\u00e4\u{1F600}\x41\0", `back
tick`, 'a\
b']""",
    "{ /* one */ a: // two\n 1, $b_2: [[{}]] }",
    "[0o17, 0b101, .5, 5., 1.5e2, 9007199254740993, +1, 0xffffffffffffffffffff]",
    r"""['\ud83d\ude00', '\u{1f600}\ufeff', '\q\0', `a\`\${b}$c`, `\\`]""",
    "{ été: 1, __x: 'a', }",
]
WRONG = [
    "{ a }",
    "{ a: b }",
    "{ ...c }",
    "{ a: 1 + 1 }",
    "[f()]",
    "{ a: `${b}` }",
    "{ a: 1",
    "1n",
    "'a",
    "[1 2]",
    "[017]",
    "[0x_]",
    "['\\u{FFFFFFF}']",
    "['\\u12']",
    "['\\x1']",
    "['\\1']",
    "[`\\\\${b}`]",
    "{ 1: 2 }",
    "{ [a]: 2 }",
    "{ a() {} }",
    "[" * 2000 + "]" * 2000,
]


def value(text: str, at: int = 0) -> object:
    """The literal that begins at a token."""
    return LiteralReader(tokenize(text), at).value()


@pytest.mark.needs_node
@pytest.mark.parametrize("text", LITERALS)
def test_a_literal_is_what_node_makes_of_it(text: str) -> None:
    """Node itself is asked."""
    script = f"process.stdout.write(JSON.stringify({text}))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert value(text) == json.loads(done.stdout)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_literal_is_refused_at_its_line(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(UnreadableError) as raised:
        value(f"\n{text}")
    assert raised.value.line == 2


def test_a_number_beyond_all_is_no_exception() -> None:
    """As Infinity, it is no whole number, which its option then says."""
    assert value(f"[{'9' * 5000}, 0x{'f' * 5000}]") == [float("inf")] * 2


def test_each_key_has_its_line() -> None:
    """Those within as well."""
    reader = LiteralReader(tokenize("{\n a: 1, b: {\n\n c: [{ d: 2 }] },\n a: 3 }"), 0)
    assert reader.value() == {"a": 3, "b": {"c": [{"d": 2}]}}
    assert reader.lines == {("a",): 5, ("b",): 2, ("b", "c"): 4, ("b", "c", "d"): 4}
