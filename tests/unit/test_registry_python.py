"""The configuration of a Python worker is read wherever it stands, or is an error: never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_folder import HANDLER, problems, write

from nq_reference.registry.python_file import read_python
from nq_reference.registry.written import UnreadableError, Written

READ = {
    "classes": "config = Config(queue='q', worker=WorkerConfig(concurrency=2))\n" + HANDLER,
    "given to define_worker": "w = define_worker(lambda data, ctx: 1, define_config(queue='q'))",
    "by the module's name": "config: object = nq.define_config(queue='q', worker=dict())\n" + HANDLER,
    "by its keyword": "w = define_worker(handler=run, config=define_config(queue='q'))",
    "a constant": "SETTINGS = define_config(queue='q')\nw = define_worker(run, SETTINGS)",
    "a constant of a constant": "A = Config(queue='q')\nconfig = A\n" + HANDLER,
    "the same twice": "config = define_config(queue='q')\nw = define_worker(run, config)",
    "under another name": (
        "from nq_reference.worker import define_config as dc\nconfig = dc(queue='q')\n" + HANDLER
    ),
    "assigned to another name": "dc = nq.define_config\nconfig = dc(queue='q')\n" + HANDLER,
    "after a byte order mark": "\ufeffconfig = define_config(queue='q')\n" + HANDLER,
    "with a future import": (
        "from __future__ import annotations\nconfig = define_config(queue='q')\n" + HANDLER
    ),
    "with a decorator": "@define_worker\nasync def work(data, ctx): ...\nconfig = define_config(queue='q')\n",
}


def read(text: str) -> Written:
    """What a file says."""
    return read_python(Path("job.py"), text.encode())


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_a_configuration_may_be_written_in_several_ways(text: str) -> None:
    """The queue is not that of the file's place."""
    written = read(text)
    assert written.values["queue"] == "q"
    assert written.has_handler


MUST_BE = "config must be define_config(...) at the top level, to be read without running it"
GIVEN = f"the configuration given to define_worker{MUST_BE.removeprefix('config')}"
ELSEWHERE = "it comes from another file: write it in this one"
ONE = "a file has one configuration: `config = define_config(...)`, at its top level"
REFUSED = {
    "what a call returns": ("\nconfig = make()", 2, f"{MUST_BE}; if it is not the configuration"),
    "a dict": ("config = {'queue': 'q'}", 1, MUST_BE),
    "imported": ("from _c import config", 1, f"{MUST_BE}; {ELSEWHERE}"),
    "imported under that name": ("from _c import settings as config", 1, f"{MUST_BE}; {ELSEWHERE}"),
    "imported and given": ("from _c import CFG\nw = define_worker(run, CFG)", 1, f"{GIVEN}; {ELSEWHERE}"),
    "taken apart": ("config, other = make()", 1, MUST_BE),
    "a function": ("def config(): ...", 1, MUST_BE),
    "in a loop": ("for config in all_of_them: ...", 1, MUST_BE),
    "on a condition": ("if True:\n  config = define_config(queue='q')", 2, MUST_BE),
    "within a condition": ("if (config := define_config()): ...", 1, MUST_BE),
    "either or": ("config = define_config(queue='q') if A else None", 1, MUST_BE),
    "changed": ("config = define_config()\nconfig |= other", 2, MUST_BE),
    "with two values": ("A = define_config()\nA = 1\nw = define_worker(run, A)", 3, GIVEN),
    "given from a call": ("w = define_worker(run, make())", 1, GIVEN),
    "given by keywords": ("w = define_worker(run, **more)", 1, GIVEN),
    "given by a spread": ("w = define_worker(*all)", 1, GIVEN),
    "given in a circle": ("a = b\nb = a\nw = define_worker(run, a)", 2, GIVEN),
    "two": ("config = define_config()\nconfig = define_config()", 2, ONE),
    "under another name": ("\nsettings = define_config(queue='q')", 2, ONE),
    "renamed, under another name": ("from nq_reference.worker import define_config as dc\ns = dc()", 2, ONE),
    "the class under another name": ("from nq_reference.worker import Config\ns = Config()", 2, ONE),
    "within a function": ("def f():\n  return define_config(queue='q')", 2, ONE),
    "positional": ("config = define_config(*more)", 1, "define_config takes keywords only"),
    "with a spread": ("config = define_config(**COMMON)", 1, "what ** brings can't be read without running"),
    "no literal": (
        "config = define_config(\n worker={'concurrency': SIZE})",
        2,
        "worker['concurrency'] must be a literal, to be read without running the file, not SIZE",
    ),
    "a key that can't be one": (
        "config = define_config(\n worker={[1]: 2})",
        2,
        "a key of worker must be text in quotes, not [1]",
    ),
    "a key that is no text": ("config = define_config(worker={1: 2})", 1, "a key of worker must be text"),
    "unhashable within": ("config = define_config(flow={'emits': [{[1]: 2}]})", 1, "flow['emits'] must be a"),
    "nested too deep": (
        f"config = define_config(queue={'-' * 5000}1)",
        1,
        "can't be read: it is nested too deep",
    ),
    "brackets too deep": (f"config = define_config(queue={'[' * 2000})", 1, "syntax error: too many nested"),
}


@pytest.mark.parametrize(("text", "line", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_an_error_at_its_line(text: str, line: int, message: str) -> None:
    """Or the worker would land on a queue that nobody meant."""
    with pytest.raises(UnreadableError) as raised:
        read(f"{text}\n{HANDLER}")
    assert str(raised.value).startswith(message)
    assert raised.value.line == line


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("\ndef handler(data, data): ...", 2, "duplicate argument 'data'"),
        ("async def handler(data, ctx): ...\nreturn 1", 2, "'return' outside function"),
        ("def handler(data, ctx):\n  await data", 2, "'await' outside async function"),
        ("x = 1\nfrom __future__ import annotations", 2, "from __future__ imports must occur"),
    ],
)
def test_what_python_would_not_compile_is_a_syntax_error(text: str, line: int, message: str) -> None:
    """Also what a parser alone lets pass."""
    with pytest.raises(UnreadableError, match=f"syntax error: {message}") as raised:
        read(text)
    assert raised.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "try:\n  from _a import handler\nexcept ImportError:\n  from _b import handler",
        "from _impl import *",
        "import config\n" + HANDLER,
        "from botocore.config import Config\nsettings = Config(retries=2)\n" + HANDLER,
        "def handler(data, ctx):\n  config = load()",
        "w = define_worker(run, None)",
        "run_worker(lambda data, ctx: 1)",
        "PATTERN = '\\d'\n" + HANDLER,
        f"TEXT = {' + '.join(['x'] * 900)}\n" + HANDLER,
    ],
)
def test_a_handler_needs_no_configuration(text: str) -> None:
    """And settings of another kind are none."""
    written = read(text)
    assert (written.values, written.has_handler) == ({}, True)


def test_the_encoding_of_a_file_is_what_it_says(tmp_path: Path) -> None:
    """As Python itself has it, and an unknown one is a mistake of the file."""
    text = f"# coding: latin-1\nconfig = define_config(queue='é')\n{HANDLER}"
    assert read_python(Path("job.py"), text.encode("latin-1")).values == {"queue": "é"}
    assert problems(write(tmp_path, a_py="# coding: klingon\n")) == [
        "a.py:1: syntax error: unknown encoding: klingon"
    ]
