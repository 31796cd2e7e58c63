"""A clock that is moved: everything on the way happens, in order, before the answer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger
from structlog.testing import capture_logs

from bot.clock import Clock
from bot.services.clock_offset import restore
from bot.store.database import Database
from scheduler.job import JobTools, Run
from tests.fakes.clock import MORNING, FakeClock
from tests.scheduler.desk import HOUR, QUARTER, Diary, add_residents, at_work, job


async def test_moved_clock_runs_every_slot_of_every_job_in_order(database: Database) -> None:
    seen: list[tuple[str, datetime, datetime]] = []

    async def note(tools: JobTools, run: Run) -> None:
        seen.append((run.job, run.slot, tools.clock.now()))
        run.count(done=1)

    hourly = CronTrigger(minute=0, timezone="UTC")
    jobs = [job(note, "often"), job(note, "hourly", trigger=hourly)]
    async with at_work(database, FakeClock(), jobs) as desk:
        await desk.scheduler.move_clock(timedelta(hours=2, minutes=7))
        assert desk.clock.now() == MORNING + timedelta(hours=2, minutes=7)
    expected = [("often", MORNING + number * QUARTER) for number in range(1, 9)]
    expected += [("hourly", MORNING + HOUR), ("hourly", MORNING + 2 * HOUR)]
    assert [(name, slot) for name, slot, _ in seen] == sorted(
        expected, key=lambda each: (each[1], each[0] == "hourly")
    )
    assert all(slot == now for _, slot, now in seen)
    assert set(desk.settled) >= {slot for _, slot, _ in seen}


async def test_what_is_not_due_costs_no_run_on_the_way(database: Database) -> None:
    diary = Diary()

    async def at_midnight(tools: JobTools, after: datetime) -> datetime | None:
        begins = after.replace(hour=0, minute=0, second=0, microsecond=0)
        return begins + timedelta(days=1)

    async with at_work(database, FakeClock(), [job(diary.write, due=at_midnight)]) as desk:
        await desk.scheduler.move_clock(timedelta(days=14))
        assert len(await desk.runs()) == 14
    assert [slot.hour for slot in diary.slots] == [0] * 14


async def test_slots_that_were_not_due_are_not_told_as_skipped(database: Database) -> None:
    first, second = Diary(), Diary()

    async def once_the_first_ran(tools: JobTools, after: datetime) -> datetime | None:
        return after if first.slots else None

    nightly = CronTrigger(hour=16, minute=5, timezone="UTC")
    jobs = [job(first.write, "first", trigger=nightly), job(second.write, "second", due=once_the_first_ran)]
    async with at_work(database, FakeClock(), jobs) as desk:
        with capture_logs() as logs:
            await desk.scheduler.move_clock(timedelta(hours=16))
    assert second.slots == [MORNING.replace(hour=16, minute=15) + number * QUARTER for number in range(4)]
    assert [line for line in logs if line.get("action") == "job_skip"] == []


async def test_moved_clock_is_ahead_by_exactly_that_much(database: Database) -> None:
    clock = Clock(timedelta(minutes=1))
    async with at_work(database, clock, [job(Diary().write)]) as desk:
        await desk.scheduler.move_clock(timedelta(days=1))
    assert clock.offset == timedelta(days=1, minutes=1)


async def test_two_weeks_of_quarter_hours_run_all(database: Database) -> None:
    diary = Diary()
    async with at_work(database, FakeClock(), [job(diary.write)]) as desk:
        await desk.scheduler.move_clock(timedelta(days=14))
    assert diary.slots == [MORNING + number * QUARTER for number in range(1, 14 * 96 + 1)]


async def test_move_is_kept_over_a_restart(database: Database) -> None:
    async with at_work(database, FakeClock(), [job(Diary().write)]) as desk:
        await desk.scheduler.move_clock(timedelta(days=3))
    restarted = Clock()
    await restore(database, restarted)
    assert restarted.offset == timedelta(days=3)


async def test_second_move_waits_for_the_first(database: Database) -> None:
    diary = Diary()
    async with at_work(database, FakeClock(), [job(diary.write)]) as desk:
        await asyncio.gather(desk.scheduler.move_clock(HOUR), desk.scheduler.move_clock(HOUR))
        assert desk.clock.now() == MORNING + 2 * HOUR
    assert diary.slots == [MORNING + number * QUARTER for number in range(1, 9)]


async def test_failing_job_does_not_hold_up_the_clock(database: Database) -> None:
    bad, good = Diary(fails=10_000), Diary()
    jobs = [job(bad.write, "bad"), job(good.write, "good")]
    async with at_work(database, FakeClock(), jobs) as desk:
        await desk.scheduler.move_clock(HOUR)
        assert [state for name, _, state in await desk.runs() if name == "bad"] == ["failed"] * 4
    assert len(good.slots) == 4


async def test_job_in_parts_is_done_before_the_clock_goes_on(database: Database) -> None:
    await add_residents(database, range(1, 11))
    diary = Diary()
    async with at_work(database, FakeClock(), [job(diary.walk, shard=3)]) as desk:
        await desk.scheduler.move_clock(2 * QUARTER)
        assert [state for _, _, state in await desk.runs()] == ["done", "done"]
    assert diary.ids == [*range(1, 11), *range(1, 11)]


async def test_what_one_job_does_may_make_another_one_due(database: Database) -> None:
    """The second has nothing in sight until the first has run."""
    first, second = Diary(), Diary()

    async def after_the_first(tools: JobTools, after: datetime) -> datetime | None:
        return first.slots[0] + HOUR if first.slots and not second.slots else None

    hourly = CronTrigger(hour=2, minute=0, timezone="UTC")
    jobs = [job(first.write, "first", trigger=hourly), job(second.write, "second", due=after_the_first)]
    async with at_work(database, FakeClock(), jobs) as desk:
        await desk.scheduler.move_clock(timedelta(hours=5))
    assert second.slots == [MORNING + 2 * HOUR]


async def test_waiting_notice_goes_at_its_time_on_the_way(database: Database) -> None:
    try_at = MORNING + timedelta(hours=20, minutes=10)
    await database.execute(
        "INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, state, dedup_key,"
        " not_before, try_at, expires_at, created_at)"
        " VALUES (1, 1, 1, 1, 'told', ?, 'queued', 'a', ?, ?, ?, ?)",
        [b"", MORNING, try_at, MORNING + timedelta(days=3), MORNING],
    )
    async with at_work(database, FakeClock(), []) as desk:
        await desk.scheduler.move_clock(timedelta(days=2))
    assert MORNING + timedelta(hours=20, minutes=15) in desk.settled
