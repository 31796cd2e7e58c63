"""Holds end on the right minute, once; what can't be scored is left to the queue, and nothing is looked at for ever."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from bot.notices.outbox import CONTEXT
from bot.services import rescore_queue
from bot.services.facts import record
from bot.services.schemes import Schemes
from bot.store.database import Database, instant
from bot.store.snapshot import Resident
from bot.store.work import Work
from scheduler.colours import JOBS, look_again, next_look
from tests.fakes.clock import MORNING
from tests.scheduler.a_run import run_at, tools_of
from tests.services.stored import Stores, low_world

MINUTE = timedelta(minutes=1)
LAST_STAY = date(2020, 2, 25)
RED_AT = datetime(2020, 2, 26, 12, tzinfo=UTC)
SCHEME = "zhejiang"  # red for 14 days after the last stay, with a normal report on each of them
# the stay is day 0, so that the 14th day is 10 March: red until it is over
ENDS = {
    "Asia/Shanghai": datetime(2020, 3, 10, 16, tzinfo=UTC),
    "Asia/Urumqi": datetime(2020, 3, 10, 18, tzinfo=UTC),
    "America/New_York": datetime(2020, 3, 11, 4, tzinfo=UTC),  # summer time began on the 8th
    "Pacific/Kiritimati": datetime(2020, 3, 10, 10, tzinfo=UTC),
}


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(database, low_world(d3303="high"))


def take_stay(work: Work, resident: Resident) -> None:
    details: dict[str, Any] = {"start": date(2020, 2, 24), "end": LAST_STAY, "division": "330302"}
    record(work, resident, kind="stay", source="declaration", reference="stay", **details)


async def held(stores: Stores, zone: str = "Asia/Shanghai", **who: Any) -> int:
    """A resident who turned red there, and has reported normally on every day since."""
    resident_id = await stores.add(
        **{"schemes": [SCHEME], "division": "330106", "punch_ins": range(-40, 3)} | who
    )
    await stores.database.execute("UPDATE residents SET zone = ? WHERE resident_id = ?", [zone, resident_id])
    await stores.rescorer.apply(resident_id, take_stay, cause="feed", now=RED_AT)
    assert (await stores.colours(SCHEME))[resident_id] == "red"
    await stores.database.execute("UPDATE notices SET state = 'sent' WHERE resident_id = ?", [resident_id])
    return resident_id


async def clock_changes_of(stores: Stores) -> list[tuple[Any, ...]]:
    return await stores.rows(
        "SELECT resident_id, old_colour, new_colour FROM colour_changes WHERE cause = 'clock' ORDER BY resident_id"
    )


async def next_change(stores: Stores) -> Any:
    at = (await stores.rows("SELECT MIN(next_change_at) FROM health_codes"))[0][0]
    return None if at is None else instant(at)


@pytest.mark.parametrize("zone", ENDS)
async def test_hold_ends_on_the_minute_in_the_zone_of_the_resident(stores: Stores, zone: str) -> None:
    resident_id = await held(stores, zone)
    assert await next_look(tools_of(stores, RED_AT), RED_AT) == ENDS[zone]
    await look_again(tools_of(stores, ENDS[zone] - MINUTE), run_at(ENDS[zone] - MINUTE))
    assert (await stores.colours(SCHEME))[resident_id] == "red"  # the last day counts to its last minute
    run = run_at(ENDS[zone])
    await look_again(tools_of(stores, ENDS[zone]), run)
    assert await clock_changes_of(stores) == [(resident_id, "red", "green")]
    assert (run.counts["residents"], run.counts["changes"], run.counts["failed"]) == (1, 1, 0)
    ((sealed, urgent),) = await stores.rows(
        "SELECT params_sealed, priority FROM notices WHERE state = 'queued' AND kind = 'colour_changed'"
    )
    told = stores.world.keys.open_json(CONTEXT, sealed)
    assert told == {"changes": [[SCHEME, "red", "decided", "green", "decided"]]}
    assert urgent == 0


async def test_hold_lasts_while_a_report_of_its_days_is_missing(stores: Stores) -> None:
    resident_id = await held(stores)
    await stores.database.execute("DELETE FROM punch_ins WHERE day = ?", [date(2020, 3, 9)])
    end = ENDS["Asia/Shanghai"]
    await look_again(tools_of(stores, end), run_at(end))
    assert (await stores.colours(SCHEME))[resident_id] == "red"
    assert await next_change(stores) is None or await next_change(stores) > end


async def test_report_that_ran_out_turns_the_code_as_its_book_says(stores: Stores) -> None:
    """Hubei's book: three days, its own day included, then yellow."""
    resident_id = await stores.add(schemes=["hubei"], punch_ins=(1, 2))
    end = datetime(2020, 2, 21, 16, tzinfo=UTC)
    await look_again(tools_of(stores, end - MINUTE), run_at(end - MINUTE))
    assert await stores.colours() == {resident_id: "green"}
    await look_again(tools_of(stores, end), run_at(end))
    assert await stores.colours() == {resident_id: "yellow"}
    assessment = orjson.loads((await stores.rows("SELECT assessment FROM health_codes"))[0][0])
    assert [finding["rule"] for finding in assessment["findings"]] == ["report_missing"]
    assert await stores.rows("SELECT kind, priority FROM notices") == [("colour_changed", 1)]


