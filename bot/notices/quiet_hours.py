"""The wall clocks of persons as data for a query: SQL knows no time zones, and a day of theirs may have 23 hours."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from bot.clock import DEFAULT_ZONE, day_begins, resident_day, zone

QUIET_FROM = 22 * 60
QUIET_UNTIL = 7 * 60
"""Nobody is disturbed between these, in minutes after midnight, unless they chose other hours."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def known_zone(name: str) -> str:
    """The zone of that name, the usual one where there is none."""
    try:
        zone(name)
    except ValueError:
        return DEFAULT_ZONE
    return name


def minute_of_day(at: datetime, zone_name: str) -> int:
    """What the wall clock shows there, in minutes after midnight."""
    local = at.astimezone(zone(zone_name))
    return local.hour * 60 + local.minute


def this_day_begins(at: datetime, zone_name: str) -> datetime:
    """When the day began there."""
    return day_begins(resident_day(at, zone_name), zone_name)


def next_day_begins(at: datetime, zone_name: str) -> datetime:
    """When the next day begins there."""
    return day_begins(resident_day(at, zone_name) + _DAY, zone_name)


def quiet_ends(at: datetime, zone_name: str, until: int) -> datetime:
    """The first instant after `at` at which the wall clock there shows `until`, or has been put past it."""
    first = resident_day(at, zone_name)
    wall_clock = time(until // 60, until % 60)
    found = (
        instant
        for days in range(3)
        for instant in _instants(datetime.combine(first + days * _DAY, wall_clock), zone_name)
        if instant > at
    )
    return next(found)


def _instants(wall: datetime, zone_name: str) -> tuple[datetime, ...]:
    """When a wall clock there shows this: once, twice where it is put back, at the jump where it is put forward."""
    first, second = (wall.replace(tzinfo=zone(zone_name), fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return (first,) if first == second else (first, second)
    before, jump = second.astimezone(zone(zone_name)).utcoffset(), second
    while jump.astimezone(zone(zone_name)).utcoffset() == before:
        jump += _MINUTE
    return (jump,)
