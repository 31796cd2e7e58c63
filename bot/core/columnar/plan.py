"""The plan: one scheme's rules compiled once, many chunks of residents judged with it.

What it judges is judged exactly as by `bot.core.assess`. It leaves open, for the one-by-one engine, a resident

- in whose case a rule that asks first may now ask about a fact: a fact of such a source that meets the rule, and
  where the rule is about neighbours, a declared stay next to it that was known before;
- with so many relieving facts for a finding that a rule which needs several of them (n tests, h hours apart) may be
  met; with fewer it can't be;
- with a finding and a relieving fact of the same day that both name a minute: which came first decides;
- whose zone is none: the one-by-one engine says so.

Everything else is judged here, other versions' holds, visits, codes together and other sources included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from bot.core.assess import NO_RULE_BOOK
from bot.core.columnar.around import meets_around
from bot.core.columnar.asking import asked
from bot.core.columnar.candidates import Chunk, candidates
from bot.core.columnar.columns import Columns
from bot.core.columnar.holds import standing
from bot.core.columnar.matches import Matcher
from bot.core.columnar.outcome import Outcomes
from bot.core.columnar.people import seen_people
from bot.core.columnar.relief import relieved
from bot.core.columnar.risk import UNKNOWN, Levels
from bot.core.columnar.stored import WholeText
from bot.core.columnar.table import Table
from bot.core.evaluate import OPEN_KINDS, Books
from bot.core.model import Colour, RiskMap, State
from bot.core.rules import RuleBook

_OPEN_KINDS = [kind.value for kind in OPEN_KINDS]
_NO_HOLD = {
    "step": pl.lit(0, pl.Int32), "anchor": pl.lit(None, pl.Date), "last": pl.lit(None, pl.Date),
    "have": pl.lit(None, pl.Int64), "waits": pl.lit(False),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """`results` has resident_id, colour, state and stored (the text), in the order of the people; `open` has the
    ids of those who are left to the one-by-one engine."""

    results: pl.DataFrame
    open: pl.Series


class Plan:
    """The versions of one scheme's rule book, a risk map and a clock, ready to judge chunks of residents."""

    def __init__(self, history: Books | None, risk: RiskMap, at: datetime, scheme: str) -> None:
        if at.tzinfo is None:
            raise ValueError("an assessment needs an instant with a zone")
        book = None if history is None else history.at(at)
        self._whole = WholeText(scheme or ("" if history is None else history.scheme), book)
        self._compiled = (
            None
            if history is None or book is None
            else _Compiled(history, book, risk, at.astimezone(UTC), whole=self._whole)
        )

    def judge(self, columns: Columns) -> Judged:
        """The results of these residents."""
        if self._compiled is not None:
            return self._compiled.judge(columns)
        text = self._whole.of(Colour.GREY, State.UNDECIDED, [NO_RULE_BOOK], findings="", dimensions="{}")
        results = columns.people.select(
            "resident_id",
            colour=pl.lit(Colour.GREY.value),
            state=pl.lit(State.UNDECIDED.value),
            stored=pl.lit(text),
        )
        return Judged(results, pl.Series("resident_id", [], pl.Int64))


class _Compiled:
    """The compiled rules of a book in force, and the order in which a chunk is judged."""

    def __init__(
        self, books: Books, book: RuleBook, risk: RiskMap, at: datetime, *, whole: WholeText
    ) -> None:
        self._at = at
        self._book = book
        self._table = Table(books, book)
        self._levels = Levels(risk, at)
        self._matcher = Matcher(self._table.alternatives, self._levels)
        self._outcomes = Outcomes(self._table, whole)

    def judge(self, columns: Columns) -> Judged:
        people, nowhere = seen_people(columns, self._book, self._at)
        chunk = Chunk(columns, people, self._at)
        found = self._of_risk(candidates(self._table, self._matcher, chunk))
        found = meets_around(found, self._table.alternatives, chunk.visible).unique(
            ["resident_id", "id", "entry"]
        )
        relieving = found.filter("relieves")
        live, doubtful = self._live(found.filter(~pl.col("relieves")), relieving, chunk)
        doubtful += asked(live.filter("risk_met"), self._table.entries, chunk.visible)
        doubted = live["row"].is_in(pl.concat(doubtful).implode())
        left = pl.concat([nowhere, live.filter(doubted)["resident_id"]]).unique()
        sure = live.filter(~pl.col("resident_id").is_in(left.implode()))
        judged = people.filter(~pl.col("resident_id").is_in(left.implode())) if len(left) else people
        results = self._outcomes.results(judged, sure.filter("risk_met"), sure.filter(~pl.col("risk_met")))
        return Judged(results, left)

    def _live(
        self, found: pl.DataFrame, relieving: pl.DataFrame, chunk: Chunk
    ) -> tuple[pl.DataFrame, list[pl.Series]]:
        """What is a finding, or would be if the risk were known (`risk_met` is then false); and the rows in doubt."""
        found = found.filter(pl.col("held") | _lasts()).with_row_index("row")
        kept, doubtful = relieved(found, self._table.enders, relieving)
        held = kept.filter("held")
        steps, doubts = standing(held, self._table.step_rows, relieving, chunk.days)
        lasting = kept.filter(~pl.col("held")).with_columns(**_NO_HOLD)
        held = held.join(steps.select("row", *_NO_HOLD), on="row")
        return pl.concat([lasting, held.select(lasting.columns)]), [doubtful, *doubts]

    def _of_risk(self, found: pl.DataFrame) -> pl.DataFrame:
        """Without those whose risk level is none of the rule's; `risk_met` is false where it can't be known."""
        sure = found.filter(~pl.col("reads_risk")).with_columns(risk_met=pl.lit(True))
        asking = found.filter("reads_risk")
        if asking.is_empty():
            return sure
        held = pl.col("held")
        levels = self._levels.bits(
            asking.select(
                "division",
                pl.col("start").alias("first"),
                pl.when(held).then("last_then").otherwise("last_now").alias("last"),
                pl.when(held).then("known_at").otherwise(pl.lit(self._at, pl.Datetime("us", "UTC"))).alias("known"),
            )
        )  # fmt: skip
        met = (
            pl.when((levels & pl.col("risk_bits")) != 0).then(True)
            .when((levels & UNKNOWN) == 0).then(None)
            .when(pl.col("met_when_unknown").is_null()).then(False)
            .when("met_when_unknown").then(True)
            .otherwise(None)
        )  # fmt: skip
        return pl.concat([sure, asking.with_columns(risk_met=met).filter(pl.col("risk_met").is_not_null())])


def _lasts() -> pl.Expr:
    """Whether today lies in the window of a rule without a hold; without one, whether the fact goes on."""
    named = pl.col("window_since")
    since = (
        pl.when(named == "start").then("start").when(named == "known").then("known_day").otherwise("last_now")
    )
    days = (pl.col("today") - since).dt.total_days()
    within = (days >= pl.col("window_first")) & (days <= pl.col("window_last")).fill_null(True)
    over = pl.col("end").is_not_null() & (pl.col("today") > pl.col("end")) & pl.col("kind").is_in(_OPEN_KINDS)
    return pl.when("windowed").then(within).otherwise(~over)
