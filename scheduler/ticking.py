"""The ticking heart: APScheduler wakes us when a slot comes, and keeps nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.clock import Clock
from scheduler.job import Job
from scheduler.slots import next_slot

_LOOK_SECONDS = 5  # what other processes leave, alive or dead, no event tells of
_MARGIN = timedelta(milliseconds=20)  # a wake-up a moment too early would find nothing


class BusinessTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Another trigger's slots in business time, as the real time at which they come."""

    def __init__(self, trigger: BaseTrigger, clock: Clock) -> None:
        self._trigger = trigger
        self._clock = clock

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The real time of the next slot, as APScheduler counts it."""
        business = self._clock.now()
        slot = next_slot(self._trigger, business)
        return None if slot is None else now + (slot - business) + _MARGIN


class Ticking:
    """One wake-up for every slot of every job, and a regular one."""

    def __init__(self, jobs: Sequence[Job], clock: Clock, wake: Callable[[], None]) -> None:
        self._jobs = jobs
        self._clock = clock
        self._wake = wake
        self._scheduler: Any = None

    def start(self) -> None:
        """Begin to tick in the running loop."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it tells of every tick
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            timezone="UTC",
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        for job in self._jobs:
            self._scheduler.add_job(self._tick, BusinessTrigger(job.trigger, self._clock), id=job.id)
        self._scheduler.add_job(self._tick, IntervalTrigger(seconds=_LOOK_SECONDS, timezone="UTC"))
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def set_anew(self) -> None:
        """Business time was moved: the slots come at other real times."""
        if self._scheduler is not None:
            for job in self._jobs:
                self._scheduler.reschedule_job(job.id, trigger=BusinessTrigger(job.trigger, self._clock))

    async def _tick(self) -> None:
        self._wake()
