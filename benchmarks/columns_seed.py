"""Columns of a made-up population for measuring the columnar plan: the same seed gives the same frames.

Most residents have nothing but harmless stays, journeys and negative tests; some 8 % have a finding that still counts for the
Hangzhou book, and in one of four of these cases a hold ends these days. Run as `python -m benchmarks.columns_seed`
to measure `Plan.judge` beside the yardstick: one filter per rule on ready decoded columns, and one group-by over
all that they let through.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from bot.core.columnar.columns import DAYS, FACTS, PEOPLE, Columns
from bot.core.columnar.plan import Plan
from bot.core.facts import KINDS, Field
from bot.core.model import RiskEntry, RiskMap
from bot.core.rules import Condition, Rule, RuleBook
from bot.services.borders import load_borders
from bot.services.rulebooks import load_rulebooks

AT = datetime(2020, 3, 20, 4, tzinfo=UTC)
TODAY = date(2020, 3, 20)
FACTS_EACH = 5
DAYS_EACH = 14
FINDING_PERCENT = 12
_HIGH, _MEDIUM = ("420102", "420103", "420106"), ("330105", "330383", "441302")
_HOME = ("330102", "330104", "330108", "330110", "330109003", "330203", "320102", "440106")
_CONFIG = Path(__file__).resolve().parent.parent / "config"
_Row = tuple[object, ...]


def risk_map() -> RiskMap:
    """Every province low since January, a few counties of medium and high risk, one taken back."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    provinces = [RiskEntry(f"{number:02d}", since.date(), None, "low", since) for number in range(11, 66)]
    levels = [("high", _HIGH), ("medium", _MEDIUM)]
    later = datetime(2020, 2, 10, tzinfo=UTC)
    counties = [RiskEntry(one, date(2020, 1, 20), None, level, later) for level, of in levels for one in of]
    back = RiskEntry(_MEDIUM[0], date(2020, 3, 10), None, None, datetime(2020, 3, 10, tzinfo=UTC))
    return RiskMap([*provinces, *counties, back])


def columns(residents: int, *, first: int = 1, seed: int = 1) -> Columns:
    """So many residents from that id on, each with 5 facts and 14 punch-in days."""
    draw = random.Random(seed * 1_000_003 + first)
    people: list[_Row] = []
    facts: list[_Row] = []
    days: list[_Row] = []
    for number in range(first, first + residents):
        people.append((number, "verified" if draw.random() < 0.97 else "claimed", draw.random() < 0.98, date(2020, 2, 20), "Asia/Shanghai", draw.choice(_HOME), draw.random() < 0.2))  # fmt: skip
        findings = 1 if draw.random() * 100 < FINDING_PERCENT else 0
        of_one = [_finding(draw) for _ in range(findings)]
        of_one += [_harmless(draw) for _ in range(FACTS_EACH - findings)]
        facts.extend((number, number * 10 + place, *one) for place, one in enumerate(of_one))
        punched = [TODAY - timedelta(days=ago) for ago in range(DAYS_EACH) if ago or draw.random() < 0.6]
        punched += [TODAY - timedelta(days=DAYS_EACH)] if len(punched) < DAYS_EACH else []
        days.extend((number, day, draw.random() < 0.998) for day in punched)
    return Columns(
        pl.DataFrame(people, PEOPLE, orient="row"),
        pl.DataFrame(facts, FACTS, orient="row"),
        pl.DataFrame(days, DAYS, orient="row"),
    )


def _row(kind: str, start: date, division: str | None, details: str, *, draw: random.Random, source: str = "health_commission", end: date | None = None) -> _Row:  # fmt: skip
    known = end or start
    known_at = datetime(known.year, known.month, known.day, 4, tzinfo=UTC) + timedelta(
        minutes=draw.randrange(600)
    )
    withdrawn_at = known_at + timedelta(days=1) if draw.random() < 0.01 else None
    return kind, start, end, division, source, None, known_at, withdrawn_at, details


def _harmless(draw: random.Random) -> _Row:
    start = TODAY - timedelta(days=draw.randrange(1, 30))
    what = draw.random()
    if what < 0.45:
        end = min(start + timedelta(days=draw.randrange(4)), TODAY)
        return _row("stay", start, draw.choice(_HOME), "{}", draw=draw, source="telecom", end=end)
    if what < 0.65:
        number = draw.randrange(400)
        return _row(
            "journey", start, draw.choice(_HOME), f'{{"mode":"train","number":"G{number}"}}', draw=draw
        )
    minute = draw.randrange(1440)
    return _row("test", start, None, f'{{"result":"negative","method":"pcr","minute":{minute}}}', draw=draw)


def _finding(draw: random.Random) -> _Row:
    """A fact that some rule is about; in one of four cases its days end today, or did so just now."""
    start = TODAY - timedelta(
        days=draw.choice((7, 8, 14, 15)) if draw.random() < 0.25 else draw.randrange(1, 14)
    )
    what = draw.random()
    if what < 0.25:
        return _row("stay", start, draw.choice(_HIGH), "{}", draw=draw, end=start)
    if what < 0.5:
        return _row("stay", start, draw.choice(_MEDIUM), "{}", draw=draw, source="telecom", end=start)
    if what < 0.7:
        degree, certainty = draw.choice((1, 2)), draw.choice(("sure", "unsure"))
        return _row("contact", start, None, f'{{"degree":{degree},"certainty":"{certainty}"}}', draw=draw)
    if what < 0.85:
        return _row(
            "symptom",
            start,
            None,
            f'{{"code":"{draw.choice(("fever", "cough"))}"}}',
            draw=draw,
            source="punch_in",
        )
    if what < 0.95:
        return _row("shared_building", start, draw.choice(_HOME), '{"scope":"building"}', draw=draw)
    return _row("diagnosis", start, None, '{"status":"confirmed"}', draw=draw)


