"""The configuration of a JavaScript worker is read wherever it stands, or is an error: never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_folder import NODE_HANDLER, only, problems, write

from nq_reference.registry.node_file import read_node
from nq_reference.registry.written import UnreadableError

READ = {
    "a constant given to defineWorker": (
        "const settings = defineConfig({queue: 'q'}); export default defineWorker(run, settings)"
    ),
    "a constant that is exported as config": "const c = {queue: 'q'}\nexport { c as config, h as default }",
    "a constant of a constant": "const a = {queue: 'q'}, b = a\nexport const config = b" + NODE_HANDLER,
    "given to defineWorker": ("export default defineWorker(({ a }, [c]) => f(', {'), { queue: 'q' })"),
    "the same twice": ("export const config = { queue: 'q' }\nexport default defineWorker(run, config)"),
    "by the name of the SDK": (
        "import * as nq from 'nq-worker'\n"
        "export default nq.defineWorker(f, nq.defineConfig({ queue: 'q', }),)"
    ),
    "under another name": (
        "import { defineConfig as dc, defineWorker as dw } from 'nq-worker'\n"
        "export default dw(run, dc({ queue: 'q' }))"
    ),
    "required under another name": (
        "const { defineConfig: dc } = require('nq-worker')\n"
        "exports.config = dc({queue: 'q'})\nexports.handler = h"
    ),
    "a member of module.exports": "module.exports = async () => 1\nmodule.exports.config = {queue: 'q'}",
    "a member by a string": "exports['config'] = {queue: 'q'}; exports.handler = async () => 1",
    "assigned in a chain": "const config = exports.config = {queue: 'q'}; exports.handler = h",
    "in module.exports": "module.exports = {config: {queue: 'q'}, async handler() {}}",
    "by its name in module.exports": "const config = {queue: 'q'}; module.exports = { config, handler: h }",
    "copied into module.exports": "Object.assign(module.exports, { config: {queue: 'q'}, handler })",
    "in an object with a name": "const worker = { handler, config: {queue: 'q'} }\nexport default worker",
    "as TypeScript compiles it": (
        'Object.defineProperty(exports, "__esModule", { value: true });\nexports.config = void 0;\n'
        'const nq_1 = require("nq-worker");\nexports.config = (0, nq_1.defineConfig)({ queue: "q" });\n'
        "exports.default = (0, nq_1.defineWorker)(async () => 1, exports.config);"
    ),
    "indented": "  export const config = {queue: 'q'}" + NODE_HANDLER,
    "after a directive": "'use strict'; const config = {queue: 'q'}; module.exports = { config, handler }",
    "after a byte order mark": "\ufeffexport const config = {queue: 'q'}" + NODE_HANDLER,
    "after a shebang": "#!/usr/bin/env node's\nexport const config = {queue: 'q'}" + NODE_HANDLER,
    "in brackets": "export const config = /** @type {Config} */ ({queue: 'q'})" + NODE_HANDLER,
    "among other declarations": "export const a = b / c / d, config = {queue: 'q'}, e = 1" + NODE_HANDLER,
    "before what is no operator": "export const config = {queue: 'q'}\n++x\nlet a = {queue: 'w'}"
    + NODE_HANDLER,
    "after a regular expression": "const re = /[`/*\"]/g\nexport const config = {queue: 'q'}" + NODE_HANDLER,
    "after one in a condition": "if (a) /'`/.test(b)\nexport const config = {queue: 'q'}" + NODE_HANDLER,
    "after templates": "const t = `${a + `}${{}}`} \\` /*`\nexport const config = {queue: 'q'}"
    + NODE_HANDLER,
    "settings of another": (
        "import config from './settings.mjs'\nexport default defineWorker(f, { queue: 'q', name: 'job' })"
    ),
}


@pytest.mark.parametrize("text", READ.values(), ids=READ.keys())
def test_a_configuration_may_be_written_in_several_ways(text: str) -> None:
    """The queue is not that of the file's place."""
    written = read_node(Path("job.mjs"), text.removeprefix("\ufeff"))
    assert written.values["queue"] == "q"
    assert written.has_handler


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Editors on Windows write one, in both languages."""
    write(tmp_path, a_mjs=READ["after a byte order mark"])
    assert only(tmp_path).queue == "q"


MUST_BE = "config must be defineConfig({...}) or {...}, to be read without running it"
GIVEN = f"the configuration given to defineWorker{MUST_BE.removeprefix('config')}"
ELSEWHERE = "comes from another file: write it in this one"
REFUSED = {
    "what a call returns": ("\nexport const config = make()", 2, f"{MUST_BE}; if it is not the config"),
    "frozen": ("export const config = Object.freeze({queue: 'q'})", 1, MUST_BE),
    "imported": ("import { config } from './_c.mjs'\nexport { config }", 2, f"{MUST_BE}; config {ELSEWHERE}"),
    "imported and given": (
        "import { c } from './_c.mjs'\nexport default defineWorker(run, c)",
        2,
        f"{GIVEN}; c {ELSEWHERE}",
    ),
    "required": (
        "const { config } = require('./_c')\nexports.config = config",
        2,
        f"{MUST_BE}; config {ELSEWHERE}",
    ),
    "exported from elsewhere": ("export { config } from './_c.mjs'", 1, f"{MUST_BE}, whole and in this file"),
    "taken apart": ("export const { config } = make()", 1, MUST_BE),
    "assigned later": ("export let config\nconfig = {queue: 'q'}", 2, f"{MUST_BE}; here config is changed"),
    "changed later": (
        "export const config = {queue: 'q'}\nconfig.worker['concurrency'] = 2",
        2,
        f"{MUST_BE}; here config is",
    ),
    "changed in module.exports": (
        "exports.config = {queue: 'q'}\nexports.config.queue = 'r'",
        2,
        f"{MUST_BE}, whole and in this file",
    ),
    "never assigned": ("export let config", 1, MUST_BE),
    "a function": ("export function config() {}", 1, MUST_BE),
    "a method": ("module.exports = { get config() {}, handler }", 1, MUST_BE),
    "with an operator": ("export const config = {queue: 'q'} && other", 1, f"{MUST_BE}; it goes on with &&"),
    "with one on the next line": (
        "export const config = {queue: 'q'}\n  ?? other",
        2,
        f"{MUST_BE}; it goes on",
    ),
    "with a member": ("export const config = {queue: 'q'}\n[0].x", 2, f"{MUST_BE}; it goes on with ["),
    "with one by its name": ("const a = {queue: 'q'} || b\nexport default defineWorker(f, a)", 1, GIVEN),
    "given with an operator": ("export default defineWorker(f, {queue: 'q'} || a)", 1, GIVEN),
    "given from a call": ("export default defineWorker(f, make())", 1, GIVEN),
    "given by an unknown name": ("export default defineWorker(f, a)", 1, GIVEN),
    "given in a circle": ("const a = b\nconst b = a\nexport default defineWorker(f, a)", 2, GIVEN),
    "spread": ("export default defineWorker(f, ...more)", 1, "the configuration must be defineConfig"),
    "two": (
        "export const config = {queue: 'q'}\nexport default defineWorker(f,\n {queue: 'r'})",
        3,
        "a file has one configuration; this is another one than that of line 1",
    ),
    "under another name": (
        "\nexport const settings = defineConfig({queue: 'q'})",
        2,
        "this configuration is nobody",
    ),
    "renamed, under another name": (
        "import { defineConfig as dc } from 'nq-worker'\nconst s = dc({queue: 'q'})",
        2,
        "this configuration is",
    ),
    "within a function": (
        "function f() {\n return defineConfig({queue: 'q'}) }",
        2,
        "this configuration is no",
    ),
    "no literal": ("export const config = {\n  queue: QUEUE }", 2, "QUEUE is no literal; write its value"),
    "computed": (
        "export const config = {\n  worker: { concurrency: 2 * 3 } }",
        2,
        "an expression is no literal; write",
    ),
    "with a spread": ("export const config = {\n  ...COMMON }", 2, "what ... brings can't be read"),
    "not closed": ("\nexport const config = {queue: 'q'", 2, "a { that is not closed"),
    "a string that is not closed": ("\nexport const config = {queue: 'q}", 2, "a string that is not closed"),
    "a template that is not closed": ("\nconst a = `${b", 2, "a template that is not closed"),
    "void of nothing": ("module.exports.config = void", 1, "no worker: it exports no handler"),
    "a bracket too many": ("\n}", 2, "a } that closes nothing"),
}


@pytest.mark.parametrize(("text", "line", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_an_error_at_its_line(text: str, line: int, message: str) -> None:
    """Or the worker would land on a queue that nobody meant."""
    handler = "" if "module.exports" in text or text.count("{") != text.count("}") else NODE_HANDLER
    with pytest.raises(UnreadableError) as raised:
        read_node(Path("job.mjs"), text + handler)
    assert str(raised.value).startswith(message)
    assert raised.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "export async function handler() {}",
        "export const handler = f",
        "export { h as default }",
        "export { default } from './_impl.mjs'",
        "export default class {}",
        "module.exports = f",
        "exports.handler = f",
        "module.exports = { ...more }",
        "Object.assign(module.exports, { handler })",
        "import { runWorker as serve } from 'nq-worker'\nserve(f)",
        "export default defineWorker(f, undefined)",
        "const config = require('../config')\nmodule.exports = async () => config.url",
    ],
)
def test_a_handler_needs_no_configuration(text: str) -> None:
    """Whatever way it is exported."""
    written = read_node(Path("job.js"), text)
    assert (written.values, written.has_handler) == ({}, True)


@pytest.mark.parametrize(
    "text",
    [
        "export const config = { queue: 'q' }",
        "export const config = { queue: 'q' }\nfunction handler() {}",
        "const config = { queue: 'q' }\nexport default config",
        "const config = defineConfig({ queue: 'q' })\nexport default config",
        "module.exports = { config: { queue: 'q' } }",
        "const w = defineWorker(f, { queue: 'q' })",
    ],
)
def test_a_configuration_alone_is_no_worker(text: str) -> None:
    """A child that has no handler fails each of its jobs."""
    assert not read_node(Path("job.js"), text).has_handler


WRONG = {
    "a_cjs": "\n\nmodule.exports = { a b }\n",
    "b_mjs": "export default async () => {\n  return 1 1\n}\n",
    "c_js": "import x from 'x'\n\nexport default async () => ;\n",
    "d_js": "const a = ;\nmodule.exports = f\n",
    "e__package_json": '{"type": "module"}',
    "e__a_js": "\nawait 1; return\nexport default f",
    "f__package_json": '{"type": "commonjs"}',
    "f__a_js": "\nexport default async () => 1",
    "g_mjs": "export const config = make(\nexport default f",
}
FINE = {
    "h_js": "import x from 'x'\nawait 1\nexport default async () => 1\n",
    "i_js": "#!/usr/bin/env node\nmodule.exports = async () => 1\nreturn\n",
    "j_cjs": "\ufeffmodule.exports = async () => 1\n",
    "k_mjs": "throw new Error('nobody runs this file to read it')\nexport default async () => 1\n",
}


@pytest.mark.needs_node
def test_syntax_errors_are_found_by_node(tmp_path: Path) -> None:
    """Of modules and scripts, by suffix, package.json and what they say; nothing is run."""
    told = problems(write(tmp_path, **WRONG, **FINE))
    assert [each.partition(" error:")[0] for each in told] == [
        "a.cjs:3: syntax",
        "b.mjs:2: syntax",
        "c.js:3: syntax",
        "d.js:1: syntax",
        "e/a.js:2: syntax",
        "f/a.js:2: syntax",
        "g.mjs:2: syntax",
    ]


@pytest.mark.parametrize("node", [None, "#!/bin/sh\nexit 9\n", "#!/bin/sh\necho nothing\n"])
def test_a_warning_says_that_syntax_was_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, node: str | None
) -> None:
    """One for all files, where there is no Node, or one that can't do it."""
    (tmp_path / "bin").mkdir()
    if node is not None:
        (tmp_path / "bin" / "node").write_text(node)
        (tmp_path / "bin" / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    write(tmp_path / "queues", a_mjs="export default f", b_mjs="export default f")
    write(tmp_path / "python", a_py="handler = f")
    only(tmp_path / "python")
    assert not caplog.messages
    problems(write(tmp_path / "queues", c_mjs="export const config = f()"))
    (message,) = caplog.messages
    assert message.startswith("JavaScript files were not checked for syntax errors: ")
