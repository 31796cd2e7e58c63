"""The rules as rows of tables: entries, alternatives, steps, who relieves whom; versions by the fact's `known_at`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from bot.core.columnar.columns import INSTANT
from bot.core.columnar.risk import UNKNOWN, bits_of
from bot.core.evaluate import Books
from bot.core.model import SEVERITY
from bot.core.rules import Condition, Gives, Rule, RuleBook

_OF_THE_FACT = 0, 2**62
DYNAMIC = frozenset({"days", "minor", "visits", "codes_together", "corroborated"})
"""Conditions that ask for more than the fact's own kind, source, division and details."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of one version in one role: it finds something, or it only relieves another of its version."""

    number: int
    version: int
    book: RuleBook
    rule: Rule
    relieves: bool

    @property
    def held(self) -> bool:
        """Whether it is judged as of the fact's `known_at`."""
        return bool(self.rule.steps) and not self.relieves

    @property
    def reads_risk(self) -> bool:
        """Whether it asks for the risk level."""
        return self.rule.risk is not None and not self.relieves

    @property
    def met_when_unknown(self) -> bool | None:
        """What a day of unknown risk makes of it; None: it can't be decided."""
        accepted = self.rule.risk or frozenset()
        if self.book.unknown_risk != "undecided":
            return self.book.unknown_risk in accepted
        return True if "unknown" in accepted else None

    @property
    def risk_bits(self) -> int:
        """The levels that it is about."""
        return bits_of(self.rule.risk or ())

    @property
    def telling_bits(self) -> int:
        """The levels of which one at least must occur for it to matter."""
        return self.risk_bits | (0 if self.met_when_unknown is False else UNKNOWN)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative of an entry's conditions: those of the fact itself, and those that ask for more."""

    number: int
    entry: Entry
    conditions: tuple[Condition, ...]

    @property
    def own(self) -> tuple[Condition, ...]:
        """The conditions on the fact's own source, division and details."""
        return tuple(one for one in self.conditions if one.reads not in DYNAMIC)

    def dynamic(self, reads: str) -> tuple[Condition, ...]:
        """Its conditions of that name."""
        return tuple(one for one in self.conditions if one.reads == reads)


