"""From findings to results: what is missing, expired, unknown, and otherwise the colour."""

from __future__ import annotations

import polars as pl

from bot.core.columnar.people import wants
from bot.core.columnar.scores import GREEN, RED, YELLOW, Scores
from bot.core.columnar.stored import FindingText, WholeText, colour_text, missing_report
from bot.core.columnar.table import Table
from bot.core.model import Colour, State

_NO_MISSING = "[]"


class Outcomes:
    """The results of one scheme."""

    def __init__(self, table: Table, whole: WholeText) -> None:
        self._book = table.book
        self._whole = whole
        self._scores = Scores(table)
        self._text = FindingText(table.entries)

    def results(self, people: pl.DataFrame, findings: pl.DataFrame, unknown: pl.DataFrame) -> pl.DataFrame:
        """resident_id, colour, state and stored of these people; `unknown` has the divisions of unknown risk."""
        plain, found = self._of_nothing_found(), self._of_found(people, findings, unknown)
        every = pl.concat([plain, found.select(plain.columns)], rechunk=True)
        own = pl.int_range(len(plain), len(plain) + len(found), dtype=pl.Int64, eager=True)
        places = found.select("resident_id", own.alias("own"))
        place = (
            people.lazy()
            .join(places.lazy(), on="resident_id", how="left", maintain_order="left")
            .select(
                "resident_id",
                pl.coalesce("own", pl.col("missing") * 2 + pl.col("expired").cast(pl.Int64)).alias("place"),
            )
            .collect()
        )
        texts = (pl.lit(every[name]).gather(pl.col("place")).alias(name) for name in every.columns)
        return place.lazy().select("resident_id", *texts).collect()

    def _of_nothing_found(self) -> pl.DataFrame:
        """The results of those without findings, at 2 × what is missing + whether the report expired."""
        names = wants(self._book)
        rows = []
        for missing in range(1 << len(names)):
            lacking = [name for number, name in enumerate(names) if missing >> number & 1]
            for expired in (False, True):
                colour, state, named, findings = self._plain(lacking, expired)
                text = self._whole.of(colour, state, named, findings=findings, dimensions=self._scores.none())
                rows.append((colour.value, state.value, text))
        schema = {"colour": pl.String, "state": pl.String, "stored": pl.String}
        return pl.DataFrame(rows, schema, orient="row")

    def _plain(self, lacking: list[str], expired: bool) -> tuple[Colour, State, list[str], str]:
        if lacking:
            return Colour.GREY, State.UNDECIDED, lacking, ""
        if not expired:
            return Colour.GREEN, State.DECIDED, [], ""
        if self._when_missing == "yellow":
            return Colour.YELLOW, State.DECIDED, [], missing_report(self._book)
        return Colour.GREY, State.EXPIRED, ["report"], ""

    @property
    def _when_missing(self) -> str:
        return "keep" if self._book.report is None else self._book.report.when_missing

    def _of_found(self, people: pl.DataFrame, findings: pl.DataFrame, unknown: pl.DataFrame) -> pl.DataFrame:
        """The results of those with a finding or an unknown risk."""
        totals = self._scores.totals(self._text.written(findings))
        totals = totals.join(
            _unknown_texts(unknown), on="resident_id", how="full", coalesce=True
        ).with_columns(
            pl.col("findings").fill_null(""),
            pl.col("dimensions").fill_null(self._scores.none()),
            pl.col("severity").fill_null(GREEN),
            pl.col("firm").fill_null(GREEN),
            pl.col("cap").fill_null(RED),
        )
        totals = self._with_report(totals.join(people.select("resident_id", "expired"), on="resident_id"))
        undecided = pl.col("unknown").is_not_null() & (pl.col("severity") < RED)
        grey = pl.col("late") | undecided
        state = (
            pl.when("late")
            .then(pl.lit(State.EXPIRED.value))
            .when(undecided)
            .then(pl.lit(State.UNDECIDED.value))
        )
        missing = pl.when("late").then(pl.lit('["report"]')).when(undecided).then("unknown")
        colour = colour_text(pl.col("severity"))
        return totals.with_columns(
            pl.when(grey).then(pl.lit(Colour.GREY.value)).otherwise(colour).alias("colour"),
            state.otherwise(pl.lit(State.DECIDED.value)).alias("state"),
            missing.otherwise(pl.lit(_NO_MISSING)).alias("missing"),
        ).select("resident_id", "colour", "state", self._whole.column().alias("stored"))

    def _with_report(self, totals: pl.DataFrame) -> pl.DataFrame:
        """With what an expired report does: `late` where it alone makes the code grey."""
        if self._when_missing == "yellow":
            joined = pl.concat_str(
                "findings",
                pl.when(pl.col("findings") == "").then(pl.lit("")).otherwise(pl.lit(",")),
                pl.lit(missing_report(self._book)),
            )
            capped = pl.max_horizontal(
                pl.min_horizontal(pl.max_horizontal("worst", pl.lit(YELLOW, pl.Int8)), "cap"), "firm"
            )
            return totals.with_columns(
                pl.when("expired").then(joined).otherwise("findings").alias("findings"),
                pl.when("expired")
                .then(pl.max_horizontal("severity", capped))
                .otherwise("severity")
                .alias("severity"),
                late=pl.lit(False),
            )
        greys = self._when_missing == "grey"
        return totals.with_columns(
            (pl.lit(greys) & pl.col("expired") & (pl.col("severity") == GREEN)).alias("late")
        )


def _unknown_texts(unknown: pl.DataFrame) -> pl.DataFrame:
    """The codes of what is missing where the risk of a division isn't known, as JSON text in `unknown`."""
    codes = pl.concat_str(pl.lit('"risk:'), pl.col("division").fill_null(""), pl.lit('"'))
    return (
        unknown.select("resident_id", codes.alias("code"))
        .unique()
        .sort("resident_id", "code")
        .group_by("resident_id", maintain_order=True)
        .agg(pl.concat_str(pl.lit("["), pl.col("code").str.join(","), pl.lit("]")).first().alias("unknown"))
    )