async def test_slot_that_is_run_twice_changes_and_tells_once(stores: Stores) -> None:
    await held(stores, accounts=2)
    end = ENDS["Asia/Shanghai"]
    for _ in range(2):
        await look_again(tools_of(stores, end), run_at(end))
    assert len(await clock_changes_of(stores)) == 1
    assert await stores.rows("SELECT COUNT(*) FROM notices WHERE state = 'queued'") == [(2,)]


async def test_two_schedulers_at_one_slot_make_one_change_and_one_notice(stores: Stores) -> None:
    ids = sorted([await held(stores) for _ in range(5)])
    other, end = Stores(stores.database, stores.world), ENDS["Asia/Shanghai"]
    await asyncio.gather(*(look_again(tools_of(each, end), run_at(end)) for each in (stores, other)))
    assert await clock_changes_of(stores) == [(each, "red", "green") for each in ids]
    assert await stores.rows("SELECT COUNT(*) FROM notices WHERE state = 'queued'") == [(5,)]


async def test_resident_who_cannot_be_scored_waits_and_holds_nobody_up(stores: Stores) -> None:
    bad, good = await held(stores), await held(stores)
    await stores.database.execute("UPDATE facts SET details = 'no json' WHERE resident_id = ?", [bad])
    end = ENDS["Asia/Shanghai"]
    tools = tools_of(stores, end)
    run = run_at(end)
    await look_again(tools, run)
    assert await clock_changes_of(stores) == [(good, "red", "green")]
    assert run.counts["failed"] == 1
    assert await stores.rows("SELECT resident_id, cause, attempts FROM rescore_queue") == [(bad, "clock", 1)]
    assert await next_look(tools, end) != end  # not again in the next minute
    again = run_at(end + MINUTE)
    await look_again(tools_of(stores, end + MINUTE), again)
    assert again.counts["residents"] == 0


async def test_queue_takes_over_when_its_wait_is_over_and_mends_it(stores: Stores) -> None:
    bad = await held(stores)
    await stores.database.execute("UPDATE facts SET details = 'no json' WHERE resident_id = ?", [bad])
    end = ENDS["Asia/Shanghai"]
    await look_again(tools_of(stores, end), run_at(end))
    soon, later = end + MINUTE, end + 3 * MINUTE
    assert await rescore_queue.take(stores.database, 10, now=soon, wire=soon) == []
    await stores.database.execute("UPDATE facts SET details = '{}' WHERE resident_id = ?", [bad])
    entries = await rescore_queue.take(stores.database, 10, now=later, wire=later)
    await rescore_queue.work_off(stores.rescorer, stores.database, entries, now=later, wire=later)
    assert await clock_changes_of(stores) == [(bad, "red", "green")]
    assert await rescore_queue.waiting(stores.database) == 0


async def test_entry_for_later_is_kept_and_delays_no_hold(stores: Stores) -> None:
    """A risk level that comes into force tomorrow has queued them; their hold ends today."""
    good, bad = await held(stores), await held(stores)
    end = ENDS["Asia/Shanghai"]
    tomorrow = end + timedelta(days=1)
    for ticket, each in enumerate((good, bad), start=7):
        await stores.database.execute(
            "INSERT INTO rescore_queue (resident_id, cause, queued_at, ticket) VALUES (?, 'risk', ?, ?)",
            [each, tomorrow, ticket],
        )
    await stores.database.execute("UPDATE facts SET details = 'no json' WHERE resident_id = ?", [bad])
    for slot in (end, end + MINUTE):
        await look_again(tools_of(stores, slot), run_at(slot))
    assert await clock_changes_of(stores) == [(good, "red", "green")]
    rows = await stores.rows("SELECT resident_id, cause, queued_at, attempts FROM rescore_queue")
    assert {(row[0], row[1], instant(row[2]), row[3]) for row in rows} == {
        (good, "risk", tomorrow, 0),
        (bad, "risk", tomorrow, 1),
    }


async def test_code_that_nobody_judges_is_looked_at_once_a_day(stores: Stores) -> None:
    await held(stores)
    end = ENDS["Asia/Shanghai"]
    stores.world.schemes = Schemes(tuple(each for each in stores.world.schemes if each.id != SCHEME))
    run = run_at(end)
    await look_again(tools_of(stores, end), run)
    assert run.counts["put_off"] == 1
    assert await next_change(stores) == end + timedelta(days=1)
    assert (await stores.colours(SCHEME)).popitem()[1] == "red"


async def test_stop_in_the_middle_leaves_the_rest_to_the_next_run(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.colours._AT_ONCE", 1)
    for _ in range(3):
        await held(stores)
    end = ENDS["Asia/Shanghai"]
    first = run_at(end)
    first.stops_after = 1
    await look_again(tools_of(stores, end), first)
    assert len(await clock_changes_of(stores)) == 1
    assert await next_look(tools_of(stores, end), end) == end
    await look_again(tools_of(stores, end), run_at(end))
    assert len(await clock_changes_of(stores)) == 3


async def test_nothing_in_sight_asks_for_no_run(stores: Stores) -> None:
    assert await next_look(tools_of(stores, MORNING), MORNING) is None


def test_both_jobs_have_slots_in_utc_and_say_when_they_are_due() -> None:
    assert [job.id for job in JOBS] == ["clock_colours", "code_expiring"]
    assert all(job.due is not None for job in JOBS)
