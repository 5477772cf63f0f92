"""Histories written by hand, for the checkers' tests: each step takes ten milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nq_conformance.checkers import Verdict
from nq_conformance.history import Entry

QUEUE = "q"
STEP_MS = 10.0


class Told:
    """A history in the making; ``with_listener`` begins it with somebody who hears of stalls."""

    def __init__(self, *, with_listener: bool = True, slots: int = 2) -> None:
        self.entries: list[Entry] = []
        self._runs = 0
        if with_listener:
            self.listen("stalled")
        if slots:
            self.worker(slots)

    def add(
        self, kind: Any, label: str, job: str | None = None, *, on: str | None = QUEUE, **facts: Any
    ) -> Entry:
        """Any entry; returns it."""
        at_ms = (len(self.entries) + 1) * STEP_MS
        entry = Entry(at_ms, kind, label, on, job, facts=facts)
        self.entries.append(entry)
        return entry

    def call(self, label: str, job: str | None = None, **facts: Any) -> Entry:
        """A call that took half a step and returned, unless ``facts`` tell otherwise."""
        began = (len(self.entries) + 0.5) * STEP_MS
        return self.add("call", label, job, **{"beganMs": began, "outcome": "returned", **facts})

    def enqueue(self, job: str, **facts: Any) -> Entry:
        """An acknowledged enqueue."""
        return self.call("enqueue", job, **{"attempts": 1, "priority": 0, **facts})

    def worker(self, slots: int, **facts: Any) -> Entry:
        """A registration."""
        return self.call("register_worker", **{"manager": 1, "concurrency": slots, **facts})

    def listen(self, event: str, **facts: Any) -> Entry:
        """A subscription."""
        return self.call("on", event=event, **facts)

    def look(self, job: str, state: str | None) -> Entry:
        """A get_job."""
        return self.call("get_job", jobId=job, state=state)

    def counts(self, *, unfinished: int = 0, finished: int = 0) -> Entry:
        """A get_job_counts."""
        return self.call("get_job_counts", unfinished=unfinished, finished=finished)

    def event(self, event: str, job: str) -> Entry:
        """An event that was heard."""
        return self.add("event", event, job)

    def kill(self, process: str) -> Entry:
        """The kill of a host."""
        return self.add("fault", "killed", on=None, process=process)

    def start(self, job: str, attempt: int | None = 1, process: str | None = None) -> Entry:
        """A handler's start."""
        self._runs += 1
        facts = {"run": self._runs, "queue": QUEUE, "attempt": attempt, "process": process}
        return self.add("start", "handler", job, on=None, **facts)

    def end(self, start: Entry, outcome: str = "returned", **facts: Any) -> Entry:
        """The end of a run."""
        told = {**start.facts, "outcome": outcome, **facts}
        return self.add("end", "handler", start.job_id, on=None, **told)

    def run(self, job: str, outcome: str = "returned", **facts: Any) -> tuple[Entry, Entry]:
        """A start and an end."""
        start = self.start(job, **facts)
        return start, self.end(start, outcome)

    def done(self, *jobs: str) -> None:
        """Jobs that are enqueued, run and told to be completed, one after the other."""
        for job in jobs:
            self.enqueue(job)
            self.run(job)
            self.event("completed", job)


Check = Callable[[Sequence[Entry]], Verdict]


def assert_holds(check: Check, told: Told) -> None:
    """Nothing is wrong, and nothing is in doubt."""
    verdict = check(told.entries)
    assert (verdict.state, verdict.findings, verdict.doubts) == ("holds", (), ())
    assert verdict.judged


def assert_broken(check: Check, told: Told, text: str, *witness: Entry) -> None:
    """One breach, in these words, with just this witness."""
    (finding,) = check(told.entries).findings
    assert finding.text == text
    assert finding.witness == witness


def assert_unknown(check: Check, told: Told, *doubts: str) -> None:
    """No breach, and these doubts."""
    verdict = check(told.entries)
    assert (verdict.state, verdict.findings, verdict.doubts) == ("unknown", (), doubts)
