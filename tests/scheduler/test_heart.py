"""One process: what it runs when, what it skips, and what a job that fails comes to."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.errors import Unavailable
from bot.store.database import Database
from scheduler.job import JobTools
from tests.fakes.clock import MORNING, FakeClock
from tests.scheduler.desk import HOUR, QUARTER, Diary, at_work, job, make_desk


async def test_new_installation_makes_up_for_nothing(database: Database) -> None:
    diary = Diary()
    async with at_work(database, FakeClock(), [job(diary.write)]) as desk:
        await desk.scheduler.catch_up()
        assert await desk.runs() == []
    assert diary.slots == []


async def test_slot_runs_once_with_the_slot_before_it(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    async with at_work(database, clock, [job(diary.write)]) as desk:
        for _ in range(2):
            clock.advance(QUARTER)
            await desk.scheduler.catch_up()
            await desk.scheduler.catch_up()
        assert [state for _, _, state in await desk.runs()] == ["done", "done"]
    assert diary.slots == [MORNING + QUARTER, MORNING + 2 * QUARTER]
    assert diary.since == [MORNING, MORNING + QUARTER]
    assert desk.counted("diary", "done") == 2


async def test_of_missed_slots_only_the_newest_runs_and_one_line_tells(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    async with at_work(database, clock, [job(diary.write)]) as desk:
        clock.advance(3 * QUARTER + timedelta(minutes=3))
        with capture_logs() as logs:
            await desk.scheduler.catch_up()
        assert desk.counted("diary", "skipped") == 2
    assert (diary.slots, diary.since) == ([MORNING + 3 * QUARTER], [MORNING])
    lines = [line for line in logs if line.get("action") == "job_skip"]
    newest = (MORNING + 3 * QUARTER).isoformat()
    assert [(line["job"], line["slots"], line["newest"]) for line in lines] == [("diary", 2, newest)]


async def test_job_that_was_down_for_a_day_does_not_flood(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    async with at_work(database, clock, [job(diary.write)]) as desk:
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
    clock.advance(timedelta(days=1))
    async with at_work(database, clock, [job(diary.write)]) as desk:
        await desk.scheduler.catch_up()
    assert len(diary.slots) == 2
    assert diary.since[1] == diary.slots[1] - HOUR  # no further back than the grace


async def test_slot_that_is_too_late_is_written_down_as_skipped(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    daily = job(diary.write, grace=timedelta(minutes=5))
    async with at_work(database, clock, [daily]) as desk:
        clock.advance(2 * QUARTER + timedelta(minutes=6))
        with capture_logs() as logs:
            await desk.scheduler.catch_up()
            await desk.scheduler.catch_up()
        assert await desk.runs() == [("diary", MORNING + 2 * QUARTER, "skipped")]
        assert [line["slots"] for line in logs if line.get("action") == "job_skip"] == [2]
        clock.advance(timedelta(minutes=9))
        await desk.scheduler.catch_up()
    assert diary.slots == [MORNING + 3 * QUARTER]


async def test_slot_at_the_end_of_its_grace_still_runs(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    async with at_work(database, clock, [job(diary.write, grace=timedelta(minutes=5))]) as desk:
        clock.advance(QUARTER + timedelta(minutes=5))
        await desk.scheduler.catch_up()
    assert diary.slots == [MORNING + QUARTER]


async def test_slot_without_work_leaves_no_row(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    asked: list[datetime] = []

    async def due(tools: JobTools, after: datetime) -> datetime | None:
        asked.append(after)
        return MORNING + 2 * QUARTER

    async with at_work(database, clock, [job(diary.write, due=due)]) as desk:
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
        assert await desk.runs() == []
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
        assert await desk.runs() == [("diary", MORNING + 2 * QUARTER, "done")]
    assert asked == [MORNING, MORNING + QUARTER]
    assert diary.since == [MORNING + QUARTER]


async def test_slots_without_work_are_not_told_as_skipped(database: Database) -> None:
    diary, clock = Diary(), FakeClock()

    async def due(tools: JobTools, after: datetime) -> datetime | None:
        return MORNING + 3 * QUARTER

    async with at_work(database, clock, [job(diary.write, due=due)]) as desk:
        clock.advance(3 * QUARTER)
        with capture_logs() as logs:
            await desk.scheduler.catch_up()
    assert diary.slots == [MORNING + 3 * QUARTER]
    assert [line for line in logs if line.get("action") == "job_skip"] == []


async def test_job_that_cannot_say_what_is_due_runs(database: Database) -> None:
    diary, clock = Diary(), FakeClock()

    async def due(tools: JobTools, after: datetime) -> datetime | None:
        raise RuntimeError

    async with at_work(database, clock, [job(diary.write, due=due)]) as desk:
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
    assert diary.slots == [MORNING + QUARTER]


async def test_failing_job_is_tried_again_and_stops_no_other(database: Database) -> None:
    bad, good, clock = Diary(fails=2), Diary(), FakeClock()
    async with at_work(database, clock, [job(bad.write, "bad"), job(good.write, "good")]) as desk:
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
        assert (good.slots, bad.slots) == ([MORNING + QUARTER], [])
        await desk.scheduler.catch_up()
        assert bad.fails == 1  # not before its pause is over
        for _ in range(2):
            clock.advance(timedelta(minutes=1))
            await desk.scheduler.catch_up()
        assert [state for _, _, state in await desk.runs()] == ["done", "done"]
    assert bad.slots == [MORNING + QUARTER]


async def test_job_that_goes_on_failing_is_given_up_and_comes_again(database: Database) -> None:
    bad, clock = Diary(fails=4), FakeClock()
    async with at_work(database, clock, [job(bad.write)]) as desk:
        clock.advance(QUARTER)
        with capture_logs() as logs:
            await desk.scheduler.catch_up()
            for seconds in (10, 60, 300):
                clock.advance(timedelta(seconds=seconds))
                await desk.scheduler.catch_up()
        assert [state for _, _, state in await desk.runs()] == ["failed"]
        assert (await desk.scheduler.show())["diary"]["failed"] == 1
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
        assert [state for _, _, state in await desk.runs()] == ["failed", "done"]
        assert (await desk.scheduler.show())["diary"]["failed"] == 0
    assert [line["last"] for line in logs if line.get("action") == "job_fail"] == [False, False, False, True]
    assert bad.since == [MORNING]  # what the failed one left over is not lost
    assert desk.counted("diary", "failed") == 1


async def test_next_run_waits_until_the_one_before_is_over(database: Database) -> None:
    diary, clock = Diary(gate=asyncio.Event()), FakeClock()
    assert diary.gate is not None
    async with at_work(database, clock, [job(diary.write)]) as desk:
        clock.advance(QUARTER)
        running = asyncio.create_task(desk.scheduler.catch_up())
        await diary.begun.wait()
        clock.advance(QUARTER)
        desk.scheduler.wake()
        assert [state for _, _, state in await desk.runs()] == ["running"]
        assert (await desk.scheduler.show())["diary"]["lag_seconds"] == 0.0
        clock.advance(timedelta(minutes=2))
        assert (await desk.scheduler.show())["diary"]["lag_seconds"] == 120.0
        diary.gate.set()
        await running
        await desk.scheduler.catch_up()
        assert [state for _, _, state in await desk.runs()] == ["done", "done"]
    assert diary.slots == [MORNING + QUARTER, MORNING + 2 * QUARTER]


async def test_close_leaves_what_it_cut_off_to_others_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.heart._GRACE_SECONDS", 0.0)
    stuck, clock = Diary(gate=asyncio.Event()), FakeClock()
    async with at_work(database, clock, [job(stuck.write)]) as desk:
        clock.advance(QUARTER)
        desk.scheduler.wake()
        await stuck.begun.wait()
    shards = await database.fetch("SELECT state, owner, lease_until FROM job_shards")
    assert [tuple(row) for row in shards] == [("waiting", "", None)]
    other = Diary()
    async with at_work(database, clock, [job(other.write)], owner="two") as desk:
        await desk.scheduler.catch_up()
        assert [state for _, _, state in await desk.runs()] == ["done"]
    assert other.slots == stuck.slots == [MORNING + QUARTER]


async def test_closed_scheduler_claims_nothing_and_says_so(database: Database) -> None:
    desk = make_desk(database, FakeClock(), [])
    with pytest.raises(Unavailable):
        await desk.scheduler.catch_up()
    await desk.scheduler.open()
    await desk.scheduler.close()
    with pytest.raises(Unavailable):
        await desk.scheduler.move_clock(HOUR)


async def test_no_task_is_left_after_a_close(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    before = asyncio.all_tasks()
    async with at_work(database, clock, [job(diary.write)]) as desk:
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()


async def test_states_tell_when_it_ran_and_comes_next(database: Database) -> None:
    diary, clock = Diary(), FakeClock()
    async with at_work(database, clock, [job(diary.write)]) as desk:
        clock.advance(QUARTER)
        await desk.scheduler.catch_up()
        assert await desk.scheduler.show() == {
            "diary": {
                "slot": (MORNING + QUARTER).isoformat(),
                "state": "done",
                "next": (MORNING + 2 * QUARTER).isoformat(),
                "failed": 0,
                "lag_seconds": 0.0,
            }
        }
        assert desk.metrics.registry.get_sample_value("yima_job_seconds_count", {"job": "diary"}) == 1
        assert desk.metrics.registry.get_sample_value("yima_job_late_seconds_count", {"job": "diary"}) == 1
