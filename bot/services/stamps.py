"""What a process keeps in memory of the database, and whether it is still so: one small row for each such thing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from bot.store.database import Database, Session


async def read_stamps(database: Database) -> dict[str, str]:
    """All stamps by name."""
    rows = await database.fetch("SELECT name, value FROM stamps")
    return {row[0]: row[1] for row in rows}


async def renew(session: Session, name: str) -> None:
    """Say that this thing is another one from the end of this transaction on."""
    await set_stamps(session, {name: secrets.token_hex(16)})


async def set_stamps(session: Session, stamps: Mapping[str, str]) -> None:
    """Say what these things are from the end of this transaction on."""
    await session.execute_many(
        [
            (
                "INSERT INTO stamps (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                sorted(stamps.items()),
            )
        ]
    )
