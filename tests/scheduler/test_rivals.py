"""Several processes over one database: each slot and each part once, whoever dies in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import LeaseLost
from bot.store.database import Database, Session
from scheduler.claimed import LEASE
from scheduler.job import JobTools, Run
from scheduler.parts import WHOLE, cut
from scheduler.runs import Runs
from tests.fakes.clock import MORNING, FakeClock
from tests.scheduler.desk import QUARTER, Diary, add_residents, at_work, job

IDS = range(10, 400, 10)


def runs_of(database: Database, clock: FakeClock, owner: str) -> Runs:
    return Runs(database, clock, owner=owner, ends=bool)


async def test_two_schedulers_run_each_slot_once(database: Database) -> None:
    one, two, clock = Diary(), Diary(), FakeClock()
    async with (
        at_work(database, clock, [job(one.write)], owner="one") as first,
        at_work(database, clock, [job(two.write)], owner="two") as second,
    ):
        for _ in range(5):
            clock.advance(QUARTER)
            await asyncio.gather(first.scheduler.catch_up(), second.scheduler.catch_up())
        await first.scheduler.catch_up()
        assert [state for _, _, state in await first.runs()] == ["done"] * 5
    assert sorted(one.slots + two.slots) == [MORNING + number * QUARTER for number in range(1, 6)]


async def test_claim_of_one_slot_has_one_winner(database: Database) -> None:
    clock = FakeClock()
    rivals = [runs_of(database, clock, str(number)) for number in range(8)]
    claims = await asyncio.gather(*(each.claim("job", MORNING, MORNING, [WHOLE]) for each in rivals))
    assert sum(claim is not None for claim in claims) == 1


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 6), min_size=2, max_size=8))
async def test_slots_are_claimed_in_the_order_of_time(database: Database, numbers: list[int]) -> None:
    await database.execute("DELETE FROM job_runs")
    await database.execute("DELETE FROM job_shards")
    runs, won = runs_of(database, FakeClock(), "one"), []
    for number in numbers:
        claim = await runs.claim("job", MORNING + number * QUARTER, MORNING, [WHOLE])
        if claim is not None and claim.run is not None:
            won.append(number)
            await runs.finish(claim.run, "done")
    assert won == sorted(set(won))
    assert won[-1] == max(numbers)


async def test_parts_of_a_big_job_are_shared_by_two(database: Database) -> None:
    await add_residents(database, IDS)
    one, two, clock = Diary(), Diary(), FakeClock()
    async with (
        at_work(database, clock, [job(one.walk, shard=4)], owner="one") as first,
        at_work(database, clock, [job(two.walk, shard=4)], owner="two") as second,
    ):
        clock.advance(QUARTER)
        while [state for _, _, state in await first.runs()] != ["done"]:
            await asyncio.gather(first.scheduler.catch_up(), second.scheduler.catch_up())
    assert sorted(one.ids + two.ids) == list(IDS)
    assert one.ids
    assert two.ids
    counts = await database.fetch("SELECT counts FROM job_runs WHERE shards > 1")
    assert [row[0] for row in counts] == ['{"residents":39}']


async def test_part_of_a_killed_process_goes_on_where_it_was(database: Database) -> None:
    await add_residents(database, [1, 2, 3, 4])
    clock = FakeClock()
    dead = runs_of(database, clock, "dead")
    claim = await dead.claim("diary", MORNING + QUARTER, MORNING, [WHOLE])
    assert claim is not None
    run = claim.run
    assert run is not None
    await database.transaction(lambda session: run.keep(session, 2, residents=2))
    diary = Diary()
    clock.advance(QUARTER)
    async with at_work(database, clock, [job(diary.walk)], owner="alive") as desk:
        await desk.scheduler.catch_up()
        assert diary.ids == [3, 4]
        assert [state for _, _, state in await desk.runs()] == ["done"]
    assert [row[0] for row in await database.fetch("SELECT counts FROM job_shards")] == ['{"residents":4}']


async def test_part_is_not_taken_while_its_lease_holds(database: Database) -> None:
    clock = FakeClock()
    one, two = runs_of(database, clock, "one"), runs_of(database, clock, "two")
    claim = await one.claim("job", MORNING, MORNING, [WHOLE])
    assert claim is not None
    assert claim.run is not None
    clock.advance(LEASE - timedelta(seconds=1))
    assert await two.take(["job"]) is None
    assert await one.renew(claim.run)
    clock.advance(timedelta(seconds=1))
    assert await two.take(["job"]) is None
    clock.advance(LEASE)
    taken = await two.take(["job"])
    assert taken is not None
    assert (taken.slot, taken.attempts) == (MORNING, 2)


async def test_whoever_lost_the_lease_writes_nothing_more(database: Database) -> None:
    clock = FakeClock()
    one, two = runs_of(database, clock, "one"), runs_of(database, clock, "two")
    claim = await one.claim("job", MORNING, MORNING, [WHOLE])
    assert claim is not None
    lost = claim.run
    assert lost is not None
    clock.advance(LEASE)
    assert await two.take(["job"]) is not None

    async def body(session: Session) -> None:
        await add_one(session)
        await lost.keep(session, 7, residents=1)

    async def add_one(session: Session) -> None:
        sql = "INSERT INTO residents (resident_id, identity, created_at) VALUES (?, 'claimed', ?)"
        await session.execute(sql, [7, MORNING])

    with pytest.raises(LeaseLost):
        await database.transaction(body)
    assert await database.fetch("SELECT 1 FROM residents") == []
    with pytest.raises(LeaseLost):
        await one.finish(lost, "done")
    assert not await one.renew(lost)
    assert not await one.release(lost)
    assert lost.stopping


async def test_process_that_lost_its_lease_to_itself_notices(database: Database) -> None:
    clock = FakeClock()
    runs = runs_of(database, clock, "one")
    claim = await runs.claim("job", MORNING, MORNING, [WHOLE])
    assert claim is not None
    assert claim.run is not None
    clock.advance(LEASE)
    again = await runs.take(["job"])
    assert again is not None
    assert not await runs.renew(claim.run)
    assert await runs.finish(again, "done") == "done"


async def test_one_failed_part_fails_the_run_after_the_others_are_done(database: Database) -> None:
    await add_residents(database, [1, 2, 3, 4, 5, 6])
    done: list[int] = []

    async def fail_in_the_middle(tools: JobTools, run: Run) -> None:
        if run.from_id <= 3 <= run.to_id:
            raise RuntimeError
        done.append(run.from_id)

    clock = FakeClock()
    async with at_work(database, clock, [job(fail_in_the_middle, shard=2)]) as desk:
        clock.advance(QUARTER)
        for _ in range(5):
            await desk.scheduler.catch_up()
            clock.advance(timedelta(minutes=2, seconds=30))
        assert [state for _, _, state in await desk.runs()][:1] == ["failed"]
    assert len(done) >= 2
    parts = await database.fetch("SELECT state FROM job_shards ORDER BY number")
    assert [row[0] for row in parts][:3].count("failed") == 1


async def test_two_last_parts_that_end_together_end_the_run(database: Database) -> None:
    await add_residents(database, [1, 2, 3, 4])
    clock = FakeClock()
    one, two = runs_of(database, clock, "one"), runs_of(database, clock, "two")
    assert await one.claim("job", MORNING, MORNING, await cut(database, 3)) is not None
    first, second = await one.take(["job"]), await two.take(["job"])
    assert first is not None
    assert second is not None
    await asyncio.gather(one.finish(first, "done"), two.finish(second, "done"))
    assert [row[0] for row in await database.fetch("SELECT state FROM job_runs")] == ["done"]
