"""The risk levels of divisions, as they were published."""

from __future__ import annotations

from bot.core.model import RiskEntry, RiskMap
from bot.store.database import Database, day, day_or_none, instant


async def load_risk(database: Database) -> RiskMap:
    """Every standing risk level in the database."""
    rows = await database.fetch(
        "SELECT division, from_day, to_day, level, known_at FROM risk_levels WHERE withdrawn_at IS NULL"
    )
    return RiskMap(RiskEntry(row[0], day(row[1]), day_or_none(row[2]), row[3], instant(row[4])) for row in rows)
