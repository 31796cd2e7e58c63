"""How far development has moved its clock: kept in the database, so that a restart doesn't undo lived days."""

from __future__ import annotations

from datetime import timedelta

from bot.clock import Clock
from bot.store.database import Database

_ROW = 1


async def restore(database: Database, clock: Clock) -> None:
    """Set the clock to where it was moved to before."""
    rows = await database.fetch("SELECT seconds FROM clock_offset WHERE id = ?", [_ROW])
    if rows:
        clock.offset = timedelta(seconds=rows[0][0])


async def move_forward(database: Database, clock: Clock, by: timedelta) -> None:
    """Move the clock forward durably; ValueError if `by` is negative."""
    if by < timedelta(0):
        raise ValueError("the clock only moves forward")
    seconds = int((clock.offset + by).total_seconds())
    await database.execute(
        "INSERT INTO clock_offset (id, seconds) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET seconds = excluded.seconds",
        [_ROW, seconds],
    )
    clock.forward(by)
