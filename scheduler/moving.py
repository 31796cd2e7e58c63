"""A clock that is moved forward in development: it stops at everything that falls due on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from bot.errors import Unavailable
from bot.services import clock_offset
from bot.store.database import instant_or_none
from scheduler.job import JobTools
from scheduler.looking import Looking, Standing
from scheduler.runs import Runs
from scheduler.slots import slot_from
from scheduler.workers import Workers

_STEP = timedelta(minutes=15)  # notices that wait go at the quarter after
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_NEXT_NOTICE = "SELECT MIN(try_at) FROM notices WHERE state = 'queued' AND try_at > ?"
_log = structlog.get_logger("jobs")


class ClockMove:
    """One move. Nothing else claims slots in this process meanwhile."""

    def __init__(
        self,
        tools: JobTools,
        runs: Runs,
        looking: Looking,
        workers: Workers,
        standings: Sequence[Standing],
    ) -> None:
        self._tools = tools
        self._runs = runs
        self._looking = looking
        self._workers = workers
        self._standings = standings
        self._dues: dict[str, datetime | None] = {}  # until something was done, these stay as they are
        self._notice: tuple[datetime | None] | None = None

    async def run(
        self,
        by: timedelta,
        *,
        settle: Callable[[], Awaitable[None]],
        queued: Callable[[], bool],
        ends: Callable[[], bool],
    ) -> None:
        """From stop to stop; what is done at one has been scored and sent before the clock goes on.

        A stop of the service ends it where it is: Unavailable.
        """
        clock, database = self._tools.clock, self._tools.database
        target, offset = clock.now() + by, clock.offset + by
        await self._runs.hurry()
        await self._do_parts([standing.job.id for standing in self._standings])
        done, at = True, clock.now()
        while not ends():
            done = await self._look_at_all(at) or queued() or done
            if done:
                await settle()
                self._dues.clear()
                self._notice = None
            stop = await self._next_stop(clock.now())
            if stop is None or stop > target:
                break
            await clock_offset.move_forward(database, clock, max(timedelta(0), stop - clock.now()))
            done, at = stop == self._notice_stop(), stop
        else:
            raise Unavailable("the service is being stopped")
        await clock_offset.move_forward(database, clock, max(timedelta(0), offset - clock.offset))
        await self._look_at_all(target)
        await settle()

    async def _next_stop(self, now: datetime) -> datetime | None:
        stops = [await self._slot(standing, now) for standing in self._standings]
        if self._notice is None:
            rows = await self._tools.database.fetch(_NEXT_NOTICE, [now])
            self._notice = (instant_or_none(rows[0][0]),)
        stops.append(self._notice_stop())
        return min((stop for stop in stops if stop is not None and stop > now), default=None)

    def _notice_stop(self) -> datetime | None:
        if self._notice is None or self._notice[0] is None:
            return None
        return _EPOCH - (_EPOCH - self._notice[0]) // _STEP * _STEP

    async def _slot(self, standing: Standing, now: datetime) -> datetime | None:
        """The next slot of a job at which it has something to do."""
        job, first = standing.job, max(standing.next or now, now + _TICK)
        if job.due is None or standing.next is None:
            return slot_from(job.trigger, first)
        if job.id not in self._dues:
            history = await self._runs.history(job.id)
            self._dues[job.id] = await self._looking.due(job, self._looking.since(standing, history))
        due = self._dues[job.id]
        return None if due is None else slot_from(job.trigger, max(first, due))

    async def _look_at_all(self, at: datetime) -> bool:
        """Run every job whose slot has come by the stop `at`; whether anything may have been done."""
        for standing in self._standings:
            if standing.comes(at - _TICK) and self._waits(standing, at):
                standing.move(at - _TICK, quiet=True)
        done = False
        for standing in self._standings:
            now = self._tools.clock.now()
            if not standing.comes(now) or self._waits(standing, now):
                continue
            try:
                if await self._run_slot(standing, now):
                    done = True
                    self._dues.clear()
            except Exception as error:  # noqa: BLE001 - one job's trouble: logged, and the others go on
                _log.warning("look failed", action="job_look_fail", job=standing.job.id, exc_info=error)
        return done

    def _waits(self, standing: Standing, now: datetime) -> bool:
        """Whether it is known that nothing of it is due yet: its slots until then need not be looked at."""
        if standing.job.id not in self._dues:
            return False
        due = self._dues[standing.job.id]
        return due is None or due > now

    async def _run_slot(self, standing: Standing, now: datetime) -> bool:
        claim = await self._looking.look(standing, now)
        if claim is None:
            return False
        worked = standing.job.due is not None
        if claim.run is not None:
            await self._workers.work(claim.run, patient=False)
            worked = worked or claim.run.worked
        return await self._do_parts([standing.job.id]) or worked

    async def _do_parts(self, jobs: Sequence[str]) -> bool:
        """Every part that is free, one after the other; one that fails is tried again at once, and then given up."""
        worked = False
        while (run := await self._runs.take(jobs)) is not None:
            await self._workers.work(run, patient=False)
            worked = worked or run.worked
        return worked
