"""What is missing of a resident, and whether their last report has expired."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from bot.core.columnar.columns import Columns
from bot.core.columnar.zones import today_in
from bot.core.model import Identity
from bot.core.rules import Report, RuleBook


def seen_people(columns: Columns, book: RuleBook, at: datetime) -> tuple[pl.DataFrame, pl.Series]:
    """The residents with `today`, `missing` (a bit for each of `wants(book)`) and `expired`; and whose zone is none."""
    zones = columns.people["zone"].unique().to_list()
    today = today_in((name for name in zones if name is not None), at)
    if len(today) == 1 == len(zones):
        people = columns.people.with_columns(pl.lit(next(iter(today.values())), pl.Date).alias("today"))
    else:
        days = pl.DataFrame(
            {"zone": list(today), "today": list(today.values())}, {"zone": pl.String, "today": pl.Date}
        )
        people = columns.people.join(days, on="zone", how="left", maintain_order="left")
    nowhere = people.filter(pl.col("today").is_null())["resident_id"]
    if len(nowhere):
        people = people.filter(pl.col("today").is_not_null())
    bits = [
        pl.when(lacks).then(1 << number).otherwise(0)
        for number, lacks in enumerate(_lacking(people, columns.days, book))
    ]
    return people.select(
        "resident_id", "zone", "minor", "today",
        pl.sum_horizontal(bits).cast(pl.Int64).alias("missing"),
        _expired(people, columns.days, book.report).alias("expired"),
    ), nowhere  # fmt: skip


def wants(book: RuleBook) -> tuple[str, ...]:
    """What can be missing, in the order in which it is named."""
    return ("identity", *(wanted for wanted in book.requires if wanted in ("declaration", "home", "report")))


def _lacking(people: pl.DataFrame, days: pl.DataFrame, book: RuleBook) -> list[pl.Expr]:
    """For each of `wants(book)` whether it is missing."""
    found = []
    for wanted in wants(book):
        if wanted == "identity":
            found.append(pl.col("identity") != Identity.VERIFIED.value)
        elif wanted == "declaration":
            found.append(~pl.col("declared"))
        elif wanted == "home":
            found.append(pl.col("home").fill_null("") == "")
        else:
            found.append(~_reported(people, days, None))
    return found


def _expired(people: pl.DataFrame, days: pl.DataFrame, report: Report | None) -> pl.Expr:
    if report is None or report.when_missing == "keep":
        return pl.lit(False)
    return ~_reported(people, days, report.valid_days)


def _reported(people: pl.DataFrame, days: pl.DataFrame, valid_days: int | None) -> pl.Expr:
    """Whether there is a report up to today, of the last valid days where these count; a declaration is one."""
    if people.is_empty():
        return pl.lit(False)
    first_today, last_today = people.select(
        pl.col("today").min().alias("first"), pl.col("today").max().alias("last")
    ).row(0)
    near = pl.col("day") <= last_today
    if valid_days is not None:
        near &= pl.col("day") > first_today - timedelta(days=valid_days)
    punched = days.lazy().filter(near).select("resident_id", "day").collect()
    if first_today != last_today:
        punched = punched.join(people.select("resident_id", "today"), on="resident_id").filter(
            _within("day", valid_days)
        )
    declared = pl.col("declared") & _within("declared_day", valid_days).fill_null(False)
    return declared | pl.col("resident_id").is_in(punched["resident_id"].unique().implode())


def _within(day: str, valid_days: int | None) -> pl.Expr:
    """Whether that day is not after today, nor too long ago."""
    known = pl.col(day) <= pl.col("today")
    if valid_days is None:
        return known
    return known & (pl.col(day) > pl.col("today").dt.offset_by(f"-{valid_days}d"))
