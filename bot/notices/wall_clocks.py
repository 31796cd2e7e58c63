"""What wall clocks show, as rows for the queries of daily reports: SQL knows no time zones.

A minute of the day has passed once the wall clock showed it or was put past it; one that comes twice passes once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bot.clock import day_begins, resident_day, zone
from bot.notices.quiet_hours import known_zone, minute_of_day
from bot.store.database import Database

LAST_MINUTE = 24 * 60 - 1
KEPT = timedelta(hours=6)
"""A reminder that couldn't go for so long is of no use any more."""
CATCH_UP = timedelta(hours=4)
"""A minute that passed so long ago without a reminder is left at that."""
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)

_EACH = (
    "WITH RECURSIVE found(value) AS (SELECT MIN({column}) FROM residents UNION ALL"
    " SELECT (SELECT MIN(r.{column}) FROM residents r WHERE r.{column} > found.value) FROM found"
    " WHERE found.value IS NOT NULL) SELECT value FROM found WHERE value IS NOT NULL"
)
_ZONES = _EACH.format(column="zone")
_CHOSEN = _EACH.format(column="reminder_minute")


@dataclass(frozen=True, slots=True)
class WallClock:
    """One zone: its `day` (as of `at`), and the minutes of that day that have passed, `first` to `last`, since the
    instant that was looked back to; none where `first` is greater."""

    zone: str
    at: datetime
    day: date
    first: int
    last: int
    ends: datetime

    def row(self) -> list[Any]:
        """As `ZONE_COLUMNS` of `due` has it."""
        day = self.day.isoformat()
        expires = min(self.ends, self.at + KEPT)
        return [
            self.zone, day, day, self.day.isoweekday(), self.first, self.last, _text(self.at), _text(expires),
        ]  # fmt: skip

    def spans(self, every_days: Iterable[int]) -> list[list[Any]]:
        """For each of these, from which day (and instant) on a report means that none is due on this day."""
        place = known_zone(self.zone)
        days = [(every, self.day - (every - 1) * _DAY) for every in sorted(set(every_days))]
        return [
            [self.zone, every, since.isoformat(), _text(day_begins(since, place))] for every, since in days
        ]


def wall_clock(name: str, at: datetime, since: datetime | None = None, *, days_back: int = 0) -> WallClock:
    """What the wall clock of that zone showed after `since` (default: since the day began) and until `at`.

    `days_back` gives the whole of an earlier day. An unknown zone is the usual one, under its own name.
    """
    place = known_zone(name)
    day = resident_day(at, place) - days_back * _DAY
    begins, ends = day_begins(day, place), day_begins(day + _DAY, place)
    last = passed(at, place) if days_back == 0 else LAST_MINUTE
    first = 0 if since is None or since < begins else passed(since, place) + 1
    return WallClock(name, at, day, first, last, ends)


def passed(at: datetime, place: str) -> int:
    """The last minute of the day that has passed there: what the wall clock shows, or showed before it was put
    back."""
    local = at.astimezone(zone(place))
    if not local.fold:
        return minute_of_day(at, place)
    while local.fold:
        at -= _MINUTE
        local = at.astimezone(zone(place))
    return minute_of_day(at, place)


async def zones_in_use(database: Database) -> list[str]:
    """Every zone that a resident has, by as many looks into the index as there are."""
    return [row[0] for row in await database.fetch(_ZONES)]


async def chosen_minutes(database: Database) -> list[int]:
    """Every minute of the day that a resident has chosen, in the same way."""
    return [row[0] for row in await database.fetch(_CHOSEN)]


def _text(at: datetime) -> str:
    """An instant as both databases compare it; SQLite compares texts."""
    return at.astimezone(UTC).isoformat(" ")
