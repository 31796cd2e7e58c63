"""What happens by itself: the jobs of the table, each slot of them once over all processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.errors import Unavailable
from scheduler.job import Job, JobTools
from scheduler.looking import Looking, Standing
from scheduler.moving import ClockMove
from scheduler.runs import Runs
from scheduler.states import States
from scheduler.table import check_jobs
from scheduler.ticking import Ticking
from scheduler.workers import Workers

_GRACE_SECONDS = 10.0  # that a stop leaves to what is under way
_PAUSE_SECONDS = 5.0  # after a turn that failed
_log = structlog.get_logger("jobs")


class Scheduler:
    """`open()` after the database and the dispatcher, `close()` before them.

    `owner` is unique to the process, at most 40 characters. `settle` scores and sends everything that is due now.
    """

    def __init__(
        self, jobs: Sequence[Job], tools: JobTools, *, owner: str, settle: Callable[[], Awaitable[None]]
    ) -> None:
        check_jobs(jobs)
        self._jobs = tuple(jobs)
        self._tools = replace(tools, wake=self._note_wake)
        self._wake_sender = tools.wake
        self._settle = settle
        self._stopping = False
        self._queued = False
        self._woken = asyncio.Event()
        self._turning = asyncio.Lock()
        self._runs = Runs(tools.database, tools.clock, owner=owner, ends=lambda: self._stopping)
        self._looking = Looking(self._tools, self._runs)
        self._workers = Workers(self._jobs, self._tools, self._runs, self.wake)
        self._ticking = Ticking(self._jobs, tools.clock, self.wake)
        self._standings: list[Standing] = []
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin with what was missed and what others left; a job that has never run begins now."""
        now = self._tools.clock.now()
        await self._runs.begin([job.id for job in self._jobs], now)
        for job in self._jobs:
            history = await self._runs.history(job.id)
            self._standings.append(Standing(job, history.newest or now))
        self._task = asyncio.create_task(self._take_turns(), name="scheduler")
        self._ticking.start()
        self.wake()

    async def close(self) -> None:
        """Claim nothing more, and let what is under way end or leave it to another process at once."""
        self._stopping = True
        self._ticking.stop()
        self.wake()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._workers.close(_GRACE_SECONDS)

    def wake(self) -> None:
        """A slot has come, or a part is over."""
        self._woken.set()

    async def catch_up(self) -> None:
        """Run everything that is due now, and return when nothing of it is under way here."""
        while True:
            async with self._turning:
                self._expect_open()
                claimed = await self._turn()
            if not claimed and await self._workers.rest(0):
                return
            await self._workers.rest()

    async def move_clock(self, by: timedelta) -> None:
        """Development only: move business time forward, and do on the way, in order, whatever falls due."""
        async with self._turning:
            self._expect_open()
            await self._workers.rest()
            move = ClockMove(self._tools, self._runs, self._looking, self._workers, self._standings)
            try:
                await move.run(by, settle=self._settle, queued=self._take_queued, ends=lambda: self._stopping)
            finally:
                self._ticking.set_anew()
        self.wake()

    async def show(self) -> dict[str, dict[str, object]]:
        """How each job is doing, for operators."""
        return await States(self._tools).show(self._standings)

    async def _take_turns(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                async with self._turning:
                    await self._turn()
            except Exception as error:  # noqa: BLE001 - a background task: logged, and tried again
                _log.warning("turn failed", action="jobs_fail", exc_info=error)
                await self._until_woken(_PAUSE_SECONDS)
                continue
            await self._until_woken(None)

    async def _until_woken(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    async def _turn(self) -> bool:
        """Claim the slots that have come, and take parts as far as there is room; whether anything was claimed."""
        claimed = False
        for standing in self._standings:
            if self._stopping or not standing.comes(self._tools.clock.now()):
                continue
            try:
                claim = await self._looking.look(standing, self._tools.clock.now())
            except Exception as error:  # noqa: BLE001 - one job's trouble: logged, looked at again, and the others go on
                _log.warning("look failed", action="job_look_fail", job=standing.job.id, exc_info=error)
                continue
            claimed = claimed or claim is not None
            if claim is not None and claim.run is not None:
                self._workers.begin(claim.run)
        while not self._stopping:
            run = await self._runs.take(self._workers.room(), but=self._workers.held())
            if run is None:
                return claimed
            claimed = True
            self._workers.begin(run)
        return claimed

    def _note_wake(self) -> None:
        self._queued = True
        self._wake_sender()

    def _take_queued(self) -> bool:
        queued, self._queued = self._queued, False
        return queued

    def _expect_open(self) -> None:
        if self._task is None or self._stopping:
            raise Unavailable("the scheduler is not open")
