"""The risk levels of divisions, as they were published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from bot.core.model import RiskEntry, RiskMap
from bot.store.database import Database, Session, day, day_or_none, instant
from bot.store.ids import new_id


async def load_risk(database: Database) -> RiskMap:
    """Every standing risk level in the database."""
    rows = await database.fetch(
        "SELECT division, from_day, to_day, level, known_at FROM risk_levels WHERE withdrawn_at IS NULL"
    )
    return RiskMap(
        RiskEntry(row[0], day(row[1]), day_or_none(row[2]), row[3], instant(row[4])) for row in rows
    )


async def publish_levels(
    database: Database, levels: Mapping[str, str], *, first: date, source: str, known_at: datetime
) -> None:
    """Store the level (low, medium, high) of these divisions from that day on."""

    async def body(session: Session) -> None:
        rows = [(new_id(), division, first, level, source, known_at) for division, level in levels.items()]
        await session.execute_many(
            [
                (
                    "INSERT INTO risk_levels (id, division, from_day, level, source, known_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    rows,
                )
            ]
        )

    await database.transaction(body)
