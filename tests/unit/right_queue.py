"""A queue that is right by construction, played at random: a Hypothesis strategy of histories."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from hypothesis import strategies as st
from told_history import STEP_MS, Told

from nq_conformance.history import Entry


class RightQueue:
    """First come, first served; a killed host's jobs go to the front, with a stall told."""

    def __init__(self, draw: st.DrawFn, *, lone: bool, killed: bool) -> None:
        self._draw = draw
        self._slots = 1 if lone else draw(st.integers(1, 3))
        self._left = draw(st.integers(2 if lone else 1, 6))
        self._kills_left = 0 if lone else 3
        self._pauses_left = 2
        self._must_kill = killed
        self._jobs: dict[str, int] = {}
        self._attempt: dict[str, int] = {}
        self._waiting: list[str] = []
        self._running: dict[str, Entry] = {}
        self._ended = 0
        self._hosts = 0
        self._paused = False
        self.told = Told(slots=0)
        self._new_host()

    def play(self) -> None:
        """Steps until all jobs are done; then a look at each, and at the counts."""
        while self._left or self._waiting or self._running or self._paused:
            self._draw(st.sampled_from(self._possible()))()
        self.told.counts(finished=len(self._jobs))
        for job in self._jobs:
            self.told.look(job, "completed")

    def _possible(self) -> Sequence[Callable[[], None]]:
        """What may come next; the first of them brings the end nearer."""
        if self._must_kill and self._running:
            return [self._kill]
        steps: list[Callable[[], None]] = []
        if self._waiting and not self._paused and len(self._running) < self._slots:
            steps += [self._start] * 2
        steps += [self._end] * 2 if self._running else []
        steps += [self._enqueue] * 2 if self._left else []
        steps += [self._resume] if self._paused else [self._pause] if self._pauses_left else []
        return [*steps, *([self._kill] if self._running and self._kills_left else [])]

    def _new_host(self) -> None:
        self._hosts += 1
        self.told.worker(self._slots, process=f"host {self._hosts}")

    def _enqueue(self) -> None:
        self._left -= 1
        job = f"job {len(self._jobs)}"
        self._jobs[job] = self._draw(st.integers(1, 3))
        self.told.enqueue(job, attempts=self._jobs[job])
        self._waiting.append(job)
        self._attempt[job] = 1

    def _start(self) -> None:
        job = self._waiting.pop(0)
        self._running[job] = self.told.start(job, self._attempt[job], f"host {self._hosts}")

    def _end(self) -> None:
        job = self._draw(st.sampled_from(sorted(self._running)))
        start = self._running.pop(job)
        if self._attempt[job] < self._jobs[job] and self._draw(st.booleans()):
            self.told.end(start, "raised")
            self.told.event("waiting", job)
            self._attempt[job] += 1
            self._waiting.append(job)
        else:
            self.told.end(start)
            self.told.event("completed", job)

    def _kill(self) -> None:
        self._kills_left -= 1
        self._must_kill = False
        self.told.kill(f"host {self._hosts}")
        self._new_host()
        for job, start in self._running.items():
            self.told.event("stalled", job)
            self.told.end(start)  # the kit's handler goes on for nobody
        self._waiting[:0] = self._running
        self._running = {}

    def _pause(self) -> None:
        self._pauses_left -= 1
        self._paused = True
        self.told.call("pause", process=f"host {self._hosts}")

    def _resume(self) -> None:
        self._paused = False
        self.told.call("resume", process=f"host {self._hosts}")


@st.composite
def right_histories(draw: st.DrawFn, *, lone: bool = False, killed: bool = False) -> list[Entry]:
    """What a right queue may leave; ``lone``: two jobs or more, one slot, no kill; ``killed``: a run was."""
    queue = RightQueue(draw, lone=lone, killed=killed)
    queue.play()
    return queue.told.entries


def retimed(entries: Sequence[Entry]) -> list[Entry]:
    """The same entries with the times of their places."""
    return [_at(entry, (place + 1) * STEP_MS) for place, entry in enumerate(entries)]


def _at(entry: Entry, at_ms: float) -> Entry:
    facts = dict(entry.facts)
    if "beganMs" in facts:
        facts["beganMs"] = at_ms - STEP_MS / 2
    return dataclasses.replace(entry, at_ms=at_ms, facts=facts)
