"""Does the parts that this process holds: keeps their leases, and writes down how each ended.

One that raises is tried again a few times and then given up; neither the others nor the scheduler notice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from bot.errors import LeaseLost
from scheduler.claimed import LEASE, ClaimedRun
from scheduler.job import Job, JobTools
from scheduler.runs import Runs

AT_ONCE = 6  # parts under way in one process
_OF_ONE_JOB = 2  # of these, so that a big job doesn't stand before the small ones
_AGAIN_AFTER = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
_MOST_TAKINGS = 100  # of one part: whoever takes it dies every time
_log = structlog.get_logger("jobs")


class Workers:
    """The tasks of one process, each with one part; `wake` is called when one is over."""

    def __init__(self, jobs: Iterable[Job], tools: JobTools, runs: Runs, wake: Callable[[], None]) -> None:
        self._jobs = {job.id: job for job in jobs}
        self._tools = tools
        self._runs = runs
        self._wake = wake
        self._under_way: dict[asyncio.Task[str], ClaimedRun] = {}

    def room(self) -> list[str]:
        """The jobs of which another part may be begun."""
        if len(self._under_way) >= AT_ONCE:
            return []
        count = Counter(run.job for run in self._under_way.values())
        return [name for name in self._jobs if count[name] < _OF_ONE_JOB]

    def held(self) -> list[int]:
        """The shards under way here: after a long standstill their leases may be over, and they are ours still."""
        return [run.shard_id for run in self._under_way.values()]

    def begin(self, run: ClaimedRun) -> None:
        """Do this part in a task of its own."""
        task = asyncio.create_task(self.work(run), name=f"job {run.job}")
        self._under_way[task] = run
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[str]) -> None:
        self._under_way.pop(task, None)
        self._wake()

    async def rest(self, seconds: float | None = None) -> bool:
        """Wait until nothing is under way; False if it took longer."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=seconds)
        return not self._under_way

    async def close(self, seconds: float) -> None:
        """Let them come to an end; what takes longer is cut off and left to other processes at once."""
        if await self.rest(seconds):
            return
        left = dict(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for run in left.values():
            try:
                await self._runs.release(run)
            except Exception as error:  # noqa: BLE001 - its lease ends by itself, and the others are released
                _log.warning("lease kept", action="job_release_fail", job=run.job, error=type(error).__name__)

    async def work(self, run: ClaimedRun, *, patient: bool = True) -> str:
        """Do one part, and say what it came to; not `patient`: what failed may be tried again at once."""
        begun = asyncio.get_running_loop().time()
        renewing = asyncio.create_task(self._renew(run), name=f"lease {run.job}")
        try:
            outcome = await self._outcome(run, patient)
        except LeaseLost:
            outcome = "lost"
            _log.warning("lease lost", action="job_lease_lose", job=run.job, slot=run.slot.isoformat())
        except Exception as error:  # noqa: BLE001 - what came of it could not be written: its lease ends, and it is taken up again
            outcome = "unwritten"
            _log.warning("end not written", action="job_end_fail", job=run.job, error=type(error).__name__)
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
        self._tools.metrics.job_worked(run.job, asyncio.get_running_loop().time() - begun)
        return outcome

    async def _outcome(self, run: ClaimedRun, patient: bool) -> str:
        if run.attempts > _MOST_TAKINGS:
            return await self._end(run, "failed")
        try:
            await self._jobs[run.job].run(self._tools, run)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - a scheduled job: logged, tried again, and no other one stops
            return await self._failed(run, error, patient)
        if run.let_go:
            return "released" if await self._runs.release(run) else "lost"
        return await self._end(run, "done")

    async def _failed(self, run: ClaimedRun, error: Exception, patient: bool) -> str:
        last = run.failures >= len(_AGAIN_AFTER)
        _log.error(
            "job failed", action="job_fail", job=run.job, slot=run.slot.isoformat(), times=run.failures + 1,
            last=last, exc_info=error,
        )  # fmt: skip
        if last:
            return await self._end(run, "failed")
        pause = _AGAIN_AFTER[run.failures] if patient else timedelta(0)
        await self._runs.put_off(run, self._tools.clock.wire() + pause)
        asyncio.get_running_loop().call_later(pause.total_seconds(), self._wake)
        return "put_off"

    async def _end(self, run: ClaimedRun, state: str) -> str:
        whole = await self._runs.finish(run, state)
        if whole != "running":
            self._tools.metrics.job_ran(run.job, whole)
        return state

    async def _renew(self, run: ClaimedRun) -> None:
        """Until it is cancelled, or the part is another's."""
        while not run.lost:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                run.lost = not await self._runs.renew(run)
            except Exception as error:  # noqa: BLE001 - tried again before the lease is over
                _log.warning("lease not renewed", action="job_renew_fail", error=type(error).__name__)
