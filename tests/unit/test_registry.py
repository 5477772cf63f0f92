"""The registry: workers are found and described without being run, and mistakes are told all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_folder import HANDLER, NODE_HANDLER, only, problems, write

from nq_conformance.contract import WorkerOptions
from nq_reference.config import ConfigError
from nq_reference.flow import FlowStep
from nq_reference.registry import flow_steps, loose_triggers, scan

PYTHON = """
from nq_reference.worker import FlowConfig, define_config

raise SystemExit("nobody runs this file to read it")

config = define_config(
    queue="ml",
    flow={"name": "train", "step": "fit", "role": "entry", "emits": ["trained"], "subscribes": ["loaded"]},
    worker={"concurrency": 3, "lock_duration_ms": 60_000},
    attempts=4,
)

async def handler(data, ctx):
    return data
"""
NODE = """
import { defineConfig, defineWorker } from 'nq-worker'
// export const config = defineConfig({ queue: 'from a comment' })
const text = `export const config = { queue: 'from a string' }`

export const config = defineConfig({
  queue: "mail",          /* double quotes */
  'name': 'send\\u0020it',
  worker: { concurrency: 2, lockDurationMs: 60_000, timeoutMs: 0x10, autorun: false, },
  flow: { name: 'shop', subscribes: ['paid', 'billed'], },
})

export default defineWorker(async (data, ctx) => ({ sent: data }), config)
"""


def test_a_python_worker_is_read_without_being_run(tmp_path: Path) -> None:
    """All that it says, the flow's step as the job's name."""
    worker = only(write(tmp_path, ml_py=PYTHON))
    assert (worker.queue, worker.job_name, worker.attempts, worker.line) == ("ml", "fit", 4, 6)
    assert worker.options == WorkerOptions(concurrency=3, lock_duration_ms=60_000, runtime="python")
    assert worker.flow is not None
    assert (worker.flow.name, worker.flow.role) == ("train", "entry")
    assert (worker.flow.emits, worker.flow.subscribes) == (("trained",), ("loaded",))


def test_a_node_worker_is_read_without_node(tmp_path: Path) -> None:
    """The object literal, not what looks like it in comments and strings."""
    worker = only(write(tmp_path, mail_mjs=NODE))
    assert (worker.queue, worker.job_name, worker.line) == ("mail", "send it", 6)
    assert worker.options == WorkerOptions(
        concurrency=2, lock_duration_ms=60_000, timeout_ms=16, autorun=False, runtime="node-isolated"
    )
    assert worker.flow is not None
    assert worker.flow.subscribes == ("paid", "billed")


@pytest.mark.parametrize(
    "text",
    [
        "config = Config(queue='q', worker=WorkerConfig(concurrency=2))\n" + HANDLER,
        "w = define_worker(lambda data, ctx: 1, define_config(queue='q', worker={'concurrency': 2}))",
        "config: object = nq.define_config(queue='q', worker=dict(concurrency=2))\n" + HANDLER,
    ],
    ids=["classes", "given to define_worker", "by the module's name"],
)
def test_a_python_configuration_may_be_written_in_several_ways(tmp_path: Path, text: str) -> None:
    """As the SDK has it."""
    worker = only(write(tmp_path, job_py=text))
    assert (worker.queue, worker.job_name, worker.options.concurrency) == ("q", "job", 2)


@pytest.mark.parametrize(
    "text",
    [
        "export const config = { queue: 'q', worker: { concurrency: 2 } }\nexport const handler = () => 1",
        "export default defineWorker(({ a }, [c]) => f(', {'), { queue: 'q', worker: { concurrency: 2 } })",
        "export default defineWorker(run, defineConfig({ queue: `q`, worker: { concurrency: 2 } }))",
    ],
    ids=["plain object", "given to defineWorker", "defineConfig within"],
)
def test_a_node_configuration_may_be_written_in_several_ways(tmp_path: Path, text: str) -> None:
    """As the SDK has it."""
    worker = only(write(tmp_path, job_js=text))
    assert (worker.queue, worker.job_name, worker.options.concurrency) == ("q", "job", 2)


def test_what_a_file_does_not_say_its_place_says(tmp_path: Path) -> None:
    """The folder is the queue; at the top the file's name is both."""
    root = write(
        tmp_path,
        hello_py=HANDLER,
        **{"ml-flow__train_model_py": HANDLER, "a__b__c_mjs": "export default async () => 1"},
    )
    found = {(worker.queue, worker.job_name, worker.runtime) for worker in scan(root)}
    assert found == {
        ("hello", "hello", "python"),
        ("ml-flow", "train_model", "python"),
        ("a/b", "c", "node-isolated"),
    }


