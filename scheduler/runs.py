"""The rows of runs and their parts: who has claimed what, for all processes, and how far it has come.

On SQLite a transaction holds the file. On PostgreSQL claims of one job take turns by an advisory lock, and parts
that somebody holds are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from bot.clock import Clock
from bot.errors import LeaseLost
from bot.store.database import Database, Row, Session, instant, instant_or_none
from bot.store.ids import new_id
from scheduler.claimed import FAILURES, FENCE, LEASE, ClaimedRun, added
from scheduler.parts import Part

_INSERT = (
    "INSERT INTO job_runs (id, job, slot, since, state, shards, counts, started_at, finished_at)"
    " SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM job_runs WHERE job = ?"
)
# never a slot before one that was claimed, and never two runs of one job at once
_CLAIM = f"{_INSERT} AND (slot >= ? OR state = 'running')) ON CONFLICT (job, slot) DO NOTHING"
_START = f"{_INSERT}) ON CONFLICT (job, slot) DO NOTHING"
_SHARD = (
    "INSERT INTO job_shards (id, run_id, number, from_id, to_id, cursor_id, state, attempts, owner, lease_until, counts)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '{}')"
)
_HISTORY = (
    "SELECT (SELECT slot FROM job_runs WHERE job = ? ORDER BY slot DESC LIMIT 1),"
    " (SELECT slot FROM job_runs WHERE job = ? AND state = 'done' ORDER BY slot DESC LIMIT 1),"
    " (SELECT COUNT(*) FROM job_runs WHERE job = ? AND state = 'running')"
)
# a part that failed waits until its `lease_until`; one whose process is gone is free when its lease is over
_FREE = (
    " FROM job_shards s JOIN job_runs r ON r.id = s.run_id WHERE (s.state = 'waiting'"
    " AND (s.lease_until IS NULL OR s.lease_until <= ?) OR s.state = 'running' AND s.lease_until <= ?) AND "
)
_FIRST_FREE = (
    "SELECT s.id, s.attempts, s.run_id, r.job, r.slot, r.since, s.from_id, s.to_id, s.cursor_id, s.counts"
)
_LOCK_JOB = "SELECT pg_advisory_xact_lock(hashtextextended(?, 6))"


@dataclass(frozen=True, slots=True)
class History:
    """What the rows say of one job: the newest slot, the newest that was done, and whether one is under way."""

    newest: datetime | None
    done: datetime | None
    running: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A slot that this process has claimed; `run` where its only part is ours already."""

    run_id: int
    run: ClaimedRun | None


