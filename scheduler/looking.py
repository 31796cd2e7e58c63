"""Decides what becomes of a slot that has come: run, skipped because it is too late, or nothing to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from scheduler.job import Job, JobTools
from scheduler.parts import WHOLE, Part, cut
from scheduler.runs import Claim, History, Runs
from scheduler.slots import Missed, missed, next_slot

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_log = structlog.get_logger("jobs")


@dataclass(slots=True)
class Standing:
    """What this process knows of one job: `at` is the slot up to which it has looked, `quiet` that up to which
    nothing was due, `next` the one to come."""

    job: Job
    at: datetime
    quiet: datetime = _LONG_AGO
    next: datetime | None = None

    def __post_init__(self) -> None:
        self.next = next_slot(self.job.trigger, self.at)

    def move(self, slot: datetime, *, quiet: bool = False) -> None:
        """Everything up to that slot has been looked at."""
        self.at = max(self.at, slot)
        self.next = next_slot(self.job.trigger, self.at)
        if quiet:
            self.quiet = self.at

    def comes(self, now: datetime) -> bool:
        """Whether its next slot has come."""
        return self.next is not None and self.next <= now


class Looking:
    """One job at a time; the rows decide between processes."""

    def __init__(self, tools: JobTools, runs: Runs) -> None:
        self._tools = tools
        self._runs = runs

    async def look(self, standing: Standing, now: datetime) -> Claim | None:
        """Claim the newest slot that has come; the older ones, and one that is too late, are skipped with one line."""
        job = standing.job
        history = await self._runs.history(job.id)
        if history.running:  # one after the other: it is looked at again when that one is over
            return None
        came = await missed(job.trigger, max(standing.at, history.newest or standing.at), now)
        if came is None:
            standing.move(max(standing.at, min(history.newest or standing.at, now)))
            return None
        since = self._since(standing, history, came.newest)
        due = await self.due(job, since)
        if due is None or due > came.newest:
            standing.move(came.newest, quiet=True)
            return None
        if due > since:  # before that nothing was missed
            came = await missed(job.trigger, max(standing.at, due - _TICK), now) or came
        if now - came.newest > job.grace:
            if await self._runs.skip(job.id, came.newest, since, came.count):
                self._skipped(job, came, came.count)
            standing.move(came.newest)
            return None
        claim = await self._runs.claim(job.id, came.newest, since, await self._parts(job))
        if claim is None:
            return None
        self._tools.metrics.job_began(job.id, (now - came.newest).total_seconds())
        if came.count > 1:
            self._skipped(job, came, came.count - 1)
        standing.move(came.newest)
        return claim

    async def due(self, job: Job, after: datetime) -> datetime | None:
        """When there is something to do; a job that doesn't say, or can't, always has."""
        if job.due is None:
            return after
        try:
            return await job.due(self._tools, after)
        except Exception as error:  # noqa: BLE001 - rather a run for nothing than nobody who is told
            _log.warning("due unknown", action="job_due_fail", job=job.id, exc_info=error)
            return after

    def since(self, standing: Standing, history: History) -> datetime:
        """From when on things are due that no run has done."""
        return self._since(standing, history, standing.next or standing.at)

    def _since(self, standing: Standing, history: History, slot: datetime) -> datetime:
        return max(history.done or _LONG_AGO, standing.quiet, slot - standing.job.grace)

    async def _parts(self, job: Job) -> Sequence[Part]:
        return await cut(self._tools.database, job.shard) if job.shard else (WHOLE,)

    def _skipped(self, job: Job, came: Missed, count: int) -> None:
        self._tools.metrics.job_ran(job.id, "skipped", count)
        _log.warning(
            "slots skipped", action="job_skip", job=job.id, slots=count, newest=came.newest.isoformat()
        )
