"""Payloads that are hard to keep, payloads that must be refused, and the way there and back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from nq_conformance.lab import Lab, Queue
from nq_conformance.suite.json_values import same

MIB = 2**20

TEXTS: tuple[str, ...] = (
    "\U0001f680 \U00020bb7 \U0010ffff",
    "e\u0301 \u00e9 \u212b \u00c5 \ufb01 fi",  # two normal forms of one letter each, and ligatures
    "\U0001f469\u200d\U0001f4bb \U0001f1eb\U0001f1f7",
    "\u2028\u2029\x85\v\f",
    "\r\n \r \n\t ",
    "\ufeffbom \ufffe \uffff \ufdd0 \ufffd",
    "\u202eright to left\u202c \u0627\u0644",
    "\x01\x1b[31m\x7f\x80\x9f",
    "\ue000 \u0345\u0430",
    "\\u0000 \\ud800 \\x00 \\\\ \\n",  # looks like an escape and is none
    "\uac01 \u1100\u1161\u11a8",
    " leading and trailing ",
)
"""Text that has to come back as it is."""

DOUBTFUL_TEXTS: tuple[str, ...] = (
    "\0",
    "before\0after",
    "\ud800",
    "before\udfffafter",
    "\ude00\ud83d",
    "\ud83d\ude00",  # two code points that an encoder may take for one: then it came back changed
)
"""Text that a backend may be unable to keep, and must refuse then."""

INTEGERS: tuple[int, ...] = (
    2**31,
    2**53 - 1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    2**64 + 1,
    10**21 + 1,
    10**100 + 1,
    10**400 + 1,
)
"""Whole numbers that doubles, 64 bits or floats can't hold, and those just below."""

OPTIONS_AS_DATA: dict[str, Any] = {
    **dict.fromkeys(("job_id", "jobId", "id", "_id", "key", "name", "queue", "queueName", "prefix"), "other"),
    **dict.fromkeys(("attempts", "attempts_made", "attemptsMade", "priority", "progress", "return_value"), 5),
    **dict.fromkeys(("delay", "timestamp", "timeout", "ttl", "timeout_ms", "failed_reason"), 60_000),
    **dict.fromkeys(("remove_on_complete", "removeOnComplete", "remove_on_fail", "removeOnFail"), True),
    "state": "completed",
    "backoff": {"type": "fixed", "delay": 60_000},
    "repeat": {"pattern": "* * * * *"},
    "cron": "* * * * *",
    "runtime": "python",
    "opts": {"delay": 60_000, "attempts": 5, "priority": 9, "job_id": "other"},
    "data": {"data": {"data": 1}},
}
"""A payload that looks like the options and the fields of a job."""

RESERVED: tuple[str, ...] = (
    *("__queueName", "__queue_name", "__queue", "__name", "__id", "__job", "__jobId", "__opts", "__meta"),
    *("__type__", "__class__", "__dict__", "__data__", "__value__", "_type", "_class", "$type", "@type"),
    *("$date", "$oid", "$ref", "$numberLong", "$undefined", "$$", "__proto__", "toJSON", "__json__"),
    *("_meta", "_queue", "_attempt", "_trace", "traceparent", "headers", "args", "kwargs", "payload"),
    *OPTIONS_AS_DATA,
)
"""Keys that adapters and serialisers have used for themselves."""


def refused_values() -> list[tuple[str, Any]]:
    """What JSON has no form for, by name."""
    itself: list[Any] = [1]
    itself.append(itself)
    around: dict[str, Any] = {"a": 1}
    around["b"] = [{"c": around}]
    return [
        ("NaN", float("nan")),
        ("Infinity", float("inf")),
        ("-Infinity", float("-inf")),
        ("a datetime", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("a date", dt.date(2026, 1, 2)),
        ("bytes", b"abc"),
        ("a bytearray", bytearray(b"abc")),
        ("a set", {1, 2}),
        ("an object", object()),
        ("a function", same),
        ("a list that holds itself", itself),
        ("an object that holds itself", around),
    ]


def nested(depth: int, *, objects: bool = False, core: Any = "core") -> Any:
    """``core`` inside so many lists or objects."""
    value = core
    for _ in range(depth):
        value = {"a": value} if objects else [value]
    return value


def depth_and_core(value: Any) -> tuple[int, Any]:
    """How many lists or objects of one member are around the core, and the core. Does not recurse."""
    depth = 0
    while isinstance(value, list | dict) and len(value) == 1:
        value = value[0] if isinstance(value, list) else next(iter(value.values()))
        depth += 1
    return depth, value


async def round_trip(lab: Lab, queue: Queue, value: Any, **opts: Any) -> str:
    """Enqueue ``value``, which must be found unchanged in the job; returns the job's id."""
    id = await queue.add(value, **opts)
    await keeps(lab, queue, id, value)
    return id


async def keeps(lab: Lab, queue: Queue, id: str, value: Any) -> None:
    """The job's data must be ``value``."""
    data = (await queue.job(id)).data
    lab.check(same(data, value), f"the job's data is {shortened(value)}", shortened(data), jobs=[id])


def shortened(value: Any, limit: int = 300) -> str:
    """Its ``repr``, or the beginning and the end of a long one."""
    text = repr(value)
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]} … {text[-limit // 4 :]} ({len(text)} characters)"


def of_flow(flow_id: str) -> dict[str, Any]:
    """A payload that names its flow, in both spellings that adapters read."""
    return {"flow_id": flow_id, "flow_name": "the flow", "flowId": flow_id, "flowName": "the flow"}
