"""The dates of facts that depend on the zone and on the clock, as columns."""

from __future__ import annotations

import polars as pl

from bot.core.columnar.zones import local_day
from bot.core.facts import KINDS, Ending


def _kinds(ending: Ending) -> list[str]:
    return [str(kind) for kind, what in KINDS.items() if what.ending is ending]


_OPEN = _kinds(Ending.OPEN)
_WHEN_KNOWN = _kinds(Ending.WHEN_KNOWN)


def last_day(today: pl.Expr, *, suffix: str = "") -> pl.Expr:
    """The last day of the facts, as far as it was known on that day: `bot.core.facts.last_day`."""
    kind, start, end, known_day = (
        pl.col(f"{name}{suffix}") for name in ("kind", "start", "end", "known_day")
    )
    return (
        pl.when(end.is_not_null())
        .then(pl.min_horizontal(end, today))
        .when(kind.is_in(_OPEN))
        .then(pl.max_horizontal(start, today))
        .when(kind.is_in(_WHEN_KNOWN))
        .then(pl.max_horizontal(start, pl.min_horizontal(known_day, today)))
        .otherwise(start)
    )


def with_days(facts: pl.DataFrame, zones: list[str]) -> pl.DataFrame:
    """The facts, which have `zone` and `today`, with `known_day`, `last_now` and (as it was known then) `last_then`."""
    if facts.is_empty():
        return facts.with_columns(
            pl.lit(None, pl.Date).alias(name) for name in ("known_day", "last_now", "last_then")
        )
    bounds = facts.select(pl.col("known_at").min().alias("first"), pl.col("known_at").max().alias("last"))
    first, last = bounds.row(0)
    return facts.with_columns(local_day("known_at", zones, first, last).alias("known_day")).with_columns(
        last_day(pl.col("today")).alias("last_now"), last_day(pl.col("known_day")).alias("last_then")
    )
