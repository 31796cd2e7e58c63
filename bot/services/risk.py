"""The risk levels of divisions, as they were published; whoever they touch is queued in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.model import RiskEntry, RiskMap
from bot.services.rescore_queue import LevelDays, touched_by_levels
from bot.services.stamps import renew
from bot.store.database import Database, Row, Session, day, day_or_none, instant
from bot.store.ids import new_id

STAMP = "risk"
CAUSE = "risk_level"


@dataclass(frozen=True, slots=True)
class Levels:
    """Every standing level: the map that rules read, and by row id where and when each of them is."""

    risk: RiskMap
    rows: Mapping[int, LevelDays]

    def differing(self, other: Levels) -> list[LevelDays]:
        """The levels that only one of the two has."""
        return [
            self.rows.get(row_id) or other.rows[row_id]
            for row_id in sorted(self.rows.keys() ^ other.rows.keys())
        ]


def risk_map(rows: Iterable[Row]) -> RiskMap:
    """The map of rows that begin with division, from_day, to_day, level, known_at."""
    return RiskMap(
        RiskEntry(row[0], day(row[1]), day_or_none(row[2]), row[3], instant(row[4])) for row in rows
    )


async def load_risk(database: Database) -> RiskMap:
    """Every standing risk level in the database."""
    return (await load_levels(database)).risk


async def load_levels(database: Database) -> Levels:
    """The same with its rows."""
    rows = await database.fetch(
        "SELECT division, from_day, to_day, level, known_at, id FROM risk_levels WHERE withdrawn_at IS NULL"
    )
    return Levels(
        risk_map(rows),
        {row[5]: LevelDays(row[0], day(row[1]), day_or_none(row[2]), instant(row[4])) for row in rows},
    )


async def publish_levels(
    database: Database,
    levels: Mapping[str, str],
    *,
    first: date,
    source: str,
    known_at: datetime,
    last: date | None = None,
) -> int:
    """Store the level (low, medium, high) of these divisions from that day on, or until `last`; returns how many
    residents were queued to be scored anew once it is known."""

    async def body(session: Session) -> int:
        rows = [
            (new_id(), division, first, last, level, source, known_at) for division, level in levels.items()
        ]
        await renew(session, STAMP)
        await session.execute_many(
            [
                (
                    "INSERT INTO risk_levels (id, division, from_day, to_day, level, source, known_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
            ]
        )
        days = [LevelDays(division, first, last) for division in levels]
        return await touched_by_levels(session, days, cause=CAUSE, queued_at=known_at)

    return await database.transaction(body)


async def withdraw_levels(
    database: Database, divisions: Collection[str], *, source: str, at: datetime
) -> int:
    """Take back what that source has published of these divisions; returns how many residents were queued."""

    async def body(session: Session) -> int:
        await renew(session, STAMP)
        taken = await session.fetch(
            "UPDATE risk_levels SET withdrawn_at = ? WHERE withdrawn_at IS NULL AND source = ?"  # noqa: S608 - our own words
            f" AND {database.among('division', 'text')} RETURNING division, from_day, to_day",
            [at, source, database.listed(divisions)],
        )
        days = [LevelDays(row[0], day(row[1]), day_or_none(row[2])) for row in taken]
        return await touched_by_levels(session, days, cause=CAUSE, queued_at=at)

    return await database.transaction(body)
