"""Calendar days of instants in the residents' zones, by the same zone data as the one-by-one engine's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import polars as pl

from bot.core.days import begins, day_of, zone

_A_DAY = 24 * 60 * 60
_MICROSECONDS = 1_000_000


def today_in(zones: Iterable[str], at: datetime) -> dict[str, date]:
    """The day at that instant in each zone; a name that is no zone is left out."""
    found = {}
    for name in zones:
        try:
            found[name] = day_of(at, name)
        except ValueError:
            continue
    return found


def local_day(instant: str, zones: Iterable[str], first: datetime, last: datetime) -> pl.Expr:
    """The day of that column of instants between `first` and `last` in the zone of the column `zone`."""
    offset: pl.Expr | None = None
    for name in zones:
        of_zone = _offset(instant, name, first, last)
        offset = (
            of_zone if offset is None else pl.when(pl.col("zone") == name).then(of_zone).otherwise(offset)
        )
    local = pl.col(instant).to_physical() + (pl.lit(0) if offset is None else offset) * _MICROSECONDS
    return (local // (_A_DAY * _MICROSECONDS)).cast(pl.Int32).cast(pl.Date)


def begins_text(days: pl.DataFrame) -> pl.DataFrame:
    """The distinct pairs of `zone` and `day`, and in `begins` the instant at which the day begins, as text."""
    found = days.unique()
    texts = [begins(day, name).isoformat() for name, day in found.select("zone", "day").iter_rows()]
    return found.with_columns(pl.Series("begins", texts, pl.String))


def _offset(instant: str, name: str, first: datetime, last: datetime) -> pl.Expr:
    """The seconds that the zone is ahead of UTC at that column of instants."""
    offset: pl.Expr | None = None
    for since, seconds in _offsets(name, int(first.timestamp()), int(last.timestamp()) + 1):
        this = pl.lit(seconds, pl.Int64)
        if offset is None:
            offset = this
        else:
            later = pl.col(instant).to_physical() >= since * _MICROSECONDS
            offset = pl.when(later).then(this).otherwise(offset)
    return pl.lit(0, pl.Int64) if offset is None else offset


@lru_cache(maxsize=512)
def _offsets(name: str, first: int, last: int) -> tuple[tuple[int, int], ...]:
    """Since which second the zone is how many seconds ahead of UTC, over a span of seconds."""
    return tuple(_each_offset(name, first, last))


def _each_offset(name: str, first: int, last: int) -> Iterator[tuple[int, int]]:
    known = _seconds_ahead(name, first)
    yield first, known
    while first < last:
        after = min(first + _A_DAY, last)
        ahead = _seconds_ahead(name, after)
        if ahead != known:
            yield _change(name, first, after), ahead
            known = ahead
        first = after


def _change(name: str, before: int, after: int) -> int:
    """The first second with the later offset, between one with the earlier and one with the later offset."""
    ahead = _seconds_ahead(name, after)
    while after - before > 1:
        middle = (before + after) // 2
        if _seconds_ahead(name, middle) == ahead:
            after = middle
        else:
            before = middle
    return after


def _seconds_ahead(name: str, second: int) -> int:
    at = datetime.fromtimestamp(second, UTC).astimezone(zone(name))
    return int((at.utcoffset() or timedelta()).total_seconds())
