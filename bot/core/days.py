"""Days and runs of days: the resident's calendar day, and normal punch-in days after an anchor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.model import PunchInDay

ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone: {name!r}") from error


@lru_cache(maxsize=4096)
def day_of(at: datetime, zone_name: str) -> date:
    """The calendar day at that instant in that zone."""
    return at.astimezone(zone(zone_name)).date()


def begins(day: date, zone_name: str) -> datetime:
    """The instant, in UTC, at which that day begins in that zone."""
    return datetime.combine(day, time(), tzinfo=zone(zone_name)).astimezone(UTC)


def by_day(days: Iterable[PunchInDay], symptom_days: Iterable[date] = ()) -> dict[date, bool]:
    """Each distinct day, in order, and whether it was normal; one report that is not normal decides its day."""
    found: dict[date, bool] = {}
    for one in days:
        found[one.day] = one.normal and found.get(one.day, True)
    for day in symptom_days:
        found[day] = False
    return dict(sorted(found.items()))


def completed(
    days: Mapping[date, bool], *, anchor: date, until: date, wanted: int, consecutive: bool, last: date
) -> tuple[date | None, int]:
    """The day on which the wanted number of normal days after the anchor was reached, and how many count now.

    The anchor day never counts, nor do days after `until` (today). A day that is not normal starts a run
    over as long as it lies within the hold (to `last`) or the run isn't complete; a missed day breaks an
    incomplete run only. `days` are in order.
    """
    if wanted == 0:
        return anchor, 0
    reached: date | None = None
    have, previous = 0, anchor
    for day, normal in days.items():
        if day <= anchor or day > until:
            continue
        if reached is not None and (not consecutive or day > last):
            break
        if not normal:
            if consecutive:
                have, reached = 0, None
            continue
        if reached is None:
            have = 1 if consecutive and day - previous > ONE_DAY else have + 1
            previous = day
            if have >= wanted:
                reached = day
    if consecutive and reached is None and until - previous > ONE_DAY:
        have = 0
    return reached, have
