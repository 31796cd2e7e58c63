"""Normal punch-in days after an anchor, for many holds at once: `bot.core.days.by_day` and `completed` as columns.

A hold's day is one whole number, the place of the hold and then the day: sorted, a run of days is a run of numbers.
"""

from __future__ import annotations

import polars as pl

_SHIFT = 20
_ZERO = 1 << (_SHIFT - 1)
"""What is added to a day, so that days before 1970 keep their order."""


def completed(holds: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """For each `row` of holds the day on which its wanted normal days were `reached` (or null), and how many it `have`.

    Holds have row, resident_id, anchor, today, last, wanted (at least 1) and consecutive; `days` have resident_id,
    day and normal, a day perhaps more than once: one report that is not normal decides its day.
    """
    placed = holds.select(
        "row", "resident_id", "anchor", "today", "last", "wanted", "consecutive"
    ).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("place"))
    marks = (
        placed.lazy()
        .select("place", "resident_id", "anchor", "today")
        .join(days.lazy(), on="resident_id")
        .filter(pl.col("day") > pl.col("anchor"), pl.col("day") <= pl.col("today"))
        .select((pl.col("place") * (1 << _SHIFT) + _number("day")).alias("key"), "normal")
        .sort("key")
        .collect()
    )
    if marks.select((pl.col("key") == pl.col("key").shift()).any()).item():
        marks = marks.group_by("key", maintain_order=True).agg(pl.col("normal").all())
    of_place = _with_holds(marks.filter(~pl.col("normal")), placed.select("place", "today", "last"))
    normal = (
        marks.lazy().filter("normal").select("key", (pl.col("key") // (1 << _SHIFT)).alias("place")).collect()
    )
    reached = pl.concat(
        [
            _in_a_row(normal, of_place, placed.filter("consecutive")),
            _in_all(normal, placed.filter(~pl.col("consecutive"))),
        ]
    )
    return (
        placed.select("row", "place")
        .join(reached, on="place", how="left")
        .select("row", "reached", pl.col("have").fill_null(0))
    )


def _number(day: str) -> pl.Expr:
    return pl.col(day).to_physical().cast(pl.Int64) + _ZERO


def _day(key: pl.Expr) -> pl.Expr:
    return (key % (1 << _SHIFT) - _ZERO).cast(pl.Int32).cast(pl.Date)


def _with_holds(marks: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    return marks.select(
        "key", (pl.col("key") // (1 << _SHIFT)).alias("place"), _day(pl.col("key")).alias("day")
    ).join(placed, on="place")


def _in_all(normal: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The wanted-th normal day, whatever lies between."""
    return (
        normal.join(placed.select("place", "wanted"), on="place", maintain_order="left")
        .group_by("place")
        .agg(pl.len().cast(pl.Int64).alias("days"), pl.col("key"), pl.col("wanted").first())
        .select(
            "place",
            _day(pl.col("key").list.get(pl.col("wanted") - 1, null_on_oob=True)).alias("reached"),
            pl.min_horizontal("days", "wanted").alias("have"),
        )
    )


def _in_a_row(normal: pl.DataFrame, bad: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The first long enough run of normal days after the last not normal day within the hold.

    A run ends with a missed day, or with one that isn't normal. Of what is not complete only a run that ends
    today or yesterday still counts, and only if today isn't such a day.
    """
    broken = (
        bad.filter(pl.col("day") <= pl.col("last")).group_by("place").agg(pl.col("key").max().alias("broken"))
    )
    ill_today = bad.filter(pl.col("day") == pl.col("today"))["place"].unique()
    runs = (
        normal.lazy()
        .join(broken.lazy(), on="place", how="left", maintain_order="left")
        .filter(pl.col("broken").is_null() | (pl.col("key") > pl.col("broken")))
        .group_by((pl.col("key") - pl.int_range(pl.len(), dtype=pl.Int64)).alias("run"))
        .agg(
            pl.len().cast(pl.Int64).alias("days"), pl.col("key").min().alias("first"), pl.col("place").first()
        )
        .join(placed.lazy().select("place", "wanted", "today"), on="place")
    )
    end = pl.col("first") % (1 << _SHIFT) + pl.col("days") - 1
    goes_on = (end >= _number("today") - 1) & ~pl.col("place").is_in(ill_today.implode())
    whole = pl.col("days") >= pl.col("wanted")
    return (
        runs.group_by("place")
        .agg(
            pl.when(whole).then(pl.col("first") + pl.col("wanted") - 1).otherwise(None).min().alias("full"),
            pl.when(goes_on).then("days").otherwise(0).max().alias("going"),
            pl.col("wanted").first(),
        )
        .select(
            "place", _day(pl.col("full")).alias("reached"),
            pl.when(pl.col("full").is_not_null()).then("wanted").otherwise("going").alias("have"),
        )
        .collect()
    )  # fmt: skip
