"""Whoever has not reported is warned once before codes expire, in their own zone, by the policy of their community."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.clock import resident_day
from bot.notices.outbox import CONTEXT
from bot.services.policy import Policies, Policy
from bot.store.database import Database, instant
from bot.store.ids import new_id
from scheduler.colours import next_warning_at, warn
from tests.fakes.clock import MORNING
from tests.scheduler.a_run import run_at, tools_of
from tests.services.stored import Stores

HOUR = timedelta(hours=1)
# the last report was on the 19th: three days of Hubei's code, to the end of the 21st in Shanghai
EXPIRES = datetime(2020, 2, 21, 16, tzinfo=UTC)
WARNED = EXPIRES - 12 * HOUR


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(database)


async def warn_at(stores: Stores, slot: datetime, since: timedelta = timedelta(minutes=15)) -> None:
    await warn(tools_of(stores, slot), run_at(slot, slot - since))


async def warnings_of(stores: Stores) -> list[dict[str, Any]]:
    rows = await stores.rows(
        "SELECT params_sealed FROM notices WHERE kind = 'code_expiring' ORDER BY person_id"
    )
    return [stores.world.keys.open_json(CONTEXT, row[0]) for row in rows]


async def person_of(stores: Stores, resident_id: int) -> int:
    rows = await stores.rows("SELECT account_id FROM account_residents WHERE resident_id = ?", resident_id)
    return int(rows[0][0])


async def test_warning_names_codes_and_end_once_and_ends_with_them(stores: Stores) -> None:
    resident_id = await stores.add(schemes=["hubei", "wuhan", "hangzhou"])
    woken: list[int] = []
    for slot in (WARNED - timedelta(minutes=15), WARNED, WARNED, WARNED + timedelta(minutes=15)):
        await warn(tools_of(stores, slot, woken), run_at(slot))
    schemes = sorted(["hubei", "wuhan"], key=[each.id for each in stores.world.schemes].index)
    assert await warnings_of(stores) == [
        {"schemes": schemes, "at": EXPIRES.isoformat(), "zone": "Asia/Shanghai"}
    ]
    rows = await stores.rows("SELECT resident_id, priority, not_before, expires_at, dedup_key FROM notices")
    person_id = await person_of(stores, resident_id)
    ((owner, urgent, begins, ends, key),) = rows
    assert (owner, urgent, key) == (resident_id, 0, f"{person_id}:expiring:2020-02-22")
    assert (instant(begins), instant(ends)) == (WARNED, EXPIRES)
    assert woken


@pytest.mark.parametrize(
    ("zone", "expires"),
    [
        ("Asia/Urumqi", datetime(2020, 2, 21, 18, tzinfo=UTC)),
        ("America/New_York", datetime(2020, 2, 22, 5, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2020, 2, 21, 10, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2020, 2, 21, 18, 15, tzinfo=UTC)),
    ],
)
async def test_warning_comes_by_the_clock_of_the_resident(
    stores: Stores, zone: str, expires: datetime
) -> None:
    await stores.add()
    await stores.database.execute("UPDATE residents SET zone = ?", [zone])
    point = expires - 12 * HOUR
    assert await next_warning_at(tools_of(stores, point), point - timedelta(minutes=1)) == point
    await warn_at(stores, point - timedelta(minutes=15))
    assert await warnings_of(stores) == []
    await warn_at(stores, point)
    ((told),) = await warnings_of(stores)
    assert (told["at"], told["zone"]) == (expires.isoformat(), zone)


async def test_day_of_twenty_three_hours_is_counted_right(stores: Stores) -> None:
    """Summer time began in New York on 8 March 2020; the end is midnight on the wall all the same."""
    await stores.add(punch_ins=(-16,))  # 7 March
    await stores.database.execute("UPDATE residents SET zone = 'America/New_York'")
    await stores.database.execute("UPDATE health_codes SET colour = 'green'")
    await warn_at(stores, datetime(2020, 3, 9, 16, tzinfo=UTC))
    assert [told["at"] for told in await warnings_of(stores)] == ["2020-03-10T04:00:00+00:00"]


async def test_nobody_is_warned_who_reported_or_whose_book_lets_nothing_expire(stores: Stores) -> None:
    await stores.add(punch_ins=(0, 1))  # a day later than the others
    await stores.add(schemes=["hangzhou", "community"])
    erased = await stores.add()
    await stores.database.execute(
        "UPDATE residents SET erased_at = ? WHERE resident_id = ?", [MORNING, erased]
    )
    yellow = await stores.add()
    await stores.database.execute("UPDATE health_codes SET colour = 'yellow' WHERE resident_id = ?", [yellow])
    await warn_at(stores, WARNED)
    assert await warnings_of(stores) == []


async def test_declaration_counts_as_the_last_report(stores: Stores) -> None:
    later, same = await stores.add(), await stores.add(punch_ins=())
    for resident_id, declared in ((later, MORNING), (same, MORNING - timedelta(days=1))):
        await stores.database.execute(
            "UPDATE residents SET declared_at = ? WHERE resident_id = ?", [declared, resident_id]
        )
    await stores.database.execute("UPDATE health_codes SET colour = 'green'")
    await warn_at(stores, WARNED)
    rows = await stores.rows("SELECT resident_id FROM notices WHERE kind = 'code_expiring'")
    assert rows == [(same,)]


async def test_policy_of_the_community_says_how_long_before_and_whether(stores: Stores) -> None:
    stores.world.policies = Policies(
        Policy(), {"4202": Policy(warn_before=24 * HOUR), "4203": Policy(warn_before=timedelta(0))}
    )
    early = await stores.add(division="420204")
    await stores.add(division="420302")
    usual = await stores.add()
    seen: dict[int, datetime] = {}
    slot = EXPIRES - 26 * HOUR
    while slot <= EXPIRES:
        await warn_at(stores, slot)
        for (resident_id,) in await stores.rows("SELECT resident_id FROM notices"):
            seen.setdefault(resident_id, slot)
        slot += HOUR / 4
    assert seen == {early: EXPIRES - 24 * HOUR, usual: WARNED}


async def test_no_community_that_warns_leaves_nothing_in_sight(stores: Stores) -> None:
    await stores.add()
    stores.world.policies = Policies(Policy(warn_before=timedelta(0)))
    assert await next_warning_at(tools_of(stores, MORNING), MORNING) is None
    await warn_at(stores, WARNED)
    assert await warnings_of(stores) == []


async def test_code_that_only_today_s_report_covers_is_never_warned_of(stores: Stores) -> None:
    """A report valid for its own day alone: another one on the same day would not lengthen it."""
    await stores.add()
    slot = datetime(2020, 2, 19, 4, tzinfo=UTC)  # twelve hours before the 19th is over, which has a report
    found = await stores.rows("SELECT last_punch_in FROM residents")
    assert str(found[0][0]) == "2020-02-19"
    await warn_at(stores, slot, since=12 * HOUR)
    assert await warnings_of(stores) == []


async def test_person_who_speaks_for_several_is_warned_once(stores: Stores) -> None:
    own, member = await stores.add(schemes=["hubei"]), await stores.add(schemes=["wuhan"])
    account_id = await person_of(stores, own)
    await stores.database.execute(
        "INSERT INTO account_residents (id, account_id, resident_id, relation, since) VALUES (?, ?, ?, 'guardian', ?)",
        [new_id(), account_id, member, MORNING],
    )
    await warn_at(stores, WARNED)
    rows = await stores.rows(
        "SELECT resident_id, person_id, params_sealed FROM notices WHERE person_id = ?", account_id
    )
    ((resident_id, person_id, sealed),) = rows
    assert (resident_id, person_id) == (own, account_id)
    assert set(stores.world.keys.open_json(CONTEXT, sealed)["schemes"]) == {"hubei", "wuhan"}
    assert await stores.rows("SELECT COUNT(*) FROM notices") == [(2,)]  # the member has an account, too


async def test_two_schedulers_and_small_pages_warn_everybody_once(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.colours._PAGE", 2)
    ids = sorted([await stores.add() for _ in range(5)])
    other = Stores(stores.database, stores.world)
    await asyncio.gather(*(warn_at(each, WARNED) for each in (stores, other)))
    assert await stores.rows("SELECT resident_id FROM notices ORDER BY resident_id") == [
        (each,) for each in ids
    ]


async def test_warning_that_was_slept_through_comes_while_it_is_of_use(stores: Stores) -> None:
    await stores.add()
    await warn_at(stores, WARNED + 5 * HOUR, since=8 * HOUR)
    assert len(await warnings_of(stores)) == 1


async def test_warning_of_what_has_expired_is_not_made_up_for(stores: Stores) -> None:
    await stores.add()
    await warn_at(stores, EXPIRES, since=24 * HOUR)
    assert await warnings_of(stores) == []


async def test_resident_in_an_unknown_zone_is_warned_by_the_usual_one(stores: Stores) -> None:
    await stores.add()
    await stores.database.execute("UPDATE residents SET zone = 'Mars/Base'")
    await warn_at(stores, WARNED)
    ((told),) = await warnings_of(stores)
    assert told["zone"] == "Asia/Shanghai"
    assert resident_day(instant(told["at"]), told["zone"]) == date(2020, 2, 22)
