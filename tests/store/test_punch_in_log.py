"""A reader of the log sees every row once, in order, also rows that commit out of order."""

from __future__ import annotations

import asyncio
from datetime import date

import asyncpg
import pytest

from bot.store.database import Database
from bot.store.punch_in_log import Cursor, LoggedPunchIn, rows_after
from tests.conftest import BACKEND
from tests.fakes.clock import MORNING

INSERT = (
    "INSERT INTO punch_in_log (resident_id, punch_in_id, day, revision, temperature_tenths, symptoms, origin, at)"
    " VALUES (?, ?, ?, 1, 365, 'cough,fever', 'test', ?)"
)


async def save(database: Database, number: int) -> None:
    await database.execute(INSERT, [number, number, date(2020, 2, 20), MORNING])


async def settled(database: Database, count: int) -> list[LoggedPunchIn]:
    """The log once it shows so many rows: a transaction of another database of this server may hold it back."""
    rows: list[LoggedPunchIn] = []
    for _ in range(200):
        rows = await rows_after(database, Cursor())
        if len(rows) >= count:
            break
        await asyncio.sleep(0.05)
    return rows


async def test_rows_come_once_and_in_order(database: Database) -> None:
    for number in (1, 2, 3):
        await save(database, number)
    await settled(database, 3)
    first = await rows_after(database, Cursor(), limit=2)
    rest = await rows_after(database, first[-1].cursor)
    assert [row.resident_id for row in (*first, *rest)] == [1, 2, 3]
    assert first[0].symptoms == ("cough", "fever")
    assert first[0].day == date(2020, 2, 20)
    assert await rows_after(database, rest[-1].cursor) == []


@pytest.mark.postgresql
@pytest.mark.skipif(BACKEND != "postgresql", reason="SQLite has one writer at a time")
async def test_row_of_a_transaction_that_commits_late_is_not_skipped(
    database: Database, database_url: str
) -> None:
    late = await asyncpg.connect(database_url)
    try:
        transaction = late.transaction()
        await transaction.start()
        await late.execute(
            INSERT.replace("?, ?, ?, 1", "1, 1, $1, 1").replace("'test', ?", "'test', $2"),
            date(2020, 2, 20),
            MORNING,
        )
        await save(database, 2)
        assert await rows_after(database, Cursor()) == []  # the second one waits for the first
        await transaction.commit()
    finally:
        await late.close()
    assert [row.resident_id for row in await settled(database, 2)] == [1, 2]
