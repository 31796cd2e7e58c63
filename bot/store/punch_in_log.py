"""Follows the log of punch-ins with a cursor that never skips a row.

On PostgreSQL a transaction with a lower number may commit later, so only rows of transactions below the oldest
one that is still running are read, in the order of (transaction, sequence). SQLite has one writer at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.store.database import Database, day

_SETTLED = {
    "sqlite": "1 = 1",
    "postgresql": '"transaction" < pg_snapshot_xmin(pg_current_snapshot())::text::bigint',
}


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """The last row that was read."""

    transaction: int = 0
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class LoggedPunchIn:
    """One save or amendment, and where it stands."""

    cursor: Cursor
    resident_id: int
    punch_in_id: int
    day: date
    revision: int
    temperature_tenths: int | None
    symptoms: tuple[str, ...]
    origin: str


async def rows_after(database: Database, cursor: Cursor, limit: int = 500) -> list[LoggedPunchIn]:
    """The rows behind the cursor whose transactions are settled, oldest first."""
    rows = await database.fetch(
        'SELECT "transaction", sequence, resident_id, punch_in_id, day, revision, temperature_tenths, symptoms,'  # noqa: S608 - from the table above
        f" origin FROM punch_in_log WHERE {_SETTLED[database.dialect]}"
        ' AND ("transaction" > ? OR ("transaction" = ? AND sequence > ?)) ORDER BY "transaction", sequence LIMIT ?',
        [cursor.transaction, cursor.transaction, cursor.sequence, limit],
    )
    return [
        LoggedPunchIn(
            cursor=Cursor(row[0], row[1]),
            resident_id=row[2],
            punch_in_id=row[3],
            day=day(row[4]),
            revision=row[5],
            temperature_tenths=row[6],
            symptoms=tuple(row[7].split(",")) if row[7] else (),
            origin=row[8],
        )
        for row in rows
    ]