class Runs:
    """The rows, as one process reads and writes them; `ends` says that the process is being stopped."""

    def __init__(self, database: Database, clock: Clock, *, owner: str, ends: Callable[[], bool]) -> None:
        self._database = database
        self._clock = clock
        self._owner = owner
        self._ends = ends
        self._postgresql = database.dialect != "sqlite"

    async def begin(self, jobs: Collection[str], now: datetime) -> None:
        """Give every job that has never run a row to count from, so that a new one doesn't make up for the past."""

        async def body(session: Session) -> None:
            wire = self._clock.wire()
            for job in sorted(jobs):
                row = [new_id(), job, now, now, "done", 0, '{"start":1}', wire, wire, job]
                await session.execute(_START, row)

        await self._database.transaction(body)

    async def history(self, job: str) -> History:
        """What is known of a job."""
        row = (await self._database.fetch(_HISTORY, [job, job, job]))[0]
        return History(instant_or_none(row[0]), instant_or_none(row[1]), row[2] > 0)

    async def claim(self, job: str, slot: datetime, since: datetime, parts: Sequence[Part]) -> Claim | None:
        """Claim a slot with its parts; None if another process has, or the run before it isn't over."""
        run_id, wire = new_id(), self._clock.wire()
        alone = len(parts) == 1
        mine = ("running", 1, self._owner, wire + LEASE) if alone else ("waiting", 0, "", None)
        shards = [
            (new_id(), run_id, number, part.from_id, part.to_id, part.from_id - 1, *mine)
            for number, part in enumerate(parts)
        ]

        async def body(session: Session) -> bool:
            await self._lock(session, job)
            row = [run_id, job, slot, since, "running", len(parts), "{}", wire, None, job, slot]
            if not await session.execute(_CLAIM, row):
                return False
            await session.execute_many([(_SHARD, shards)])
            return True

        if not await self._database.transaction(body):
            return None
        if not alone:
            return Claim(run_id, None)
        row = (shards[0][0], 0, run_id, job, slot, since, *shards[0][3:6], "{}")
        return Claim(run_id, self._claimed(row))

    async def skip(self, job: str, slot: datetime, since: datetime, count: int) -> bool:
        """Write down that a slot, and `count` with it, came too late; False if another process has it."""
        wire, counts = self._clock.wire(), orjson.dumps({"slots": count}).decode()

        async def body(session: Session) -> bool:
            await self._lock(session, job)
            row = [new_id(), job, slot, since, "skipped", 0, counts, wire, wire, job, slot]
            return await session.execute(_CLAIM, row) > 0

        return await self._database.transaction(body)

    async def take(self, jobs: Collection[str], *, but: Collection[int] = ()) -> ClaimedRun | None:
        """The first part of these jobs that is free, which is ours from now on; none of the shards `but`."""
        if not jobs:
            return None
        wire = self._clock.wire()
        which = f"{_FREE}{self._database.among('r.job', 'text')} AND NOT {self._database.among('s.id')}"
        params = [wire, wire, self._database.listed(sorted(jobs)), self._database.listed(but)]
        if not await self._database.fetch(f"SELECT 1{which} LIMIT 1", params):
            return None
        skip = " FOR UPDATE OF s SKIP LOCKED" if self._postgresql else ""

        async def body(session: Session) -> Row | None:
            rows = await session.fetch(
                f"{_FIRST_FREE}{which} ORDER BY r.slot, r.job, s.number LIMIT 1{skip}", params
            )
            if not rows:
                return None
            await session.execute(
                "UPDATE job_shards SET state = 'running', owner = ?, lease_until = ?, attempts = attempts + 1"
                " WHERE id = ? AND attempts = ?",
                [self._owner, wire + LEASE, rows[0][0], rows[0][1]],
            )
            return rows[0]

        row = await self._database.transaction(body)
        return None if row is None else self._claimed(row)

    async def hurry(self) -> None:
        """What has failed need not wait until it is tried again."""
        await self._database.execute("UPDATE job_shards SET lease_until = NULL WHERE state = 'waiting'")

    async def renew(self, run: ClaimedRun) -> bool:
        """Hold a part for another while; False if it is another process's now."""
        until = self._clock.wire() + LEASE
        return await self._change(run, "lease_until = ?", until)

    async def release(self, run: ClaimedRun) -> bool:
        """Let another process go on with it at once."""
        return await self._change(run, "state = 'waiting', owner = '', lease_until = NULL")

    async def put_off(self, run: ClaimedRun, until: datetime) -> bool:
        """It has failed: it may be tried again from `until` (real time) on."""

        async def body(session: Session) -> bool:
            rows = await session.fetch(
                f"UPDATE job_shards SET state = 'waiting', owner = '', lease_until = ?{FENCE} RETURNING counts",  # noqa: S608 - our own text
                [until, *run.fence],
            )
            if rows:
                counts = added(rows[0][0], {FAILURES: 1})
                await session.execute("UPDATE job_shards SET counts = ? WHERE id = ?", [counts, run.shard_id])
            return bool(rows)

        return await self._database.transaction(body)

    async def finish(self, run: ClaimedRun, state: str) -> str:
        """The part is over (`done` or `failed`); the state of the whole run then. LeaseLost if it isn't ours."""
        noted = dict(run.noted) if state == "done" else {FAILURES: 1}

        async def body(session: Session) -> str:
            # one after the other: each of two last parts must see that the other one is over
            await session.execute("UPDATE job_runs SET state = state WHERE id = ?", [run.run_id])
            rows = await session.fetch(
                f"UPDATE job_shards SET state = ?, owner = '', lease_until = NULL{FENCE} RETURNING counts",  # noqa: S608 - our own text
                [state, *run.fence],
            )
            if not rows:
                raise LeaseLost
            if any(noted.values()):
                counts = added(rows[0][0], noted)
                await session.execute("UPDATE job_shards SET counts = ? WHERE id = ?", [counts, run.shard_id])
            return await self._end_run(session, run.run_id)

        return await self._database.transaction(body)

    async def _end_run(self, session: Session, run_id: int) -> str:
        rows = await session.fetch("SELECT state, counts FROM job_shards WHERE run_id = ?", [run_id])
        states = {row[0] for row in rows}
        if states & {"waiting", "running"}:
            return "running"
        total = "{}"
        for row in rows:
            total = added(total, orjson.loads(row[1]))
        state = "failed" if "failed" in states else "done"
        await session.execute(
            "UPDATE job_runs SET state = ?, counts = ?, finished_at = ? WHERE id = ?",
            [state, total, self._clock.wire(), run_id],
        )
        return state

    async def _change(self, run: ClaimedRun, change: str, *params: object) -> bool:
        sql = f"UPDATE job_shards SET {change}{FENCE}"  # noqa: S608 - our own text
        return await self._database.execute(sql, [*params, *run.fence]) > 0

    async def _lock(self, session: Session, job: str) -> None:
        if self._postgresql:
            await session.fetch(_LOCK_JOB, [job])

    def _claimed(self, row: Row) -> ClaimedRun:
        return ClaimedRun(
            job=row[3],
            slot=instant(row[4]),
            since=instant(row[5]),
            from_id=row[6],
            to_id=row[7],
            cursor_id=row[8],
            run_id=row[2],
            shard_id=row[0],
            owner=self._owner,
            attempts=row[1] + 1,
            clock=self._clock,
            failures=orjson.loads(row[9]).get(FAILURES, 0),
            ends=self._ends,
        )
