"""Finds who of a chunk may differ from what is stored, by the columnar plan. It needs the extra `[batch]`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from bot.clock import resident_day
from bot.core.columnar.columns import Columns
from bot.core.columnar.plan import Judged, Plan
from bot.core.columnar.zones import local_day, today_in
from bot.core.rules import BookHistory
from bot.services.certificates import is_minor
from bot.services.population import Scope, Verdict
from bot.services.shadow import Moved, Seen
from bot.services.world import World
from bot.store.frames import Frames, Range, read_frames

CHUNK = 300_000


class ColumnarJudge:
    """Judges chunks of residents as columns. `histories` replaces the rule books of the world, by scheme."""

    def __init__(
        self,
        world: World,
        url: str,
        *,
        chunk: int = CHUNK,
        histories: Mapping[str, BookHistory | None] | None = None,
    ) -> None:
        self.chunk = chunk
        self._world = world
        self._url = url
        self._histories = histories

    async def differing(self, scope: Scope, after: int, up_to: int, now: datetime) -> Verdict:
        """Who of `after` < id <= `up_to` differs, and who has to be looked at for another reason: left open by
        the plan, due by the clock, or scored before a version was known that comes into force later."""
        return await asyncio.to_thread(self._differing, scope, Range(after, up_to, scope.division), now)

    def _differing(self, scope: Scope, of: Range, now: datetime) -> Verdict:
        frames = self.read(scope, of, now)
        different: set[int] = set()
        look: set[int] = set()
        judged = 0
        for scheme in scope.schemes:
            codes, left = self.judge(frames, scheme, now)
            judged += len(codes)
            changed = codes.filter(_differs())
            late = codes.filter(self._late(scheme, now))
            different.update(changed["resident_id"])
            look.update(left)
            look.update(late["resident_id"])
        return Verdict(frozenset(different), frozenset(look), judged)

    def read(self, scope: Scope, of: Range, now: datetime) -> Frames:
        """The frames of a range."""
        births = any(_reads_age(self._history(scheme)) for scheme in scope.schemes)
        return read_frames(self._url, of, scope.schemes, today=now.date(), births=births)

    def judge(self, frames: Frames, scheme: str, now: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """The codes of that scheme beside what the plan makes of them (`colour_new`, `state_new`, `stored`; null
        where it leaves somebody open), and who is left open."""
        codes = frames.codes.filter(pl.col("scheme") == scheme)
        judged = self.score(self.columns(frames, codes, now), scheme, now)
        return codes.join(judged.results, on="resident_id", how="left", suffix="_new"), judged.open

    def score(self, columns: Columns, scheme: str, now: datetime) -> Judged:
        """The plan's results, whatever is stored."""
        return Plan(self._history(scheme), self._world.risk, now, scheme).judge(columns)

    def _history(self, scheme: str) -> BookHistory | None:
        return self._world.books(scheme) if self._histories is None else self._histories[scheme]

    def _late(self, scheme: str, now: datetime) -> pl.Expr:
        """Whether the clock may have changed the result, or will before anybody looks."""
        stored = pl.col("next_change_at")
        history = self._history(scheme)
        change = None if history is None else history.next_change(now)
        due = (stored <= now).fill_null(False)
        return due if change is None else due | (stored > change).fill_null(True)

    def columns(self, frames: Frames, codes: pl.DataFrame, now: datetime) -> Columns:
        """What the plan reads of those who hold these codes."""
        people = frames.people.join(codes.select("resident_id"), on="resident_id", how="semi")
        facts = frames.facts.with_columns(withdrawn_at=pl.lit(None, pl.Datetime("us", "UTC")))
        order = ["known_at", "withdrawn_at", "details"]
        facts = facts.select(pl.exclude(order), *order)
        return Columns(self._people(people, frames.births, now), facts, frames.days)

    def _people(self, people: pl.DataFrame, births: pl.DataFrame | None, now: datetime) -> pl.DataFrame:
        zones = list(today_in((name for name in people["zone"].unique() if name is not None), now))
        declared = people["declared_at"]
        first, last = declared.min(), declared.max()
        day: pl.Expr = pl.lit(None, pl.Date)
        if isinstance(first, datetime) and isinstance(last, datetime):
            day = pl.when(pl.col("declared_at").is_not_null()).then(
                local_day("declared_at", zones, first, last)
            )
        minors = [] if births is None else self._minors(people, births, now)
        return people.select(
            "resident_id",
            "identity",
            declared=pl.col("declared_at").is_not_null(),
            declared_day=day,
            zone="zone",
            home="home",
            minor=pl.col("resident_id").is_in(pl.Series(minors, dtype=pl.Int64).implode()),
        )

    def _minors(self, people: pl.DataFrame, births: pl.DataFrame, now: datetime) -> list[int]:
        """Age is sealed; where a rule reads it, each birth is opened."""
        known = births.join(people.select("resident_id", "zone"), on="resident_id")
        found = []
        for resident_id, sealed, zone in known.iter_rows():
            birth = self._world.keys.open("residents.birth", sealed)
            if is_minor(datetime.fromisoformat(birth).date(), resident_day(now, zone)):
                found.append(resident_id)
        return found


def _differs() -> pl.Expr:
    """Whether the plan judged and anything of what is stored is another; null where it left somebody open."""
    return (
        (pl.col("stored") != pl.col("assessment"))
        | (pl.col("colour_new") != pl.col("colour"))
        | (pl.col("state_new") != pl.col("state"))
    ).fill_null(False)


def _reads_age(history: BookHistory | None) -> bool:
    versions = () if history is None else history.versions
    return any(
        condition.reads == "minor"
        for book in versions
        for rule in book.rules
        for alternative in rule.when
        for condition in alternative
    )


class ColumnarShadow:
    """Judges chunks for a shadow run."""

    def __init__(self, judge: ColumnarJudge) -> None:
        self.chunk = judge.chunk
        self._judge = judge

    async def see(self, scope: Scope, after: int, up_to: int, now: datetime) -> Seen:
        """Who of `after` < id <= `up_to` stays, who moves, and who is left open by the plan."""
        return await asyncio.to_thread(self._see, scope, Range(after, up_to, scope.division), now)

    def _see(self, scope: Scope, of: Range, now: datetime) -> Seen:
        frames = self._judge.read(scope, of, now)
        codes, left = self._judge.judge(frames, scope.schemes[0], now)
        both = (
            codes.filter(pl.col("colour_new").is_not_null())
            .join(frames.people.select("resident_id", "home"), on="resident_id")
            .with_columns(old=_label("colour", "state"), new=_label("colour_new", "state_new"))
        )
        counts = both.filter(pl.col("old") == pl.col("new")).group_by("home", "old").len()
        moved = both.filter(pl.col("old") != pl.col("new"))
        return Seen(
            {(home, name): count for home, name, count in counts.iter_rows()},
            [
                Moved(home, colour, (old, new), before, after)
                for home, colour, old, new, before, after in moved.select(
                    "home", "colour", "old", "new", "assessment", "stored"
                ).iter_rows()
            ],
            sorted(left.to_list()),
        )


def _label(colour: str, state: str) -> pl.Expr:
    """As `shadow.label`."""
    return pl.when(pl.col(state) == "pending").then(pl.lit("pending")).otherwise(colour)