def test_helpers_and_foreign_files_are_passed_over(tmp_path: Path) -> None:
    """By an underscore or a dot at the beginning, by their suffix, and what npm installs."""
    root = write(
        tmp_path,
        hello_py=HANDLER,
        _shared_py="1 +",
        __pycache_____x_py="1 +",
        node_modules__a__index_js="1 +",
        notes_md="#",
    )
    assert only(root).queue == "hello"


MISTAKES = {
    "a_py": (
        "config = define_config(\n  wroker={},\n)\n" + HANDLER,
        "2: unknown option 'wroker'; did you mean 'worker'?",
    ),
    "b_py": ("def handler(:\n", "1: syntax error: invalid syntax"),
    "c_js": (
        "export const config = defineConfig({\n  worker: {\n lockDuratonMs: 1 } })" + NODE_HANDLER,
        "3: worker: unknown option 'lockDuratonMs'; did you mean 'lockDurationMs'?",
    ),
    "f_py": ("def helper(): ...\n", "1: no worker: it defines neither `handler` nor a configuration."),
    "g_js": ("export const helper = 1\n", "1: no worker: it exports no handler and no configuration."),
    "h_py": (
        "config = define_config(worker=WorkerConfig(\n  autorun=True,\n  concurrency=0))\n" + HANDLER,
        "3: concurrency must be from 1 to ",
    ),
    "i_mjs": (
        "export const config = {\n  worker: {\n lockDurationMs: 0 } }" + NODE_HANDLER,
        "3: lockDurationMs must be from 1 to ",
    ),
    "l_js": (
        "export const config = {\n runtime: 'python' }" + NODE_HANDLER,
        "2: the runtime of a .js file is node-isolated",
    ),
    "m_py": ("config = define_config(\n\n attempts=0)\n" + HANDLER, "3: attempts must be from 1 to "),
    "n_py": ("config = define_config(\n queue='')\n" + HANDLER, "2: queue must not be empty"),
    "o_py": (
        "config = define_config(\n flow={'role': 'step'})\n" + HANDLER,
        "2: flow: name is missing",
    ),
    "p_py": ("config = define_config(\n name='')\n" + HANDLER, "2: name must not be empty"),
    "q_mjs": (
        "export const config = {\n flow: { name: 'f',\n\n step: '' } }" + NODE_HANDLER,
        "4: name must not be empty",
    ),
    "r_mjs": (
        "export const config = {\n flow: { name: 'f',\n emits: [1] } }" + NODE_HANDLER,
        "3: flow: emits must be a text or a list of texts, not [1]",
    ),
    "s_mjs": ("\nexport const config = {}", "2: a configuration and no handler; write `export default async"),
    "t_cjs": ("module.exports.config = {}", "1: a configuration and no handler; write `module.exports.handl"),
    "u_py": ("\nconfig = define_config()", "2: a configuration and no handler; define `async def handler("),
}


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """With file and line each."""
    root = write(tmp_path, **{name: text for name, (text, _) in MISTAKES.items()})
    told = problems(root)
    assert len(told) == len(MISTAKES)
    for (name, (_, message)), problem in zip(MISTAKES.items(), told, strict=True):
        assert problem.startswith(f"{name.replace('_', '.')}:{message}")


