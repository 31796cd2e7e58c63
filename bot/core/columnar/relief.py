"""Which effects a relieving fact has ended, and on whose day a hold waits."""

from __future__ import annotations

import polars as pl


def relieved(
    found: pl.DataFrame, enders: pl.DataFrame, relieving: pl.DataFrame
) -> tuple[pl.DataFrame, pl.Series]:
    """The `row`s that a single fact relieves, out; and of the others those that several together may relieve.

    `enders` says which entries relieve which, and how many facts they need; how far apart these must lie is
    left to the one-by-one engine, and so is which of two facts of one day came first.
    """
    pairs = _pairs(found.join(enders, on="entry"), relieving, pl.col("start"))
    timed = pairs.filter(_both_timed())["row"].unique()
    counted = pairs.group_by("row", "ender").agg(pl.len().alias("facts"), pl.col("count").first())
    ended = counted.filter(pl.col("count") == 1)["row"].unique()
    kept = found.filter(~pl.col("row").is_in(ended.implode()) | pl.col("row").is_in(timed.implode()))
    doubtful = counted.filter((pl.col("count") > 1) & (pl.col("facts") >= pl.col("count")))["row"].unique()
    return kept, pl.concat([doubtful, timed])


def anchors(waiting: pl.DataFrame, relieving: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """For each `row` the first day (`relief`) since `previous` of a fact of its `ender`; and the doubtful rows."""
    pairs = _pairs(waiting, relieving, pl.col("previous"))
    counted = pairs.group_by("row").agg(
        pl.len().alias("facts"), pl.col("count").first(), pl.col("start_relieving").min().alias("relief")
    )
    days = counted.filter(pl.col("count") == 1).select("row", "relief")
    several = counted.filter((pl.col("count") > 1) & (pl.col("facts") >= pl.col("count")))["row"]
    return days, pl.concat([several, pairs.filter(_both_timed())["row"].unique()])


def _pairs(found: pl.DataFrame, relieving: pl.DataFrame, since: pl.Expr) -> pl.DataFrame:
    """Each row with each fact that relieves it: dated since then, of the same occurrence where both name one."""
    ours, theirs = pl.col("occurrence"), pl.col("occurrence_relieving")
    return (
        found.select(
            "row", "resident_id", "ender", "count", since.alias("since"), "occurrence",
            pl.col("start").alias("own_start"), "timed",
        )
        .join(
            relieving.select("resident_id", pl.col("entry").alias("ender"), "start", "occurrence", "timed"),
            on=["resident_id", "ender"],
            suffix="_relieving",
        )
        .rename({"start": "start_relieving"})
        .filter(
            (pl.col("start_relieving") >= pl.col("since"))
            & (ours.is_null() | theirs.is_null() | (ours == theirs))
        )
    )  # fmt: skip


def _both_timed() -> pl.Expr:
    return pl.col("timed") & pl.col("timed_relieving") & (pl.col("start_relieving") == pl.col("own_start"))
