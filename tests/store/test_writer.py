"""Units of work that are written together know of each other."""

from __future__ import annotations

import asyncio

from bot.store.database import Database
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from tests.fakes.clock import MORNING


async def resident(database: Database, resident_id: int) -> None:
    await database.execute(
        "INSERT INTO residents (resident_id, identity, created_at) VALUES (?, 'claimed', ?)",
        [resident_id, MORNING],
    )


def moved_on(resident_id: int, day: str) -> Work:
    work = Work(now=MORNING)
    work.touch(resident_id, 0)
    work.rescored.add(resident_id)
    work.update("residents", {"resident_id": resident_id}, division=day)
    return work


async def test_of_two_that_count_on_one_version_in_one_group_only_the_first_is_written(
    database: Database,
) -> None:
    await resident(database, 1)
    await resident(database, 2)
    writer = Writer(database)
    outcomes = await asyncio.gather(
        *(writer.commit(work) for work in (moved_on(1, "11"), moved_on(1, "12"), moved_on(2, "13")))
    )
    assert outcomes == [Outcome.COMMITTED, Outcome.CONFLICT, Outcome.COMMITTED]
    rows = await database.fetch("SELECT division, input_version FROM residents ORDER BY resident_id")
    assert [tuple(row) for row in rows] == [("11", 1), ("13", 1)]
    await writer.close()


async def test_amount_that_is_added_to_stays_within_its_column(database: Database) -> None:
    writer = Writer(database)

    async def add(change: int) -> int:
        work = Work(now=MORNING)
        work.add(
            "subscriptions", ("account_id", "kind"), "balance",
            id=1, account_id=5, kind="colour_changed", standing="once", balance=change, updated_at=MORNING,
        )  # fmt: skip
        await writer.commit(work)
        return int((await database.fetch("SELECT balance FROM subscriptions"))[0][0])

    assert [await add(change) for change in (2, 1, 9_999, 9_999)] == [2, 3, 10_000, 10_000]
    await writer.close()


async def test_whoever_sends_is_called_after_a_commit_that_queued_something(database: Database) -> None:
    writer, called = Writer(database), []
    writer.on_notices = lambda: called.append(True)
    await resident(database, 1)
    await writer.commit(moved_on(1, "11"))
    assert called == []
    work = Work(now=MORNING)
    work.update("notices", {"id": 1}, state="replaced")
    await writer.commit(work)
    assert called == [True]
    await writer.close()