def test_all_that_is_wrong_with_one_file_is_told(tmp_path: Path) -> None:
    """Its options, and that it has no handler."""
    told = problems(write(tmp_path, a_py="config = define_config(\n a=1,\n worker=3)\n"))
    assert [each[:20] for each in told] == [
        "a.py:2: unknown opti",
        "a.py:3: worker must ",
        "a.py:1: a configurat",
    ]


def test_a_number_that_is_too_long_to_be_told_is_a_mistake_of_its_file(tmp_path: Path) -> None:
    """Python does not write it in decimal digits."""
    number = f"-0x{'f' * 5000}"
    root = write(
        tmp_path,
        a_py=f"\nconfig = define_config(attempts={number})\n{HANDLER}",
        b_py=f"config = define_config(attempts={number} * N)\n{HANDLER}",
    )
    told = [each.partition(": Exceeds the limit")[0] for each in problems(root)]
    assert told == ["a.py:2: can't be read", "b.py:1: can't be read"]


def test_what_is_nested_without_end_is_a_mistake_of_its_file(tmp_path: Path) -> None:
    """Rather than an exception without a place."""
    root = write(
        tmp_path,
        a_mjs="export const config = " + "(" * 3000 + "{}" + ")" * 3000 + NODE_HANDLER,
        b_mjs="export const config = " + "`${" * 3000 + "}`" * 3000 + NODE_HANDLER,
    )
    told = [each.partition(":")[2] for each in problems(root)]
    assert told == ["1: can't be read: it is nested too deep"] * 2


def test_links_that_lead_round_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    """Those that lead out of the folder, too, and to nowhere."""
    root = write(tmp_path / "queues", b__job_py=HANDLER)
    write(tmp_path / "elsewhere", job_py=HANDLER)
    for name, target in {"b/loop": "..", "c": "../elsewhere", "d": "nowhere"}.items():
        (root / name).symlink_to(target)
    assert [worker.queue for worker in scan(root)] == ["b", "c"]


def test_a_folder_that_is_linked_to_keeps_its_own_name(tmp_path: Path) -> None:
    """Whichever of the two comes first."""
    root = write(tmp_path, b__job_py=HANDLER)
    (root / "a").symlink_to("b")
    (root / "c").symlink_to("b")
    assert [worker.queue for worker in scan(root)] == ["b"]


def test_two_workers_for_one_job_are_named_both(tmp_path: Path) -> None:
    """Whatever their languages."""
    root = write(
        tmp_path,
        one_py="config = define_config(queue='q', name='n')\n" + HANDLER,
        two_js="\nexport const config = { queue: 'q', name: 'n' }" + NODE_HANDLER,
    )
    assert problems(root) == [
        f"two.js:2: queue 'q' has a worker for 'n' already, {root}/one.py:1; give one of them another name"
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Rather than no workers."""
    with pytest.raises(ConfigError, match="none is no folder; name the one that holds the workers"):
        scan(tmp_path / "none")


def test_a_runtime_in_this_process_is_for_python(tmp_path: Path) -> None:
    """By the file's own configuration."""
    text = "config = define_config(queue='q', runtime='in-process')\n" + HANDLER
    assert only(write(tmp_path, a_py=text)).runtime == "in-process"


def test_the_flows_of_a_folder_are_its_workers_steps(tmp_path: Path) -> None:
    """A trigger that nobody emits is pointed out: most often it is a typing error."""
    one = "config = define_config(queue='q', flow=dict(name='f', role='entry', emits=['paid']), attempts=2)\n"
    two = "config = define_config(queue='q', flow={'name': 'f', 'subscribes': ['payed', 'paid']})\n"
    workers = scan(write(tmp_path, one_py=one + HANDLER, two_py=two + HANDLER, three_py=HANDLER))
    assert flow_steps(workers) == [
        FlowStep("q", "one", "f", (), entry=True, attempts=2),
        FlowStep("q", "two", "f", ("payed", "paid")),
    ]
    (sentence,) = loose_triggers(workers)
    assert sentence.startswith(f"{tmp_path}/two.py:1: subscribes to a trigger that no worker here emits: ")
    assert sentence.endswith("unknown trigger 'payed'; did you mean 'paid'? known: paid")
