"""Everybody whose report is missing is followed up once, by the right class and reason; nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.notices.outbox import CONTEXT
from bot.services.policy import Policies, Policy
from bot.store.database import Database, day
from bot.store.ids import new_id
from scheduler.follow_ups import JOBS, any_open, end_what_is_over, follow_up, next_hour_at
from tests.scheduler.a_run import run_at, tools_of
from tests.services.stored import TODAY, Stores

NINE = datetime(2020, 2, 20, 1, tzinfo=UTC)  # in Shanghai, on the 20th
YESTERDAY = TODAY - timedelta(days=1)
HOUR = timedelta(hours=1)
ONE_DAY = timedelta(days=1)
COLUMNS = "resident_id, reason, day, last_day, state, detail, closed_why"


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(database)


async def silent_since(stores: Stores, back: int = 2, **who: Any) -> int:
    """A resident whose last report was so many days ago."""
    return await stores.add(**{"punch_ins": (back,), "days_ago": back} | who)


async def persons_of(stores: Stores, resident_id: int) -> list[int]:
    rows = await stores.rows(
        "SELECT a.person_id FROM accounts a JOIN account_residents l ON l.account_id = a.id"
        " WHERE l.resident_id = ? ORDER BY l.since, l.id",
        resident_id,
    )
    return [row[0] for row in rows]


async def remind(
    stores: Stores, resident_id: int, state: str, reason: str = "", *, of: date = YESTERDAY, nth: int = 1
) -> None:
    """The reminder of that day, to the first person who speaks for them, with what became of it."""
    person_id = (await persons_of(stores, resident_id))[0]
    at = NINE - ONE_DAY + nth * HOUR
    await stores.database.execute(
        "INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, state, reason, dedup_key,"
        " not_before, expires_at, created_at) VALUES (?, ?, ?, ?, 'punch_in_reminder', ?, ?, ?, ?, ?, ?, ?)",
        [
            new_id(), resident_id, person_id, person_id, stores.world.keys.seal_json(CONTEXT, {}), state, reason,
            f"{person_id}:reminder:{of.isoformat()}:{nth}", at, at + 6 * HOUR, at,
        ],
    )  # fmt: skip


async def follow_ups(stores: Stores) -> list[tuple[Any, ...]]:
    rows = await stores.rows(f"SELECT {COLUMNS} FROM follow_ups ORDER BY resident_id, day, reason")
    return [(row[0], row[1], day(row[2]), day(row[3]), *row[4:]) for row in rows]


async def at_nine(stores: Stores, days: int = 0, since: timedelta = timedelta(minutes=15)) -> None:
    slot = NINE + days * ONE_DAY
    await follow_up(tools_of(stores, slot), run_at(slot, slot - since))


async def over_at(stores: Stores, at: datetime) -> None:
    await end_what_is_over(tools_of(stores, at), run_at(at))


# -- classes and reasons -------------------------------------------------------------------------------------


async def test_reminded_resident_without_a_report_is_silent(stores: Stores) -> None:
    resident_id = await silent_since(stores)
    await remind(stores, resident_id, "sent")
    await at_nine(stores)
    assert await follow_ups(stores) == [(resident_id, "silent", YESTERDAY, YESTERDAY, "open", "", "")]


@pytest.mark.parametrize(
    ("state", "reason", "detail"),
    [
        ("failed", "user_blocked", "user_blocked"),
        ("unknown", "", "unknown"),
        ("expired", "too_old", "too_old"),
        ("queued", "window_closed", "window_closed"),
        ("sending", "", "sending"),
    ],
)
async def test_resident_whose_reminder_failed_is_not_dropped(
    stores: Stores, state: str, reason: str, detail: str
) -> None:
    resident_id = await silent_since(stores)
    await remind(stores, resident_id, state, reason)
    await at_nine(stores)
    assert await follow_ups(stores) == [
        (resident_id, "not_reached", YESTERDAY, YESTERDAY, "open", detail, "")
    ]


async def test_last_reminder_says_why_and_one_that_came_counts(stores: Stores) -> None:
    first, second = sorted([await silent_since(stores), await silent_since(stores)])
    await remind(stores, first, "failed", "user_blocked", nth=1)
    await remind(stores, first, "expired", "too_old", nth=2)
    await remind(stores, second, "sent", nth=1)
    await remind(stores, second, "failed", "user_blocked", nth=2)
    await at_nine(stores)
    assert [row[1:2] + row[5:6] for row in await follow_ups(stores)] == [
        ("not_reached", "too_old"),
        ("silent", ""),
    ]


async def test_reminder_of_another_day_reached_nobody_yesterday(stores: Stores) -> None:
    resident_id = await silent_since(stores)
    await remind(stores, resident_id, "sent", of=YESTERDAY - ONE_DAY)
    await at_nine(stores)
    assert [row[1:2] + row[5:6] for row in await follow_ups(stores)] == [("not_reached", "no_reminder")]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("UPDATE residents SET reminder_days = 'none'", "opted_out"),
        ("UPDATE accounts SET blocked = NOT blocked", "blocked"),
        ("UPDATE accounts SET consent = 'withdrawn'", "no_consent"),
        ("DELETE FROM account_residents", "no_account"),
    ],
)
async def test_follow_up_says_why_no_reminder_was_written(stores: Stores, change: str, detail: str) -> None:
    resident_id = await silent_since(stores)
    await stores.database.execute(change)
    await at_nine(stores)
    assert await follow_ups(stores) == [
        (resident_id, "not_reached", YESTERDAY, YESTERDAY, "open", detail, "")
    ]


async def test_reminder_to_one_of_two_guardians_reached_the_member(stores: Stores) -> None:
    resident_id = await silent_since(stores, accounts=2)
    await remind(stores, resident_id, "sent")
    await at_nine(stores)
    assert [row[1] for row in await follow_ups(stores)] == ["silent"]


async def test_nobody_is_followed_up_who_reported_or_has_nothing_to_report(stores: Stores) -> None:
    await silent_since(stores, 1)  # yesterday
    await stores.add(punch_ins=(0,))  # only today, which is early enough
    await silent_since(stores, schemes=[])  # no code
    await silent_since(stores, schemes=["huangshi"])  # every third day
    erased = await silent_since(stores)
    await stores.database.execute(
        "UPDATE residents SET erased_at = ? WHERE resident_id = ?", [NINE - HOUR, erased]
    )
    await at_nine(stores)
    assert await follow_ups(stores) == []


# -- the hour ------------------------------------------------------------------------------------------------


async def test_hour_is_that_of_the_community_on_the_wall_clock_of_the_resident(stores: Stores) -> None:
    stores.world.policies = Policies(Policy(), {"4202": Policy(follow_up_at=7 * 60 + 30)})
    early = await silent_since(stores, division="420204")
    usual = await silent_since(stores)
    west = await silent_since(stores)
    await stores.database.execute("UPDATE residents SET zone = 'Asia/Urumqi' WHERE resident_id = ?", [west])
    seen: dict[int, datetime] = {}
    slot = NINE - 3 * HOUR
    while slot < NINE + 4 * HOUR:
        await follow_up(tools_of(stores, slot), run_at(slot))
        for row in await follow_ups(stores):
            seen.setdefault(row[0], slot)
        slot += timedelta(minutes=15)
    assert seen == {early: NINE - 1.5 * HOUR, usual: NINE, west: NINE + 2 * HOUR}


async def test_hour_late_at_night_asks_for_the_day_before(stores: Stores) -> None:
    stores.world.policies = Policies(Policy(follow_up_at=23 * 60 + 50))
    resident_id = await silent_since(stores)
    midnight = datetime(2020, 2, 20, 16, tzinfo=UTC)
    await follow_up(tools_of(stores, midnight), run_at(midnight))
    assert await follow_ups(stores) == [
        (resident_id, "not_reached", YESTERDAY, YESTERDAY, "open", "no_reminder", "")
    ]


async def test_next_hour_is_the_first_in_any_zone_in_use(stores: Stores) -> None:
    assert await next_hour_at(tools_of(stores, NINE), NINE) is None
    first, _ = await silent_since(stores), await silent_since(stores)
    await stores.database.execute(
        "UPDATE residents SET zone = 'America/New_York' WHERE resident_id = ?", [first]
    )
    tools = tools_of(stores, NINE)
    assert await next_hour_at(tools, NINE - timedelta(seconds=1)) == NINE
    assert await next_hour_at(tools, NINE) == datetime(2020, 2, 20, 14, tzinfo=UTC)
    summer = datetime(2020, 3, 8, 5, tzinfo=UTC)  # the clock goes forward at 07:00
    assert await next_hour_at(tools, summer) == datetime(2020, 3, 8, 13, tzinfo=UTC)


# -- days that follow ----------------------------------------------------------------------------------------


async def test_days_that_follow_lengthen_the_same_follow_up(stores: Stores) -> None:
    resident_id = await silent_since(stores)
    for days in range(3):
        await at_nine(stores, days)
    assert await follow_ups(stores) == [
        (resident_id, "not_reached", YESTERDAY, YESTERDAY + 2 * ONE_DAY, "open", "no_reminder", "")
    ]


async def test_silent_after_not_reached_closes_one_and_opens_the_other(stores: Stores) -> None:
    resident_id = await silent_since(stores)
    await at_nine(stores)
    await remind(stores, resident_id, "sent", of=TODAY)
    await at_nine(stores, 1)
    assert await follow_ups(stores) == [
        (resident_id, "not_reached", YESTERDAY, YESTERDAY, "closed", "no_reminder", "ended"),
        (resident_id, "silent", TODAY, TODAY, "open", "", ""),
    ]


async def test_slot_that_is_run_again_changes_nothing_even_after_a_worker_closed_it(stores: Stores) -> None:
    await silent_since(stores)
    await at_nine(stores)
    await stores.database.execute(
        "UPDATE follow_ups SET state = 'closed', closed_why = 'worker', closed_at = ?", [NINE]
    )
    before = await follow_ups(stores)
    await at_nine(stores)
    assert await follow_ups(stores) == before
    await at_nine(stores, 1)  # the next day without a report is a new one
    assert [row[4] for row in await follow_ups(stores)] == ["closed", "open"]


async def test_day_without_a_running_service_is_made_up_for(stores: Stores) -> None:
    resident_id = await silent_since(stores, 3)
    await at_nine(stores, 0, since=23 * HOUR)
    assert [(row[0], row[2], row[3]) for row in await follow_ups(stores)] == [
        (resident_id, YESTERDAY, YESTERDAY)
    ]


async def test_two_schedulers_open_one_follow_up_each(stores: Stores) -> None:
    ids = sorted([await silent_since(stores) for _ in range(5)])
    other = Stores(stores.database, stores.world)
    await asyncio.gather(*(at_nine(each) for each in (stores, other)))
    assert [row[0] for row in await follow_ups(stores)] == ids


async def test_pages_go_on_where_the_run_before_was_cut_off(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.follow_ups._PAGE", 2)
    ids = sorted([await silent_since(stores) for _ in range(5)])
    first = run_at(NINE)
    first.stops_after = 1
    await follow_up(tools_of(stores, NINE), first)
    assert [row[0] for row in await follow_ups(stores)] == ids[:2]
    rest = run_at(NINE)
    rest.cursor_id = first.cursor_id
    await follow_up(tools_of(stores, NINE), rest)
    assert [row[0] for row in await follow_ups(stores)] == ids
    assert (first.counts["followed_up"], rest.counts["followed_up"]) == (2, 3)


# -- ends ----------------------------------------------------------------------------------------------------


async def test_report_ends_the_follow_up(stores: Stores) -> None:
    resident_id = await silent_since(stores)
    await at_nine(stores)
    await over_at(stores, NINE + HOUR)
    assert [row[4] for row in await follow_ups(stores)] == ["open"]
    await stores.database.execute("UPDATE residents SET last_punch_in = ?", [TODAY])
    await over_at(stores, NINE + HOUR)
    assert await follow_ups(stores) == [
        (resident_id, "not_reached", YESTERDAY, YESTERDAY, "closed", "no_reminder", "reported")
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (["DELETE FROM health_codes"], "released"),
        (["UPDATE residents SET erased_at = '2020-02-20 01:30:00+00:00'"], "released"),
        (["DELETE FROM residents"], "released"),
        (["UPDATE residents SET declared_at = '2020-02-20 01:30:00+00:00'"], "reported"),
    ],
)
async def test_follow_up_ends_with_what_it_was_for(stores: Stores, changes: Sequence[str], why: str) -> None:
    await silent_since(stores)
    await at_nine(stores)
    for change in changes:
        await stores.database.execute(change)
    await over_at(stores, NINE + HOUR)
    assert [row[4::2] for row in await follow_ups(stores)] == [("closed", why)]


async def test_only_what_is_open_asks_for_the_end(stores: Stores) -> None:
    assert await any_open(tools_of(stores, NINE), NINE) is None
    await silent_since(stores)
    await at_nine(stores)
    assert await any_open(tools_of(stores, NINE), NINE) == NINE


def test_jobs_are_cut_into_parts_and_named() -> None:
    assert [(job.id, job.shard > 0) for job in JOBS] == [("follow_ups", True), ("follow_ups_over", True)]
