"""Wrong ways with jobs whose worker is dead, frozen or slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from miniatures.base import BentSqlite, SqliteMiniature
from nq_reference.job_source import Claim, Exchange, Outcome
from nq_reference.sources.sqlite.exchange import look
from nq_reference.sources.sqlite.transaction import Row, Transaction

STALLED = "queue = :queue AND state = 'active' AND locked_until <= :now"


class KeepsClaimsForEver(SqliteMiniature):
    """A claim has no end, so that nobody can tell a dead worker's."""

    breaks, tells = "STL-01", "2 runs of the surviving worker's handler"
    also = ("DUR-02",)
    because = "it presumes the same for the next process"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            return super().bend(tx, queue, outcomes, replace(claim, lock_duration_ms=10**10))

        async def extend_locks(self, *_: Any) -> Sequence[str]:
            return []


class DoesNotRenewLocks(SqliteMiniature):
    """A lock lasts as long as it was taken for, whoever still works."""

    breaks, tells = "STL-02", "jobs that the idle worker runs meanwhile"
    also = ("STL-07", "STL-10")
    because = "a handler that waits, or blocks, for longer than a lock loses it there as well"

    class source_class(BentSqlite):
        async def extend_locks(self, *_: Any) -> Sequence[str]:
            return []


class RecoversInSilence(SqliteMiniature):
    """Nobody hears that a job stalled."""

    breaks, tells = "STL-03", "the events of a job from the kill on: ['stalled', 'active', 'completed']"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            reply = super().bend(tx, queue, outcomes, claim)
            tx._told = [told for told in tx._told if told[1] != "stalled"]
            return reply


class ForgetsHowOftenAJobStalled(SqliteMiniature):
    """A job that kills its worker each time is recovered each time."""

    breaks, tells = "STL-04", "state after a second stall, with max_stalled_count=1: 'failed'"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            tx._connection.execute("UPDATE job SET stalls = 0")
            return super().bend(tx, queue, outcomes, claim)


class BuriesInSilence(SqliteMiniature):
    """A job that stalled too often is failed, and nobody hears of it."""

    breaks, tells = "STL-04", "`failed` is told of 1 job"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            reply = super().bend(tx, queue, outcomes, claim)
            dead = {job.id for job in reply.dead}
            tx._told = [told for told in tx._told if told[1] != "failed" or told[2] not in dead]
            return reply


class CountsAStallAsAnAttempt(SqliteMiniature):
    """A recovery uses up one of the job's attempts."""

    breaks, tells = "STL-05", "attempts_made and reason of a job with attempts=1 that stalled once"
    also = ("STL-06",)
    because = "it also looks at attempts_made of a job that was recovered"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            tx._connection.execute(
                f"UPDATE job SET attempts_made = attempts_made + 1 WHERE {STALLED}",
                {"queue": queue, "now": tx.now},
            )
            return super().bend(tx, queue, outcomes, claim)


class TakesTheOldOwnersWord(SqliteMiniature):
    """Whoever says how an active job ended is believed."""

    breaks, tells = "STL-06", "states when the old worker has spoken"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            believed = [replace(each, token=_token(tx, queue, each)) for each in outcomes]
            return super().bend(tx, queue, believed, claim)


class LooksForOrphansAtItsStartOnly(SqliteMiniature, alone=True):
    """A worker that is back before its old locks have ended never looks again."""

    breaks, tells = "STL-07", "2 runs of the restarted worker's handler"

    class source_class(BentSqlite):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.looked: set[int] = set()

        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            if queue in self.looked:
                _hide_stalled(tx)
            self.looked.add(queue)
            return super().bend(tx, queue, outcomes, claim)


class CountsDeadJobsAsInFlight(SqliteMiniature, alone=True):
    """What is in flight is counted at claims and outcomes, and not at recoveries."""

    breaks, tells = "STL-08", "2 starts of the next worker's handler"
    also, because = ("CON-02",), "how many slots there are is learned from what is asked for at once"

    class source_class(BentSqlite):
        at_start = "CREATE TABLE IF NOT EXISTS flight (queue INTEGER PRIMARY KEY, jobs INTEGER)"

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.most: dict[int, int] = {}

        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            run = tx._connection.execute
            self.most[queue] = max(claim.want, self.most.get(queue, 0))
            run("INSERT OR IGNORE INTO flight VALUES (?, 0)", (queue,))
            run("UPDATE flight SET jobs = jobs - ? WHERE queue = ?", (len(outcomes), queue))
            (flying,) = run("SELECT jobs FROM flight WHERE queue = ?", (queue,)).fetchone()
            want = min(claim.want, max(0, self.most[queue] - flying))
            reply = super().bend(tx, queue, outcomes, replace(claim, want=want))
            run("UPDATE flight SET jobs = jobs + ? WHERE queue = ?", (len(reply.claimed), queue))
            return reply


