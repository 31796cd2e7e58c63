"""The only source of "now" and of "today".

`now()` is business time: days, holds, reminders; it can be moved forward in development. `wire()` is real
time: signatures, leases, time-outs; nothing moves it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_ZONE = "Asia/Shanghai"


class Clock:
    """Real time, with an offset that development may set."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """Business time, aware, in UTC."""
        return self.wire() + self.offset

    def wire(self) -> datetime:
        """Real time, aware, in UTC."""
        return datetime.now(UTC)

    def forward(self, by: timedelta) -> None:
        """Move business time forward; it never goes back, because days that were lived stay lived."""
        if by < timedelta(0):
            raise ValueError("the clock only moves forward")
        self.offset += by


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone: {name!r}") from error


def resident_day(at: datetime, zone_name: str = DEFAULT_ZONE) -> date:
    """The one definition of the resident's day: the calendar day in the resident's zone at that instant."""
    return at.astimezone(zone(zone_name)).date()


def day_begins(day: date, zone_name: str = DEFAULT_ZONE) -> datetime:
    """The instant, in UTC, at which that day begins for the resident."""
    return datetime.combine(day, time(), tzinfo=zone(zone_name)).astimezone(UTC)
