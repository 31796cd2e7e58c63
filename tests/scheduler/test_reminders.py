"""The reminder job: whom it chooses at which slot, once, in their own zone, whoever else runs it."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.errors import LeaseLost
from bot.notices.outbox import CONTEXT
from bot.store.database import Database, Session
from scheduler import reminders as job
from scheduler.job import JobTools
from tests.conversation.world import keys
from tests.notices.reporters import DAY, EIGHT, HOUR, MINUTE, QUARTER, TODAY, Reporters
from tests.scheduler.a_run import FakeRun, run_at

EVENING = EIGHT + 10 * HOUR
NEW_YORK = "America/New_York"


@pytest.fixture
def reporters(database: Database, monkeypatch: pytest.MonkeyPatch) -> Reporters:
    found = Reporters(database)
    monkeypatch.setattr(job, "make_reminders", lambda tools: found.reminders)
    return found


def tools_of(reporters: Reporters, woken: list[int] | None = None) -> JobTools:
    wake = (woken if woken is not None else []).append
    return cast(JobTools, SimpleNamespace(database=reporters.database, wake=lambda: wake(1)))


async def do(reporters: Reporters, slot: datetime = EIGHT, since: datetime | None = None) -> FakeRun:
    run = run_at(slot, since)
    await job.remind(tools_of(reporters), run)
    return run


# -- what is written -----------------------------------------------------------------------------------------


async def test_reminder_says_nothing_of_anybody_and_ends_after_six_hours(reporters: Reporters) -> None:
    person = await reporters.person(reminder_minute=480)
    run = await do(reporters)
    rows = await reporters.database.fetch(
        "SELECT resident_id, person_id, account_id, kind, params_sealed, priority, state, dedup_key FROM notices"
    )
    row = tuple(rows[0])
    assert row[:4] == (person, person, person, "punch_in_reminder")
    assert keys().open_json(CONTEXT, row[4]) == {}
    assert row[5:] == (0, "queued", f"{person}:reminder:2020-03-20:1")
    ends = [str(value)[:19] for value in (await reporters.rows("SELECT try_at, expires_at FROM notices"))[0]]
    assert ends == ["2020-03-20 00:00:00", "2020-03-20 06:00:00"]
    assert (run.counts["reminders"], run.counts["second"], run.cursor_id) == (1, 0, run.to_id)


async def test_reminder_never_outlives_its_day(reporters: Reporters) -> None:
    await reporters.person(reminder_minute=22 * 60)
    await do(reporters, EIGHT + 14 * HOUR)
    assert [str(row[0])[:16] for row in await reporters.rows("SELECT expires_at FROM notices")] == [
        "2020-03-20 16:00"
    ]


async def test_dispatcher_is_woken_only_where_something_was_written(reporters: Reporters) -> None:
    woken: list[int] = []
    await job.remind(tools_of(reporters, woken), run_at(EIGHT))
    assert woken == []
    await reporters.person()
    await job.remind(tools_of(reporters, woken), run_at(EIGHT))
    assert woken == [1]


async def test_ids_of_many_reminders_are_unique_and_in_order_of_time(reporters: Reporters) -> None:
    for _ in range(30):
        await reporters.person()
    await do(reporters)
    await do(reporters, EVENING)
    ids = [row[0] for row in await reporters.rows("SELECT id FROM notices ORDER BY created_at, id")]
    assert len(ids) == 30  # the first ones still wait, so that there is no second
    assert sorted(set(ids)) == ids


# -- the second one ------------------------------------------------------------------------------------------


async def over(reporters: Reporters, state: str = "sent") -> None:
    await reporters.database.execute("UPDATE notices SET state = ?", [state])


@pytest.mark.parametrize("state", ["sent", "expired", "unknown", "failed"])
async def test_second_reminder_comes_where_the_first_was_not_answered_and_is_the_last(
    reporters: Reporters, state: str
) -> None:
    person = await reporters.person()
    await do(reporters)
    await over(reporters, state)
    run = await do(reporters, EVENING)
    assert (run.counts["reminders"], run.counts["second"]) == (0, 1)
    assert await reporters.reminded() == [(person, "2020-03-20:1"), (person, "2020-03-20:2")]
    sealed = await reporters.rows("SELECT params_sealed FROM notices ORDER BY created_at DESC")
    assert keys().open_json(CONTEXT, sealed[0][0]) == {"second": True}
    assert (await do(reporters, EVENING + 3 * HOUR, EVENING)).counts["second"] == 0


@pytest.mark.parametrize("state", ["queued", "sending"])
async def test_there_is_no_second_while_the_first_is_under_way(reporters: Reporters, state: str) -> None:
    await reporters.person()
    await do(reporters)
    await over(reporters, state)
    assert (await do(reporters, EVENING)).counts["second"] == 0


async def test_who_reported_gets_no_second_one(reporters: Reporters) -> None:
    person = await reporters.person()
    await do(reporters)
    await over(reporters)
    await reporters.report(person)
    assert (await do(reporters, EVENING)).counts["second"] == 0


async def test_community_without_a_second_hour_reminds_once(reporters: Reporters) -> None:
    await reporters.person(division="330102")
    assert (await do(reporters, EIGHT - HOUR)).counts["reminders"] == 1
    await over(reporters)
    assert sum((await do(reporters, EVENING + HOUR)).counts.values()) == 0


async def test_who_chose_a_later_hour_hears_nothing_before_it(reporters: Reporters) -> None:
    await reporters.person(reminder_minute=20 * 60)
    assert sum((await do(reporters, EVENING)).counts.values()) == 0
    assert (await do(reporters, EIGHT + 12 * HOUR)).counts["reminders"] == 1


# -- exactly one ---------------------------------------------------------------------------------------------


async def test_two_workers_on_one_slot_write_exactly_one_each(reporters: Reporters) -> None:
    people = [await reporters.person() for _ in range(40)]
    await asyncio.gather(*(do(reporters) for _ in range(3)), do(reporters, EIGHT + QUARTER, EIGHT - QUARTER))
    assert sorted(row[0] for row in await reporters.reminded()) == sorted(people)


async def test_one_person_on_two_channels_is_reminded_once(reporters: Reporters) -> None:
    person = await reporters.person()
    second = await reporters.account("wechat_mini", person_id=person)
    await reporters.member(second, relation="self", resident_id=person)
    other = await reporters.account("alipay", person_id=person)
    reporters.clock.advance(MINUTE)  # whom one has been for longest is one's own
    await reporters.member(other, relation="self")
    await do(reporters)
    assert await reporters.rows("SELECT person_id, resident_id FROM notices") == [(person, person)]


async def test_who_closed_one_channel_is_reminded_for_the_other(reporters: Reporters) -> None:
    person = await reporters.person(contact={"blocked": True})
    assert (await do(reporters)).counts["reminders"] == 0
    await reporters.account("wechat_mini", person_id=person)
    assert (await do(reporters)).counts["reminders"] == 1


async def test_consent_of_one_account_does_not_open_another_that_shut_us_out(reporters: Reporters) -> None:
    person = await reporters.person(contact={"blocked": True})
    await reporters.account("wechat_mini", person_id=person, consent="refused")
    assert (await do(reporters)).counts["reminders"] == 0


async def test_run_that_was_stopped_is_finished_by_another(
    reporters: Reporters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporters.reminders, "_at_once", 4)
    people = [await reporters.person() for _ in range(11)]
    stopped = run_at(EIGHT)
    stopped.stops_after = 2
    await job.remind(tools_of(reporters), stopped)
    assert (len(await reporters.reminded()), stopped.cursor_id) == (8, sorted(people)[7])
    again = run_at(EIGHT)
    again.cursor_id = stopped.cursor_id
    await job.remind(tools_of(reporters), again)
    assert sorted(row[0] for row in await reporters.reminded()) == sorted(people)


async def test_process_that_goes_on_after_a_killed_one_never_meets_its_ids(
    reporters: Reporters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both draw the same random bits for the same slot, and the second knows nothing of the first."""
    draws = iter(range(1, 1_000))
    monkeypatch.setattr("bot.store.ids.secrets.randbits", lambda bits: next(draws) if bits > 20 else 7)
    monkeypatch.setattr(reporters.reminders, "_at_once", 4)
    people = [await reporters.person() for _ in range(20)]
    monkeypatch.setattr("bot.store.ids._last_row_id", 0)
    killed = run_at(EIGHT)
    killed.stops_after = 3
    await job.remind(tools_of(reporters), killed)
    monkeypatch.setattr("bot.store.ids._last_row_id", 0)
    reporters.clock.advance(MINUTE)
    again = run_at(EIGHT)
    again.cursor_id = killed.cursor_id
    await job.remind(tools_of(reporters), again)
    assert again.counts["failed"] == 0
    assert sorted(row[0] for row in await reporters.reminded()) == sorted(people)
    rows = await reporters.rows("SELECT COUNT(DISTINCT id), COUNT(*) FROM notices")
    assert rows == [(20, 20)]