class LocksTheSweepForEver(SqliteMiniature, alone=True):
    """The first that recovers a job keeps a lock, which does not end with it."""

    breaks, tells = "STL-08", "1 start of the handler of process 3"

    class source_class(BentSqlite):
        at_start = "CREATE TABLE IF NOT EXISTS sweeper (queue INTEGER PRIMARY KEY, owner TEXT)"

        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            run = tx._connection.execute
            me = claim.token.partition(":")[0]
            found = run("SELECT owner FROM sweeper WHERE queue = ?", (queue,)).fetchone()
            if found is not None and found[0] != me:
                _hide_stalled(tx)
            elif tx.rows("stalled", queue=queue, now=tx.now, most=1):
                run("INSERT OR IGNORE INTO sweeper VALUES (?, ?)", (queue, me))
            return super().bend(tx, queue, outcomes, claim)


class SweepsOtherQueues(SqliteMiniature):
    """The sweep measures the jobs of all queues by its own lock duration."""

    breaks, tells = "STL-09", "state of the job on the other queue: 'active'"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            tx._connection.execute(
                "UPDATE job SET locked_until = :now WHERE queue <> :queue AND state = 'active' "
                "AND processed_on + :ms <= :now",
                {"queue": queue, "now": tx.now, "ms": claim.lock_duration_ms},
            )
            return super().bend(tx, queue, outcomes, claim)


class LocksAMomentAfterItsClaim(SqliteMiniature):
    """Jobs that are claimed together get their locks a moment later, and look like a dead worker's."""

    breaks, tells = "STL-09", "`stalled` events while all processes are alive, the first three: []"

    class source_class(BentSqlite):
        async def exchange(self, queue: str, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            if claim.want <= 3:
                return await super().exchange(queue, outcomes, claim)
            reply = await super().exchange(queue, outcomes, replace(claim, lock_duration_ms=-1))
            if reply.claimed:
                held = [(job.id, job.token) for job in reply.claimed]
                await self.extend_locks(queue, held, claim.lock_duration_ms)
            return reply


class RenewsOnTheHandlersLoop(SqliteMiniature):
    """Locks are renewed by a task beside the handlers, which one of them can block."""

    breaks, tells = "STL-10", "runs of the job that blocked the loop and of a later one: ['busy', 'control']"

    class source_class(BentSqlite):
        def __init__(self, path: Path, *, prefix: str) -> None:
            super().__init__(path, prefix=prefix)
            self.twin = None


class HandsRecoveredJobsOverAtOnce(SqliteMiniature):
    """Who recovers a job on a paused queue gets it."""

    breaks, tells = "PAU-12", "jobs that ran on the paused queue, by mark: []"

    class source_class(BentSqlite):
        def bend(self, tx: Transaction, queue: int, outcomes: Sequence[Outcome], claim: Claim) -> Exchange:
            stalled = tx.rows("stalled", queue=queue, now=tx.now, most=claim.want)
            if not (stalled and look(tx, queue)[0]):
                return super().bend(tx, queue, outcomes, claim)
            tx.run("resume", queue=queue)
            reply = super().bend(tx, queue, outcomes, replace(claim, want=len(stalled)))
            tx.run("pause", queue=queue)
            return reply


def _token(tx: Transaction, queue: int, outcome: Outcome) -> str:
    found = tx._connection.execute(
        "SELECT token FROM job WHERE queue = ? AND id = ? AND state = 'active'", (queue, outcome.job_id)
    ).fetchone()
    return outcome.token if found is None else str(found[0])


def _hide_stalled(tx: Transaction) -> None:
    """Let the transaction find no stalled jobs."""
    found = tx.rows

    def rows(verb: str, **parameters: Any) -> list[Row]:
        return [] if verb == "stalled" else found(verb, **parameters)

    tx.rows = rows  # type: ignore[method-assign]
