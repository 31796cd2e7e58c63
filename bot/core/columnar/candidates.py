"""The facts of a chunk that meet the conditions of a rule, each with that rule's entry."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from bot.core.columnar.columns import INSTANT, Columns
from bot.core.columnar.dates import with_days
from bot.core.columnar.matches import Matcher
from bot.core.columnar.table import Table
from bot.core.columnar.values import fact_that_says
from bot.core.facts import FactKind, shows_symptom


class Chunk:
    """The columns of some residents, with what counts of them at the clock."""

    def __init__(self, columns: Columns, people: pl.DataFrame, at: datetime) -> None:
        clock = pl.lit(at, INSTANT)
        withdrawn = pl.col("withdrawn_at")
        self._is_visible = (pl.col("known_at") <= clock) & (withdrawn.is_null() | (withdrawn > clock))
        self._facts = columns.facts
        self.people = people.filter(pl.col("missing") == 0).select("resident_id", "zone", "minor", "today")
        self.zones: list[str] = self.people["zone"].unique().sort().to_list()
        self._days = columns.days

    def matched(self, matcher: Matcher) -> pl.DataFrame:
        """The facts that count and may meet something, with the alternative."""
        return matcher.candidates(self._facts, self._is_visible)

    def visible(self, residents: pl.Series, *which: pl.Expr) -> pl.DataFrame:
        """The facts of these residents that count; which of them."""
        people = self.people.filter(_of(residents))
        found = self._counting(_of(residents), *which)
        return with_days(found.join(people, on="resident_id"), self.zones)

    def days(self, residents: pl.Series) -> pl.DataFrame:
        """The punch-in days of these residents; a symptom or a fever known of a day makes it not normal."""
        told = self._counting(pl.col("kind") == FactKind.SYMPTOM.value, _of(residents))
        texts = told["details"].unique()
        shown = [shows_symptom(fact_that_says("details", text, kind=FactKind.SYMPTOM)) for text in texts]
        symptoms = told.filter(
            pl.col("details").is_in(texts.filter(pl.Series(shown, dtype=pl.Boolean)).implode())
        )
        marks = symptoms.select("resident_id", pl.col("start").alias("day"), normal=False)
        return pl.concat([self._days.filter(_of(residents)), marks])

    def _counting(self, first: pl.Expr, *which: pl.Expr) -> pl.DataFrame:
        """The facts of this choice that count; the question that leaves few is asked of all of them."""
        return self._facts.filter(first).filter(self._is_visible, *which).drop("withdrawn_at")


def _of(residents: pl.Series) -> pl.Expr:
    return pl.col("resident_id").is_in(residents.implode())


def candidates(table: Table, matcher: Matcher, chunk: Chunk) -> pl.DataFrame:
    """A row for each fact and alternative that it meets, as far as it doesn't depend on its place or on other facts."""
    found = chunk.matched(matcher)
    found = found.join(table.alternative_rows, on="alternative").join(table.entry_rows, on="entry")
    if len(table.versions) > 1:
        found = found.filter(~pl.col("held") | (pl.col("version") == table.judged_by()))
    found = with_days(found.join(chunk.people, on="resident_id"), chunk.zones)
    return found.filter(_long_enough(), (pl.col("minor_wanted") == pl.col("minor")).fill_null(True)).drop(
        "least_days", "most_days", "minor_wanted"
    )


def _long_enough() -> pl.Expr:
    """Whether the fact has as many days as wanted, for a hold as known then."""
    last = pl.when("held").then("last_then").otherwise("last_now")
    days = (last - pl.col("start")).dt.total_days() + 1
    enough = (days >= pl.col("least_days")) & (days <= pl.col("most_days"))
    return pl.col("least_days").is_null() | enough