@dataclass(slots=True)
class Table:
    """All entries of one scheme's versions as judged by the book in force."""

    books: Books
    book: RuleBook
    versions: list[RuleBook] = field(init=False)
    eras: list[tuple[datetime | None, int]] = field(init=False)
    entries: list[Entry] = field(init=False, default_factory=list)
    alternatives: list[Alternative] = field(init=False, default_factory=list)
    enders: pl.DataFrame = field(init=False)
    entry_rows: pl.DataFrame = field(init=False)
    alternative_rows: pl.DataFrame = field(init=False)
    step_rows: pl.DataFrame = field(init=False)
    _relievers: dict[tuple[int, str], int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.versions = [self.book]
        self.eras = [(since, self._version(book)) for since, book in _eras(self.books)]
        for version in range(len(self.versions)):
            self._add_findings(version)
        enders = list(self._each_ender())
        self.enders = pl.DataFrame(
            enders, {"entry": pl.Int32, "ender": pl.Int32, "count": pl.Int64}, orient="row"
        )
        self.step_rows = _frame_of_steps(self)
        self.entry_rows = _frame_of_entries(self.entries)
        for entry in self.entries:
            for conditions in entry.rule.when or ((),):
                self.alternatives.append(Alternative(len(self.alternatives), entry, conditions))
        self.alternative_rows = _frame_of_alternatives(self.alternatives)

    def judged_by(self) -> pl.Expr:
        """The version that judges the holds of a fact, from its `known_at`."""
        judged: pl.Expr = pl.lit(self.eras[0][1], pl.Int32)
        for since, version in self.eras[1:]:
            later = pl.col("known_at") >= pl.lit(since, INSTANT)
            judged = pl.when(later).then(pl.lit(version, pl.Int32)).otherwise(judged)
        return judged

    def reliever(self, version: int, rule_id: str) -> int:
        """The number of the entry of that relieving rule; it is added where there is none yet."""
        number = self._relievers.get((version, rule_id))
        if number is None:
            book = self.versions[version]
            number = self._relievers[version, rule_id] = len(self.entries)
            self.entries.append(Entry(number, version, book, book.by_id[rule_id], relieves=True))
        return number

    def _version(self, book: RuleBook) -> int:
        for number, known in enumerate(self.versions):
            if known is book:
                return number
        self.versions.append(book)
        return len(self.versions) - 1

    def _add_findings(self, version: int) -> None:
        book = self.versions[version]
        for rule in book.rules:
            finds = not rule.exonerating or rule.gives.at_most is not None
            if finds and (rule.steps or version == 0):
                self.entries.append(Entry(len(self.entries), version, book, rule, relieves=False))

    def _each_ender(self) -> Iterator[tuple[int, int, int]]:
        for entry in tuple(self.entries):
            for ender in entry.book.enders.get(entry.rule.id, ()):
                yield entry.number, self.reliever(entry.version, ender.id), ender.enough.count


def _eras(books: Books) -> Iterator[tuple[datetime | None, RuleBook]]:
    """Since when (None: ever since) which version judges the holds of what becomes known."""
    edges = {edge for book in books.versions for edge in (book.valid_from, book.valid_to) if edge is not None}
    for number, edge in enumerate(sorted(edges)):
        if number == 0:
            yield None, books.judging(edge - timedelta(microseconds=1))
        yield edge, books.judging(edge)


def _frame_of_entries(entries: Sequence[Entry]) -> pl.DataFrame:
    """One row for each entry, with what is the same for all facts."""
    rows = [
        (
            one.number, one.version, one.rule.index, one.relieves, one.held, one.reads_risk, one.risk_bits,
            one.met_when_unknown, one.rule.window is not None,
            None if one.rule.window is None else one.rule.window.since,
            None if one.rule.window is None else one.rule.window.first,
            None if one.rule.window is None else one.rule.window.last,
            one.rule.only_its_source,
        )
        for one in entries
    ]  # fmt: skip
    schema = {
        "entry": pl.Int32, "version": pl.Int32, "index": pl.Int32, "relieves": pl.Boolean, "held": pl.Boolean,
        "reads_risk": pl.Boolean, "risk_bits": pl.Int64, "met_when_unknown": pl.Boolean,
        "windowed": pl.Boolean, "window_since": pl.String, "window_first": pl.Int64, "window_last": pl.Int64,
        "firm": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")


def _frame_of_alternatives(alternatives: Sequence[Alternative]) -> pl.DataFrame:
    """One row for each alternative: its entry, its bounds of days, and whether it wants a minor."""
    rows = []
    for one in alternatives:
        bounds = [condition.bounds or _OF_THE_FACT for condition in one.dynamic("days")]
        minors = {condition.wanted for condition in one.dynamic("minor")}
        rows.append(
            (
                one.number, one.entry.number,
                max((low for low, _ in bounds), default=None), min((high for _, high in bounds), default=None),
                next(iter(minors), None), len(minors) < 2,
            )
        )  # fmt: skip
    schema = {
        "alternative": pl.Int32, "entry": pl.Int32, "least_days": pl.Int64, "most_days": pl.Int64,
        "minor_wanted": pl.Boolean, "possible": pl.Boolean,
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema, orient="row")
    return frame.filter("possible").drop("possible")


def _frame_of_steps(table: Table) -> pl.DataFrame:
    """One row for each step of each hold; `after` is the relieving entry on whose day it waits."""
    rows = []
    for entry in tuple(table.entries):
        for number, step in enumerate(entry.rule.steps if entry.held else ()):
            hold = step.hold
            after = None if hold.after is None else table.reliever(entry.version, hold.after)
            wanted = 1 if hold.after is None else entry.book.by_id[hold.after].enough.count
            rows.append(
                (
                    entry.number, number, hold.anchor, after, wanted, hold.days, hold.normal_punch_ins,
                    hold.consecutive,
                )
            )  # fmt: skip
    schema = {
        "entry": pl.Int32, "step": pl.Int32, "anchor_is": pl.String, "ender": pl.Int32, "count": pl.Int64,
        "days": pl.Int64, "wanted": pl.Int64, "consecutive": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")


def gives_of(entries: Sequence[Entry]) -> pl.DataFrame:
    """What each entry gives at each step (step 0 where there is no hold)."""
    rows = []
    for entry in entries:
        given: list[Gives] = [step.gives for step in entry.rule.steps] if entry.held else [entry.rule.gives]
        for number, gives in enumerate(() if entry.relieves else given):
            rows.append(
                (
                    entry.number, number, gives.dimension, gives.points,
                    None if gives.at_least is None else SEVERITY[gives.at_least],
                    None if gives.at_most is None else SEVERITY[gives.at_most],
                )
            )  # fmt: skip
    schema = {
        "entry": pl.Int32, "step": pl.Int32, "dimension": pl.String, "points": pl.Int64,
        "at_least": pl.Int8, "at_most": pl.Int8,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row")
