"""Which alternatives of which rules a fact can meet by what it says itself, for all facts at once.

A fact says itself its kind, its source, its division and its details. Of each there are few distinct values: every
value is judged once, by the very predicates of the one-by-one engine, which gives a number with one bit for each
alternative; the facts look the numbers up and what all four share is what they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from bot.core.columnar.risk import Levels
from bot.core.columnar.table import Alternative
from bot.core.columnar.values import LONG_AGO, NOBODY, fact_that_says
from bot.core.evaluate import Moment
from bot.core.facts import KINDS
from bot.core.model import RiskMap
from bot.core.predicates import predicate

_BITS = 62
_KINDS: list[str | None] = [*map(str, KINDS), None]
_MOST_REMEMBERED = 200_000

Words = tuple[int, ...]


_TIMED = pl.col("details").str.contains('"minute"', literal=True).alias("timed")
"""Whether a fact names its minute of the day."""


class Matcher:
    """The alternatives by kind, source, division and details; what was judged once is remembered."""

    def __init__(self, alternatives: Sequence[Alternative], levels: Levels) -> None:
        self._all = alternatives
        self._levels = levels
        self._words = max(1, -(-len(alternatives) // _BITS))
        self._finding = self._split(sum(1 << one.number for one in alternatives if not one.entry.relieves))
        self._moment = Moment(NOBODY, RiskMap(), LONG_AGO, [])
        self._remembered: dict[tuple[str, str | None, tuple[int, int]], Words] = {}

    @property
    def kinds(self) -> list[str]:
        """Every kind of fact that some rule is about."""
        return sorted({kind for one in self._all for kind in one.entry.rule.kinds})

    def candidates(self, facts: pl.DataFrame, visible: pl.Expr) -> pl.DataFrame:
        """The facts that may meet something, a row for each alternative, with its number in `alternative`."""
        if not self._all or facts.is_empty():
            empty = facts.clear().with_columns(_TIMED).drop("details", "withdrawn_at")
            return empty.with_columns(pl.lit(None, pl.Int32).alias("alternative"))
        words = [f"word_{number}" for number in range(self._words)]
        bounds = facts.lazy().select(pl.col("start").min(), pl.col("known_at").min()).collect().row(0)
        since = self._levels.span(*bounds)
        own = facts.lazy()
        placed = self._sieved(own, ["kind", "division"], since, visible)
        met = self._sieved(placed.lazy(), ["source", "details"], since, pl.lit(True))
        met = met.with_columns(_TIMED).drop("details", "withdrawn_at")
        return self._explode(self._found(met), words)

    def _found(self, met: pl.DataFrame) -> pl.DataFrame:
        """Without what only relieves, of residents about whom nothing is found."""
        finds = pl.lit(False)
        for number, bits in enumerate(self._finding):
            finds |= (pl.col(f"word_{number}") & bits) != 0
        if not any(one.entry.relieves for one in self._all):
            return met
        found = met.lazy().filter(finds).select(pl.col("resident_id").unique()).collect().to_series()
        return met.lazy().filter(finds | pl.col("resident_id").is_in(found.implode())).collect()

    def _sieved(
        self, facts: pl.LazyFrame, columns: list[str], since: tuple[int, int], also: pl.Expr
    ) -> pl.DataFrame:
        """Those that still meet some alternative by these columns too, with the words of what they meet."""
        columns = [name for name in columns if name == "kind" or self._reads(name)]
        distinct = facts.select(
            pl.col(name).unique().implode() for name in columns if name != "kind"
        ).collect()
        values = {name: _KINDS if name == "kind" else distinct[name][0].to_list() for name in columns}
        judged = {name: self._judged(name, values[name], since) for name in columns}
        met, some = [], pl.lit(False)
        for number in range(self._words):
            bits = pl.lit(-1, pl.Int64) if "kind" in columns else pl.col(f"word_{number}")
            for name, words in judged.items():
                bits &= _looked_up(name, values[name], [one[number] for one in words])
            met.append(bits.alias(f"word_{number}"))
            some |= pl.col(f"word_{number}") != 0
        return facts.with_columns(met).filter(also & some).collect()

    def _reads(self, name: str) -> bool:
        """Whether some condition asks for that column; risk levels are asked of the division."""
        return any(
            (name == "division" and one.entry.reads_risk)
            or any(_column(condition.reads) == name for condition in one.own)
            for one in self._all
        )

    def _judged(self, name: str, values: list[str | None], since: tuple[int, int]) -> list[Words]:
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.clear()
        asked = since if name == "division" else (0, 0)
        judged = []
        for value in values:
            words = self._remembered.get((name, value, asked))
            if words is None:
                words = self._remembered[name, value, asked] = self._judge(name, value, since)
            judged.append(words)
        return judged

    def _judge(self, name: str, value: str | None, since: tuple[int, int]) -> Words:
        meets = self._test(name, value, since)
        return self._split(sum(1 << one.number for one in self._all if meets(one)))

    def _split(self, bits: int) -> Words:
        return tuple((bits >> (number * _BITS)) & ((1 << _BITS) - 1) for number in range(self._words))

    def _test(self, name: str, value: str | None, since: tuple[int, int]) -> Callable[[Alternative], bool]:
        """Whether an alternative can be met by a fact with that value in that column."""
        if name == "kind":
            return lambda one: value in one.entry.rule.kinds
        fact = fact_that_says(name, value)
        possible = self._levels.possible(value, since) if name == "division" else 0

        def meets(one: Alternative) -> bool:
            if name == "division" and one.entry.reads_risk and not possible & one.entry.telling_bits:
                return False
            kinds = one.entry.rule.kinds
            return all(
                predicate(condition, kinds)(fact, self._moment)
                for condition in one.own
                if _column(condition.reads) == name
            )

        return meets

    def _explode(self, found: pl.DataFrame, words: list[str]) -> pl.DataFrame:
        seen = found.select(words).unique()
        rows: list[tuple[int, ...]] = []
        for values in seen.iter_rows():
            bits = sum(word << (number * _BITS) for number, word in enumerate(values))
            rows.extend((*values, number) for number in range(bits.bit_length()) if bits >> number & 1)
        schema: dict[str, Any] = dict.fromkeys(words, pl.Int64) | {"alternative": pl.Int32}
        return found.join(pl.DataFrame(rows, schema, orient="row"), on=words).drop(words)


def _column(reads: str) -> str:
    if reads in ("division", "not_division"):
        return "division"
    return "source" if reads == "source" else "details"


def _looked_up(name: str, values: list[str | None], numbers: list[int]) -> pl.Expr:
    """The number of each row's value; null has its own."""
    known = [(value, number) for value, number in zip(values, numbers, strict=True) if value is not None]
    null = next((number for value, number in zip(values, numbers, strict=True) if value is None), 0)
    of_value = pl.lit(pl.Series([number for _, number in known], dtype=pl.Int64))
    place = pl.col(name).cast(pl.Enum([value for value, _ in known]), strict=False).to_physical()
    return of_value.gather(place).fill_null(null)
