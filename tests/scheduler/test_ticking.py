"""The heart itself, in real time: a slot that comes wakes the scheduler without being asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.clock import Clock
from bot.store.database import Database
from scheduler.slots import next_slot
from scheduler.ticking import BusinessTrigger
from tests.fakes.clock import MORNING, FakeClock
from tests.scheduler.desk import QUARTER, Diary, at_work, job


async def test_slot_that_comes_runs_by_itself(database: Database) -> None:
    diary = Diary()
    every_second = IntervalTrigger(seconds=1, timezone="UTC")
    async with at_work(database, Clock(timedelta(days=9)), [job(diary.write, trigger=every_second)]):
        await asyncio.wait_for(diary.begun.wait(), 20)
    assert diary.slots[0] > Clock().now() + timedelta(days=8)


def test_business_slot_becomes_the_real_time_at_which_it_comes() -> None:
    quarters = CronTrigger(minute="*/15", timezone="UTC")
    clock = FakeClock(MORNING + timedelta(minutes=4))
    real = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    fire = BusinessTrigger(quarters, clock).get_next_fire_time(None, real)
    assert fire is not None
    assert timedelta(0) <= fire - (real + timedelta(minutes=11)) < timedelta(seconds=1)
    assert next_slot(quarters, clock.now()) == MORNING + QUARTER


def test_trigger_that_is_over_wakes_nobody_any_more() -> None:
    over = BusinessTrigger(CronTrigger(year=2019, timezone="UTC"), FakeClock())
    assert over.get_next_fire_time(None, datetime(2026, 5, 1, tzinfo=UTC)) is None
