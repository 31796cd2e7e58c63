"""Risk levels of many facts at once: each division's published history once, each span of days once.

Two divisions of the same published history are one class. Within a class the level changes only at the edges of
its entries, so a span of days is a range of segments between edges, and what was known at an instant is the number
of publications by then. The levels themselves are asked from the RiskMap, one per segment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from bot.core.days import ONE_DAY
from bot.core.model import PREFIXES, RISK_LEVELS, RiskEntry, RiskMap

UNKNOWN = 8
BITS = {level: 1 << number for number, level in enumerate(RISK_LEVELS)}
"""The levels of a span of days are one number: low 1, medium 2, high 4, unknown 8, added up."""
_INSTANT = timedelta(microseconds=1)
_History = tuple[tuple[tuple[date, date | None, str | None, datetime], ...], ...]


def bits_of(levels: Iterable[str]) -> int:
    """The sum of the bits of these levels; "unknown", which no level is, has none."""
    return sum(BITS[level] for level in levels if level in BITS)


@dataclass(frozen=True, slots=True)
class _Class:
    """The edges of one published history, and a division that has it."""

    division: str
    days: tuple[date, ...]
    known: tuple[datetime, ...]


class Levels:
    """The risk map as it was known by `at`, for columns of divisions, days and instants."""

    def __init__(self, risk: RiskMap, at: datetime) -> None:
        self._risk = risk
        self._at = at
        self._entries = {
            prefix: tuple(entry for entry in entries if entry.known_at <= at)
            for prefix, entries in risk.entries.items()
        }
        every = [entry for entries in self._entries.values() for entry in entries]
        self._days = _day_edges(every)
        self._known = _known_edges(every)
        self._histories: dict[_History, int] = {}
        self._classes: list[_Class] = []
        self._class_of: dict[str, int] = {}
        self._cells: dict[tuple[int, int, int], int] = {}
        self._spans: dict[tuple[int, int, int, int], int] = {}

    def span(self, first: date, known: datetime) -> tuple[int, int]:
        """The segments at which everything since that day, as known since that instant, begins."""
        return bisect_right(self._days, first), bisect_right(self._known, known)

    def possible(self, division: str | None, since: tuple[int, int]) -> int:
        """The bits of every level that a fact there could find, since these segments."""
        if division is None:
            return UNKNOWN
        number = self._class(division)
        of_class = self._classes[number]
        first, known = self._within(of_class, since[0]), self._known_within(of_class, since[1])
        found = 0
        for segment in range(first, len(of_class.days) + 1):
            for publication in range(known, len(of_class.known) + 1):
                found |= self._cell(number, segment, publication)
        return found

    def bits(self, facts: pl.DataFrame) -> pl.Series:
        """The bits of the levels from `first` to `last` in `division` as known at `known`; 0 for no day."""
        spans = facts.select(
            pl.col("division").replace_strict(*self._class_numbers(facts["division"]), default=-1, return_dtype=pl.Int64),
            self._segments(facts["first"], self._days, "first"),
            self._segments(facts["last"], self._days, "last"),
            self._segments(facts["known"], self._known, "known"),
        )  # fmt: skip
        distinct = spans.unique()
        bits = [self._span(*span) for span in distinct.iter_rows()]
        found = spans.join(
            distinct.with_columns(pl.Series("bits", bits, pl.Int64)),
            on=["division", "first", "last", "known"], how="left", maintain_order="left",
        )["bits"]  # fmt: skip
        some = (facts["division"].is_null() | (facts["first"] <= facts["last"])).cast(pl.Int64)
        return found * some

    def _class_numbers(self, divisions: pl.Series) -> tuple[pl.Series, pl.Series]:
        names = divisions.unique().drop_nulls()
        return names, pl.Series([self._class(name) for name in names], dtype=pl.Int64)

    def _segments(self, days: pl.Series, edges: list[date] | list[datetime], name: str) -> pl.Series:
        if not edges:
            return pl.repeat(0, len(days), dtype=pl.Int64, eager=True).alias(name)
        borders = pl.Series(edges, dtype=days.dtype)
        return borders.search_sorted(days, side="right").cast(pl.Int64).alias(name)

    def _span(self, number: int, first: int, last: int, known: int) -> int:
        """The bits of all days from one segment to another, counted over all divisions."""
        if number < 0:
            return UNKNOWN
        span = (number, first, last, known)
        bits = self._spans.get(span)
        if bits is None:
            of_class, bits = self._classes[number], 0
            publication = self._known_within(of_class, known)
            for segment in range(self._within(of_class, first), self._within(of_class, last) + 1):
                bits |= self._cell(number, segment, publication)
            self._spans[span] = bits
        return bits

    def _within(self, of_class: _Class, segment: int) -> int:
        """The segment among this history's own edges."""
        return bisect_right(of_class.days, self._days[segment - 1]) if segment else 0

    def _known_within(self, of_class: _Class, publication: int) -> int:
        return bisect_right(of_class.known, self._known[publication - 1]) if publication else 0

    def _cell(self, number: int, segment: int, publication: int) -> int:
        """The bit of the level on a day of that segment, as known after so many publications."""
        cell = (number, segment, publication)
        bit = self._cells.get(cell)
        if bit is None:
            of_class = self._classes[number]
            if not of_class.days:
                bit = UNKNOWN
            else:
                days, instants = of_class.days, of_class.known
                day = days[segment - 1] if segment else days[0] - ONE_DAY
                known = instants[publication - 1] if publication else instants[0] - _INSTANT
                level = self._risk.level(of_class.division, day, known)
                level = level or self._risk.first_level(of_class.division, day, known, self._at)
                bit = UNKNOWN if level is None else BITS[level]
            self._cells[cell] = bit
        return bit

    def _class(self, division: str) -> int:
        number = self._class_of.get(division)
        if number is None:
            number = self._class_of[division] = self._classed(division)
        return number

    def _classed(self, division: str) -> int:
        found = [self._entries.get(division[:length], ()) for length in PREFIXES if length <= len(division)]
        history: _History = tuple(
            tuple((one.first, one.last, one.level, one.known_at) for one in entries)
            for entries in found
            if entries
        )
        number = self._histories.setdefault(history, len(self._classes))
        if number == len(self._classes):
            every = [entry for entries in found for entry in entries]
            self._classes.append(_Class(division, tuple(_day_edges(every)), tuple(_known_edges(every))))
        return number


def _day_edges(entries: Iterable[RiskEntry]) -> list[date]:
    """The days on which something begins or no longer holds."""
    edges = {entry.first for entry in entries}
    edges |= {entry.last + ONE_DAY for entry in entries if entry.last is not None}
    return sorted(edges)


def _known_edges(entries: Iterable[RiskEntry]) -> list[datetime]:
    return sorted({entry.known_at for entry in entries})
