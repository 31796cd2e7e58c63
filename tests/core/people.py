"""Builders for people, facts and small rule books; every instant is given by the test."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from bot.core.days import ONE_DAY
from bot.core.model import Detail, Fact, Identity, Person, PunchInDay
from bot.core.rulebook import RuleBook, parse_rulebook

SHANGHAI = "Asia/Shanghai"

TEXT = "{zh: 一句话, en: A sentence}"
BOOK = f"""\
scheme: town
version: "1.0"
status: illustrative
valid_from: 2020-01-01
requires: [identity]
sources: []
assumed: [everything]
rules:
  - id: contact
    fact: contact
    gives: {{at_least: red}}
    hold: {{anchor: start, days: 14, normal_punch_ins: 14}}
    text: {TEXT}
"""


def book(
    rules: str = "", *, head: str = "", version: str = "1.0", valid_from: str = "2020-01-01"
) -> RuleBook:
    """The small book with further rules, further keys, another version."""
    text = BOOK.replace('"1.0"', f'"{version}"').replace("2020-01-01", valid_from)
    return parse_rulebook(text.replace("rules:", f"{head}rules:") + rules, "town.yaml")


def noon(day: date) -> datetime:
    """Noon in Shanghai."""
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def midnight(day: date) -> datetime:
    """The first instant of that day in Shanghai."""
    return noon(day) - timedelta(hours=12)


def days(first: date, last: date, *, normal: bool = True) -> tuple[PunchInDay, ...]:
    """A punch-in on every day from the first to the last."""
    return tuple(PunchInDay(first + number * ONE_DAY, normal) for number in range((last - first).days + 1))


def fact(
    number: int,
    kind: str,
    start: date,
    *,
    end: date | None = None,
    division: str | None = None,
    source: str = "health_commission",
    known_at: datetime | None = None,
    withdrawn_at: datetime | None = None,
    occurrence: str | None = None,
    **details: Detail,
) -> Fact:
    """A fact that became known at noon of its last day unless said otherwise."""
    return Fact(
        number, kind, start, end, division, source, f"r{number}", occurrence,
        known_at or noon(end or start), withdrawn_at, details,
    )  # fmt: skip


def contact(number: int, start: date, **changes: datetime) -> Fact:
    """A close contact."""
    return fact(number, "contact", start, degree=1, certainty="sure", **changes)  # type: ignore[arg-type]


def person(
    facts: Iterable[Fact] = (),
    punch_ins: Iterable[PunchInDay] = (),
    *,
    identity: Identity = Identity.VERIFIED,
    declared: bool = True,
    zone: str = SHANGHAI,
    home: str | None = "420106003",
    minor: bool = False,
    declared_day: date | None = None,
) -> Person:
    """A verified resident of Wuhan who declared."""
    return Person(identity, declared, zone, home, minor, tuple(facts), tuple(punch_ins), declared_day)