async def test_part_writes_only_its_own_residents(reporters: Reporters) -> None:
    people = sorted([await reporters.person() for _ in range(6)])
    run = run_at(EIGHT)
    run.cursor_id, run.to_id = people[1], people[3]
    await job.remind(tools_of(reporters), run)
    assert sorted(row[0] for row in await reporters.reminded()) == people[2:4]


async def test_one_row_that_is_refused_stops_nobody_else(
    reporters: Reporters, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = sorted([await reporters.person() for _ in range(9)])
    bad = people[4]
    if reporters.database.dialect == "sqlite":
        await reporters.database.execute(
            f"CREATE TRIGGER t BEFORE INSERT ON notices WHEN NEW.person_id = {bad}"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    else:
        await reporters.database.execute(f"ALTER TABLE notices ADD CONSTRAINT t CHECK (person_id <> {bad})")
    try:
        run = await do(reporters)
    finally:
        if reporters.database.dialect != "sqlite":
            await reporters.database.execute("ALTER TABLE notices DROP CONSTRAINT t")
    assert sorted(row[0] for row in await reporters.reminded()) == [each for each in people if each != bad]
    assert (run.counts["failed"], run.counts["reminders"]) == (1, 8)


async def test_lost_lease_leaves_nothing_half_written(reporters: Reporters) -> None:
    class Lost(FakeRun):
        async def keep(self, session: Session, cursor_id: int | None = None, **counts: int) -> None:
            raise LeaseLost

    await reporters.person()
    with pytest.raises(LeaseLost):
        await job.remind(tools_of(reporters), Lost(EIGHT, EIGHT - QUARTER))
    assert await reporters.reminded() == []


# -- guardians -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "own",
    [{"last_punch_in": TODAY}, {"codes": ()}, {"codes": ("held:green",)}, {"declared_at": None}],
    ids=["reported", "without a code", "past the own end", "never declared"],
)
async def test_guardian_is_reminded_of_members_whatever_the_own_state(
    reporters: Reporters, own: dict[str, Any]
) -> None:
    guardian = await reporters.person(**own)
    assert (await do(reporters)).counts["reminders"] == 0
    child = await reporters.member(guardian)
    await do(reporters)
    assert await reporters.rows("SELECT person_id, resident_id FROM notices") == [(guardian, guardian)]
    await reporters.report(child)
    assert await reporters.due.still(reporters.database, [guardian], EIGHT) == {guardian: "reported"}


async def test_member_is_due_by_the_day_of_their_own_zone(reporters: Reporters) -> None:
    guardian = await reporters.person(last_punch_in=TODAY)
    await reporters.member(guardian, zone="America/New_York", last_punch_in=TODAY - DAY)
    assert (await do(reporters)).counts["reminders"] == 0  # it is still the 19th there
    await reporters.member(guardian, zone="America/New_York", last_punch_in=TODAY - 2 * DAY)
    assert (await do(reporters)).counts["reminders"] == 1


async def test_family_of_ten_makes_one_reminder(reporters: Reporters) -> None:
    guardian = await reporters.person()
    for _ in range(9):
        await reporters.member(guardian)
    assert (await do(reporters)).counts["reminders"] == 1


# -- hours and zones -----------------------------------------------------------------------------------------


def at(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=UTC)  # type: ignore[arg-type, misc]  # numbers of a date and time


@pytest.mark.parametrize(
    ("zone", "minute", "slot", "since", "reminded"),
    [
        ("Asia/Shanghai", 480, at(2020, 3, 20, 0, 0), at(2020, 3, 19, 23, 45), True),
        ("Asia/Shanghai", 480, at(2020, 3, 19, 23, 59, 59), at(2020, 3, 19, 23, 45), False),
        ("Asia/Shanghai", 480, at(2020, 3, 20, 0, 15), at(2020, 3, 20, 0, 0), False),
        ("Asia/Urumqi", 480, at(2020, 3, 20, 0, 0), at(2020, 3, 19, 23, 45), False),
        ("Asia/Urumqi", 480, at(2020, 3, 20, 2, 0), at(2020, 3, 20, 1, 45), True),
        ("Pacific/Guam", 480, at(2020, 3, 19, 22, 0), at(2020, 3, 19, 21, 45), True),
        ("Pacific/Kiritimati", 480, at(2020, 3, 19, 18, 0), at(2020, 3, 19, 17, 45), True),
        # midnight: the first minute of a day, and the last one
        ("Asia/Shanghai", 0, at(2020, 3, 19, 16, 0), at(2020, 3, 19, 15, 59), True),
        ("Asia/Shanghai", 0, at(2020, 3, 19, 15, 59, 59), at(2020, 3, 19, 15, 45), False),
        ("Asia/Shanghai", 1439, at(2020, 3, 20, 15, 59), at(2020, 3, 20, 15, 45), True),
        ("Asia/Shanghai", 1439, at(2020, 3, 20, 16, 0), at(2020, 3, 20, 15, 45), False),
        # New York on 2021-03-14: 02:00 became 03:00, so that 02:30 counts as passed at 07:00 UTC
        (NEW_YORK, 150, at(2021, 3, 14, 7, 0), at(2021, 3, 14, 6, 45), True),
        (NEW_YORK, 150, at(2021, 3, 14, 6, 59), at(2021, 3, 14, 6, 45), False),
        (NEW_YORK, 150, at(2021, 3, 14, 7, 15), at(2021, 3, 14, 7, 0), False),
        (NEW_YORK, 480, at(2021, 3, 14, 12, 0), at(2021, 3, 14, 11, 45), True),
        # and on 2021-11-07 02:00 became 01:00: 01:30 is 05:30 UTC, and not again an hour later
        (NEW_YORK, 90, at(2021, 11, 7, 5, 30), at(2021, 11, 7, 5, 15), True),
        (NEW_YORK, 90, at(2021, 11, 7, 6, 30), at(2021, 11, 7, 6, 15), False),
        (NEW_YORK, 480, at(2021, 11, 7, 13, 0), at(2021, 11, 7, 12, 45), True),
    ],
)
async def test_minute_on_the_wall_clock_decides_the_slot(
    reporters: Reporters, zone: str, minute: int, slot: datetime, since: datetime, reminded: bool
) -> None:
    long_ago = date(2020, 3, 1)
    await reporters.person(
        zone=zone, reminder_minute=minute, last_punch_in=long_ago, declared_at=at(2020, 2, 1)
    )
    assert (await do(reporters, slot, since)).counts["reminders"] == int(reminded)


async def test_every_minute_of_a_day_is_in_exactly_one_slot_of_the_trigger(reporters: Reporters) -> None:
    minutes = [0, 1, 14, 15, 479, 480, 481, 719, 720, 1425, 1426, 1438, 1439]
    people = {
        await reporters.person(zone=zone, reminder_minute=minute): (zone, minute)
        for zone in ("Asia/Shanghai", "Asia/Kathmandu", "Pacific/Kiritimati")
        for minute in minutes
    }
    since = EIGHT - DAY
    end = EIGHT + DAY
    while (slot := job.JOB.trigger.get_next_fire_time(since, since + timedelta(microseconds=1))) < end:
        await do(reporters, slot.astimezone(UTC), since)
        since = slot.astimezone(UTC)
    for person in people:
        days = [day for who, day in await reporters.reminded() if who == person]
        assert "2020-03-20:1" in days, people[person]
        assert len(days) == len(set(days))


async def test_job_that_was_down_for_a_day_floods_nobody(reporters: Reporters) -> None:
    await reporters.person()  # at 08:00, half a day ago
    late = await reporters.person(reminder_minute=17 * 60)
    run = await do(reporters, EIGHT + 12 * HOUR, EIGHT - DAY)
    first = [row for row in await reporters.reminded() if row[1].endswith(":1")]
    assert first == [(late, "2020-03-20:1")]
    assert run.counts["second"] == 1  # of the one whose hour was missed; the other is not asked twice


async def test_job_knows_when_the_next_minute_passes(reporters: Reporters) -> None:
    tools = tools_of(reporters)
    assert await job.next_reminder(tools, EIGHT) is None
    await reporters.person()
    assert await job.next_reminder(tools, EIGHT - MINUTE) == EIGHT
    assert await job.next_reminder(tools, EIGHT) == EIGHT + HOUR  # 09:00 is an hour of the policy
    await reporters.person(reminder_minute=8 * 60 + 20, zone="Asia/Urumqi")
    assert await job.next_reminder(tools, EIGHT + 2 * HOUR) == EIGHT + 2 * HOUR + 20 * MINUTE
    assert await job.next_reminder(tools, EIGHT + 13 * HOUR) == EIGHT + 23 * HOUR


async def test_slot_without_a_minute_of_anybody_reads_no_residents(reporters: Reporters) -> None:
    await reporters.person()
    slot = await reporters.reminders.slot(EIGHT + QUARTER, EIGHT)
    assert slot.numbers == ()
    assert [batch async for batch in reporters.reminders.batches(slot, 0, 2**63 - 1)] == []


async def test_slot_of_chosen_minutes_looks_at_those_who_chose_them(reporters: Reporters) -> None:
    await reporters.person()
    chose = await reporters.person(reminder_minute=500)
    slot = await reporters.reminders.slot(EIGHT + 30 * MINUTE, EIGHT + QUARTER)
    assert not slot.everybody
    batches = [batch async for batch in reporters.reminders.batches(slot, 0, 2**63 - 1)]
    assert [batch.listed for batch in batches] == [(chose,)]
    await do(reporters, EIGHT + 30 * MINUTE, EIGHT + QUARTER)
    assert await reporters.reminded() == [(chose, "2020-03-20:1")]