def _type(field: Field) -> type[pl.DataType]:
    if field.bounds is not None:
        return pl.Int64
    return pl.Boolean if field.flag else pl.String


_DETAILS = pl.Struct({name: _type(field) for kind in KINDS.values() for name, field in kind.fields.items()})


def decoded(facts: pl.DataFrame, risk: RiskMap) -> pl.DataFrame:
    """The facts that count, with a column for each detail and the risk level of the start day: not part of any time."""
    texts = facts.select(pl.col("details").unique())
    parts = texts.with_columns(pl.col("details").str.json_decode(_DETAILS).alias("part")).unnest("part")
    places = facts.select("division", "start").unique().drop_nulls()
    levels = [risk.level(division, day, AT) for division, day in places.iter_rows()]
    levelled = places.with_columns(pl.Series("level", levels, pl.String))
    return facts.join(parts, on="details").join(levelled, on=["division", "start"], how="left")


def yardstick(book: RuleBook, facts: pl.DataFrame) -> pl.DataFrame:
    """One filter for each rule, and one group-by over the union of what they match."""
    counting = (pl.col("known_at") <= AT) & (pl.col("withdrawn_at").is_null() | (pl.col("withdrawn_at") > AT))
    matches = [
        facts.lazy().filter(counting & _expression(rule)).select("resident_id", points=pl.lit(_points(rule)))
        for rule in book.rules
    ]
    return pl.concat(pl.collect_all(matches)).group_by("resident_id").agg(pl.col("points").max())


def _points(rule: Rule) -> int:
    return rule.gives.points or {"red": 80, "yellow": 40}.get(str(rule.gives.at_least), 0)


def _expression(rule: Rule) -> pl.Expr:
    expression = (
        pl.col("kind").is_in(list(rule.kinds)) if len(rule.kinds) > 1 else pl.col("kind") == rule.kinds[0]
    )
    if rule.risk is not None:
        expression &= pl.col("level").is_in(sorted(rule.risk))
    alternatives = [pl.all_horizontal(*map(_condition, alternative)) for alternative in rule.when]
    return expression & pl.any_horizontal(*alternatives) if alternatives else expression


def _condition(condition: Condition) -> pl.Expr:
    """One condition; what would ask for other rows or for the person is taken as met."""
    low, high = condition.bounds or (0, 2**62)
    name = condition.reads
    if name in ("visits", "codes_together", "corroborated", "minor"):
        return pl.lit(True)
    if name in ("division", "not_division"):
        inside = pl.any_horizontal(
            *(pl.col("division").str.starts_with(str(one)) for one in condition.accepted)
        )
        return inside if name == "division" else ~inside
    if name == "days":
        return ((pl.col("end") - pl.col("start")).dt.total_days() + 1).is_between(low, high)
    if name == "same_carriage":
        return (pl.col("carriage") == pl.col("case_carriage")) == condition.wanted
    if name == "rows_apart":
        return (pl.col("row") - pl.col("case_row")).abs().is_between(low, high)
    if condition.accepted:
        return pl.col(name).is_in(sorted(map(str, condition.accepted)))
    if condition.bounds is None:
        return pl.col(name) == condition.wanted
    return pl.col(name).is_between(low, high)


def measure(works: Sequence[Callable[[], object]], times: int) -> list[list[float]]:
    """The sorted times of each in seconds, taken in turns so that a busy machine hits them alike."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for of_work, work in zip(taken, works, strict=True):
            begun = time.perf_counter()
            work()
            of_work.append(time.perf_counter() - begun)
    return [sorted(of_work) for of_work in taken]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=200_000)
    parser.add_argument("--scheme", default="hangzhou")
    parser.add_argument("--times", type=int, default=15)
    arguments = parser.parse_args()
    history = load_rulebooks(_CONFIG / "rulebooks", load_borders(_CONFIG / "divisions")).history(
        arguments.scheme
    )
    assert history is not None
    book, risk = history.versions[0], risk_map()
    chunk = columns(arguments.residents)
    ready = decoded(chunk.facts, risk)
    begun = time.perf_counter()
    plan = Plan(history, risk, AT, arguments.scheme)
    compiled = time.perf_counter() - begun
    judged = plan.judge(chunk)
    print(judged.results.group_by("colour", "state").len().sort("len"), f"open: {len(judged.open)}")
    ours, yard = measure([lambda: plan.judge(chunk), lambda: yardstick(book, ready)], arguments.times)
    middle = arguments.times // 2
    print(
        f"compile {compiled:.3f} s; judge {ours[0]:.3f} s (median {ours[middle]:.3f}); "
        f"yardstick {yard[0]:.3f} s (median {yard[middle]:.3f}); "
        f"{ours[0] / yard[0]:.2f} times (median {ours[middle] / yard[middle]:.2f})"
    )
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
