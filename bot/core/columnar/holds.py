"""The step at which each hold stands, in figures: `bot.core.evaluate.hold_of` as columns."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from bot.core.columnar import relief
from bot.core.columnar.runs import completed

Days = Callable[[pl.Series], pl.DataFrame]
_KEPT = ("row", "step", "anchor", "last", "days", "wanted", "have", "consecutive", "waits")


def standing(
    found: pl.DataFrame, steps: pl.DataFrame, relieving: pl.DataFrame, days: Days
) -> tuple[pl.DataFrame, list[pl.Series]]:
    """A row for each hold that hasn't ended, with its step in figures; and the rows that are left in doubt.

    `found` has row, entry, resident_id, start, known_day, last_now, today and occurrence; `days` gives the
    normal days of those residents who need them.
    """
    running = found.with_columns(pl.col("start").alias("previous"))
    standing_at, doubtful = [], []
    for number in sorted(steps["step"].unique()):
        running = running.join(steps.filter(pl.col("step") == number), on="entry")
        if running.is_empty():
            break
        running, doubts = _anchored(running, relieving)
        doubtful.append(doubts)
        running = _counted(running.with_columns(_plus_days("anchor", "days").alias("last")), days)
        waits = pl.col("anchor").is_null()
        done = ~waits & (pl.col("reached").is_not_null()) & (pl.col("today") > pl.col("last"))
        standing_at.append(running.filter(~done).with_columns(waits.alias("waits")).select(_KEPT))
        running = (
            running.filter(done)
            .with_columns(pl.max_horizontal("last", "reached").alias("previous"))
            .drop(steps.columns[1:], "anchor", "last", "reached", "have")
        )
    return (pl.concat(standing_at) if standing_at else _none_standing()), doubtful


def _anchored(running: pl.DataFrame, relieving: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The anchor day of each; null where it waits for a relieving fact."""
    after = pl.col("ender").is_not_null()
    named = pl.col("anchor_is")
    of_fact = (
        pl.when(named == "start").then("start")
        .when(named == "known").then("known_day")
        .when(named == "end").then("last_now")
        .otherwise("previous")
    )  # fmt: skip
    waiting = running.filter(after)
    if waiting.is_empty():
        return running.with_columns(of_fact.alias("anchor")), pl.Series("row", [], running["row"].dtype)
    days, doubtful = relief.anchors(waiting, relieving)
    anchor = pl.when(after).then("relief").otherwise(of_fact)
    return running.join(days, on="row", how="left").with_columns(anchor.alias("anchor")).drop(
        "relief"
    ), doubtful


def _counted(running: pl.DataFrame, days: Days) -> pl.DataFrame:
    """With `reached` and `have`: the anchor itself, and none, where no punch-ins are wanted."""
    counting = running.filter((pl.col("wanted") > 0) & pl.col("anchor").is_not_null())
    if counting.is_empty():
        return running.with_columns(
            _reached_without_days(pl.lit(None, pl.Date)), pl.lit(0, pl.Int64).alias("have")
        )
    counts = completed(counting, days(counting["resident_id"].unique()))
    return running.join(counts, on="row", how="left").with_columns(
        _reached_without_days(pl.col("reached")), pl.col("have").fill_null(0)
    )


def _reached_without_days(reached: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("wanted") == 0).then("anchor").otherwise(reached).alias("reached")


def _plus_days(day: str, days: str) -> pl.Expr:
    return (pl.col(day).to_physical() + pl.col(days)).cast(pl.Int32).cast(pl.Date)


def _none_standing() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "row": pl.UInt32, "step": pl.Int32, "anchor": pl.Date, "last": pl.Date, "days": pl.Int64,
            "wanted": pl.Int64, "have": pl.Int64, "consecutive": pl.Boolean, "waits": pl.Boolean,
        }
    )  # fmt: skip
