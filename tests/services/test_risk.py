"""Levels are published and withdrawn together with the queue of those whom they touch."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.services.rescore_queue import waiting
from bot.services.risk import STAMP, load_levels, load_risk, publish_levels, withdraw_levels
from bot.services.stamps import read_stamps
from bot.store.database import Database
from tests.fakes.clock import MORNING
from tests.services.stored import TODAY, Stores, stay

SINCE = date(2020, 1, 1)


async def test_published_level_is_read_back_and_touches_who_was_there(database: Database) -> None:
    stores = Stores(database)
    await stores.add(facts=[stay("330302")])
    await stores.add(facts=[stay("420106")])
    levels = {"3303": "high", "36": "low"}
    touched = await publish_levels(database, levels, first=SINCE, source="notice", known_at=MORNING)
    assert (touched, await waiting(database)) == (1, 1)
    assert (await load_risk(database)).level("330302", TODAY) == "high"
    assert STAMP in await read_stamps(database)


async def test_level_with_an_end_is_over_afterwards(database: Database) -> None:
    last = TODAY - timedelta(days=5)
    await publish_levels(
        database, {"3303": "high"}, first=SINCE, last=last, source="notice", known_at=MORNING
    )
    risk = await load_risk(database)
    assert (risk.level("3303", last), risk.level("3303", last + timedelta(days=1))) == ("high", None)


async def test_withdrawn_level_is_forgotten_and_touches_the_same_people(database: Database) -> None:
    stores = Stores(database)
    await stores.add(facts=[stay("330302")])
    await publish_levels(database, {"3303": "high"}, first=SINCE, source="notice", known_at=MORNING)
    await publish_levels(database, {"3303": "low"}, first=SINCE, source="other", known_at=MORNING)
    await database.execute("DELETE FROM rescore_queue")
    before = (await read_stamps(database))[STAMP]
    later = MORNING + timedelta(hours=1)
    assert await withdraw_levels(database, ["3303", "44"], source="notice", at=later) == 1
    assert (await load_risk(database)).level("330302", TODAY) == "low"
    assert await waiting(database) == 1
    assert (await read_stamps(database))[STAMP] != before
    assert await withdraw_levels(database, ["3303"], source="notice", at=later) == 0


async def test_level_that_is_refused_queues_nobody(database: Database) -> None:
    stores = Stores(database)
    await stores.add(facts=[stay("330302")])
    with pytest.raises(Exception, match="ck_risk_levels_level"):
        await publish_levels(database, {"3303": "extreme"}, first=SINCE, source="notice", known_at=MORNING)
    assert await waiting(database) == 0
    assert await read_stamps(database) == {}


async def test_differing_levels_are_those_that_only_one_side_has(database: Database) -> None:
    await publish_levels(database, {"33": "low"}, first=SINCE, source="notice", known_at=MORNING)
    before = await load_levels(database)
    await publish_levels(database, {"3303": "high"}, first=SINCE, source="notice", known_at=MORNING)
    await withdraw_levels(database, ["33"], source="notice", at=MORNING)
    after = await load_levels(database)
    assert {level.division for level in after.differing(before)} == {"33", "3303"}
    assert after.differing(after) == []
