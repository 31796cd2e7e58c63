"""Stored colours follow risk levels and rule books, and no entry is drained with the levels of before."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from bot.core.rules import RuleBooks
from bot.services import rescore_queue
from bot.services.rescore_keeper import RescoreKeeper, fingerprint
from bot.services.rescore_queue import waiting
from bot.services.risk import publish_levels, withdraw_levels
from bot.services.stamps import read_stamps
from bot.store.database import Database
from tests.fakes.clock import MORNING, FakeClock
from tests.services.stored import Stores, low_world, stay

SINCE = date(2020, 1, 1)
SCHEME = "hangzhou"


class Process:
    """One process of the service over that database: a world and a keeper of its own."""

    def __init__(self, database: Database) -> None:
        self.stores = Stores(database, low_world())
        self.clock = FakeClock(MORNING)
        self.keeper = RescoreKeeper(self.stores.world, database, self.stores.rescorer, self.clock)

    async def add(self) -> int:
        return await self.stores.add(
            facts=[stay("330302", 3, 2)], schemes=[SCHEME], division="330106", days_ago=1
        )

    async def colours(self) -> dict[int, str]:
        return await self.stores.colours(SCHEME)


@pytest.fixture
async def process(database: Database) -> Process:
    """A process that has looked around once."""
    made = Process(database)
    levels = {"42": "low"}  # nothing is known of 33
    await publish_levels(database, levels, first=SINCE, source="base", known_at=MORNING - timedelta(days=60))
    await made.keeper.look()
    return made


async def publish_high(database: Database) -> int:
    return await publish_levels(
        database, {"3303": "high"}, first=SINCE, source="notice", known_at=MORNING - timedelta(hours=1)
    )


async def test_level_published_by_another_process_changes_who_it_touches(process: Process) -> None:
    resident_id = await process.add()
    assert (await process.colours())[resident_id] == "grey"
    assert await publish_high(process.stores.database) == 1
    counts = await process.keeper.look()
    assert (counts.residents, counts.changes) == (1, 1)
    assert (await process.colours())[resident_id] != "grey"
    assert process.stores.world.risk.level("330302", SINCE) == "high"
    assert await waiting(process.stores.database) == 0
    await withdraw_levels(process.stores.database, ["3303"], source="notice", at=MORNING)
    await process.keeper.look()
    assert (await process.colours())[resident_id] == "grey"


async def test_entry_is_never_drained_with_the_levels_of_before(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The level is published after this process looked at the stamps and before it takes entries."""
    resident_id = await process.add()
    take = rescore_queue.take
    published: list[int] = []

    async def publish_then_take(database: Database, *arguments: object, **named: object) -> object:
        if not published:
            published.append(await publish_high(database))
        return await take(database, *arguments, **named)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(rescore_queue, "take", publish_then_take)
    await process.keeper.look()
    assert published == [1]
    assert (await process.colours())[resident_id] != "grey"
    assert await waiting(process.stores.database) == 0


async def test_process_that_learns_late_scores_again_what_it_may_have_scored_with_old_levels(
    process: Process,
) -> None:
    other = Process(process.stores.database)
    await other.keeper.look()
    resident_id = await process.add()
    await publish_high(process.stores.database)
    await process.keeper.look()
    worse = (await process.colours())[resident_id]
    # the other one has not looked yet and scores the resident with the low level
    await other.stores.rescorer.apply(resident_id, None, cause="late", now=MORNING)
    assert (await process.colours())[resident_id] == "grey"
    await other.keeper.look()
    assert (await process.colours())[resident_id] == worse


async def test_first_look_queues_the_holders_of_books_that_were_never_seen(database: Database) -> None:
    made = Process(database)
    await made.add()
    counts = await made.keeper.look()
    assert counts.residents == 1
    assert f"books:{SCHEME}" in await read_stamps(database)
    assert (await made.keeper.look()).residents == 0


async def test_books_that_are_replaced_touch_their_holders_alone(process: Process) -> None:
    holder = await process.add()
    await process.stores.add(schemes=["hubei"])
    books = process.stores.world.rulebooks
    kept = [book for book in books if book.scheme != SCHEME]
    process.stores.world.rulebooks = RuleBooks(kept)
    counts = await process.keeper.look()
    assert (counts.residents, counts.differing) == (1, [holder])
    assert (await process.colours())[holder] == "grey"


async def test_process_with_other_books_leaves_the_queue_alone(process: Process) -> None:
    newer = Process(process.stores.database)
    books = newer.stores.world.rulebooks
    newer.stores.world.rulebooks = RuleBooks(book for book in books if book.scheme != SCHEME)
    await process.add()
    await newer.keeper.look()
    await publish_high(process.stores.database)
    assert (await process.keeper.look()).residents == 0
    assert await waiting(process.stores.database) == 1
    assert (await newer.keeper.look()).residents == 1


async def test_same_versions_have_the_same_fingerprint_and_others_another() -> None:
    first, second = low_world(), low_world()
    assert fingerprint(first.books(SCHEME)) == fingerprint(second.books(SCHEME))
    assert fingerprint(first.books(SCHEME)) != fingerprint(first.books("hubei"))
    assert fingerprint(None) == fingerprint(None)


async def test_keeper_drains_by_itself_until_it_is_closed(process: Process) -> None:
    resident_id = await process.add()
    await publish_high(process.stores.database)
    await process.keeper.open()
    for _ in range(500):
        if (await process.colours())[resident_id] != "grey":
            break
        await asyncio.sleep(0.01)
    await process.keeper.close()
    assert (await process.colours())[resident_id] != "grey"
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "rescore-keeper"] == []


async def test_keeper_goes_on_after_a_failure(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    twice = asyncio.Event()

    async def fails(*_arguments: object, **_named: object) -> None:
        tries.append(1)
        if len(tries) == 2:
            twice.set()
        raise OSError

    monkeypatch.setattr("bot.services.rescore_keeper._LOOK_AGAIN", 0.0)
    monkeypatch.setattr(rescore_queue, "take", fails)
    await process.keeper.open()
    await asyncio.wait_for(twice.wait(), 10)
    await process.keeper.close()
    assert len(tries) >= 2
