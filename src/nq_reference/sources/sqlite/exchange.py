"""The exchange, in one transaction: outcomes, promotion, recovery of stalled jobs, claim."""

from __future__ import annotations

from collections.abc import Sequence

from nq_conformance.contract import JobState
from nq_reference.codec import decode_options
from nq_reference.job_source import Claim, ClaimedJob, Exchange, Outcome
from nq_reference.retry import kept
from nq_reference.sources.sqlite import rows
from nq_reference.sources.sqlite.transaction import Row, Transaction

BATCH = 1000
"""What one call promotes or recovers at most, so that no transaction lasts long; the rest follows."""
SERIES_BATCH = 100


def exchange(tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
    """See ``JobSource.exchange``."""
    accepted = [_record(tx, queue, outcome) for outcome in outcomes]
    paused, _, _ = look(tx, queue)
    if not paused:
        _promote(tx, queue)
    dead = _recover(tx, queue, claim.max_stalled_count)
    claimed = [] if paused else _claim(tx, queue, claim)
    series = [] if paused else tx.rows("schedules", queue=queue, until=tx.now, most=SERIES_BATCH)
    _, _, next_at = look(tx, queue)
    if len(claimed) < claim.want:
        tx.woken.discard(queue)
        tx.seen.add(queue)
    return Exchange(
        accepted,
        claimed,
        dead,
        [rows.schedule_of(row) for row in series],
        None if next_at is None else max(0, next_at - tx.now),
    )


def look(tx: Transaction, queue: int) -> tuple[bool, bool, int | None]:
    """Whether the queue is held, whether a job can be claimed, when to look again (epoch ms)."""
    found = tx.row("next_look", queue=queue)
    assert found is not None  # noqa: S101 - a queue with a number has a row
    paused, waiting, next_at = found
    return bool(paused), bool(waiting) and not paused, next_at


# -- outcomes -------------------------------------------------------------------------------


def _record(tx: Transaction, queue: int, outcome: Outcome) -> bool:
    """Record how an attempt ended, if its token still holds the job (STL-06)."""
    held = tx.row("held", queue=queue, id=outcome.job_id, token=outcome.token)
    if held is None:
        return False
    number = int(held[0])
    if outcome.kind == "complete":
        tx.run("complete", number=number, text=outcome.text, ended=tx.count(), now=tx.now)
        tx.tell(queue, "completed", outcome.job_id, outcome.text)
        _retain(tx, queue, number, "completed", outcome.keep)
    elif outcome.kind == "fail":
        _fail(tx, queue, number, outcome, attempts=1)
    elif outcome.kind == "retry":
        _retry(tx, queue, number, outcome)
    else:
        tx.run("release", number=number)
        tx.tell(queue, "waiting", outcome.job_id, "active")
        tx.woken.add(queue)
    return True


def _fail(tx: Transaction, queue: int, number: int, outcome: Outcome, *, attempts: int) -> None:
    tx.run("fail", number=number, text=outcome.text, ended=tx.count(), now=tx.now, attempts=attempts)
    tx.tell(queue, "failed", outcome.job_id, outcome.text)
    _retain(tx, queue, number, "failed", outcome.keep)


def _retain(tx: Transaction, queue: int, number: int, state: JobState, keep: int | None) -> None:
    if keep == 0:  # this one alone; others have been told to stay (RTY-11)
        tx.run("forget", number=number)
    elif keep is not None:  # one may go in any case, so that there are never more of them
        most = max(1, tx.surplus)
        tx.surplus -= tx.run("retain", queue=queue, state=state, keep=keep, most=most)


def _retry(tx: Transaction, queue: int, number: int, outcome: Outcome) -> None:
    """To delayed, or behind those that wait (question 24)."""
    due = tx.now + outcome.delay if outcome.delay > 0 else None
    state: JobState = "waiting" if due is None else "delayed"
    tx.run("retry", number=number, text=outcome.text, state=state, place=tx.count(), due=due)
    if due is None:
        tx.tell(queue, "waiting", outcome.job_id, "active")
    else:
        tx.tell(queue, "delayed", outcome.job_id, due)
    tx.woken.add(queue)


# -- what time has brought ------------------------------------------------------------------


def _promote(tx: Transaction, queue: int) -> None:
    due = tx.rows("due", queue=queue, now=tx.now, most=BATCH)
    if not due:
        return
    for place, (number, id) in enumerate(due, tx.count(len(due))):
        tx.run("promote", number=number, place=place)
        tx.tell(queue, "waiting", id, "delayed")
    tx.woken.add(queue)


def _recover(tx: Transaction, queue: int, max_stalled_count: int) -> list[ClaimedJob]:
    """Give back what stalled; what did so too often fails, and is returned (STL-03, STL-04)."""
    dead = []
    for row in tx.rows("stalled", queue=queue, now=tx.now, most=BATCH):
        number, id, *_, stalls = row
        if stalls + 1 > max_stalled_count:
            dead.append(_bury(tx, queue, row, max_stalled_count))
        else:
            tx.run("recover", number=number)
            tx.tell(queue, "stalled", id)
            tx.woken.add(queue)
    return dead


def _bury(tx: Transaction, queue: int, row: Row, max_stalled_count: int) -> ClaimedJob:
    number, id, name, data, opts_text, attempts_made, token, _ = row
    opts = decode_options(opts_text)
    reason = f"job stalled more than {max_stalled_count} times"
    outcome = Outcome(id, token, "fail", reason, keep=kept(opts.remove_on_fail))
    _fail(tx, queue, number, outcome, attempts=0)
    return ClaimedJob(id, name, data, opts, attempts_made, token)


def _claim(tx: Transaction, queue: int, claim: Claim) -> list[ClaimedJob]:
    """From waiting to active, the lowest priority number and the longest wait first."""
    if claim.want <= 0:
        return []
    claimed = []
    locked_until = tx.now + claim.lock_duration_ms
    for number, *row in tx.rows("next_in_line", queue=queue, want=claim.want):
        tx.run("claim", number=number, token=claim.token, locked_until=locked_until, now=tx.now)
        tx.tell(queue, "active", row[0])
        claimed.append(rows.claimed_job(tuple(row), claim.token))
    return claimed
