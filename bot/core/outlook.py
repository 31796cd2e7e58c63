"""What lies ahead of an assessment: when the clock and normal punch-ins change it, found by assessing again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bot.core.days import ONE_DAY, begins, completed, day_of
from bot.core.evaluate import (
    OPEN_KINDS,
    Books,
    Moment,
    asked_about,
    hold_of,
    meets_conditions,
    rules_for,
    since_day,
    visible_facts,
)
from bot.core.model import Colour, Fact, Person, PunchInDay, RiskMap, State
from bot.core.rules import Rule, RuleBook

if TYPE_CHECKING:
    from bot.core.assess import Assessment

Assess = Callable[[Person, datetime], "Assessment"]

NO_RISK = RiskMap()
_MOST_EDGES = 200


class Ahead(NamedTuple):
    """The next colour, when, and what is needed until then."""

    at: datetime | None
    needs: tuple[str, ...]
    colour: Colour | None


def last_report(person: Person, today: date) -> date | None:
    """The day of the last report up to today; a declaration is a report."""
    last = person.declared_day if person.declared else None
    if last is not None and last > today:
        last = None
    for one in person.punch_in_days:
        if one.day <= today and (last is None or one.day > last):
            last = one.day
    return last


def report_expires(person: Person, book: RuleBook, at: datetime) -> datetime | None:
    """When the last report's validity ends, if that lies ahead and changes anything."""
    if book.report is None or book.report.when_missing == "keep":
        return None
    last = last_report(person, day_of(at, person.zone))
    ends = None if last is None else book.covered_until(last, person.zone)
    return ends if ends is not None and ends > at else None


def nothing_ahead(assessment: Assessment) -> Ahead:
    """The outlook of somebody for whom only new facts, or what is missing, change anything."""
    return Ahead(None, assessment.missing, None)


def first_edge(person: Person, books: Books, book: RuleBook, at: datetime) -> datetime | None:
    """The first instant after `at` at which a window, a hold, a report or a version ends or begins."""
    expires = report_expires(person, book, at)
    edges = [*_edges(person, books, book, at), *(() if expires is None else (expires,))]
    return min(edges, default=None)


def look_ahead(assessment: Assessment, person: Person, books: Books, assess: Assess) -> Ahead:
    """The next change of colour if the person punches in normally on every day from now on."""
    if assessment.missing and assessment.state is State.UNDECIDED:
        return nothing_ahead(assessment)
    days = _horizon(person, books, assessment.at)
    diligent = _diligent(person, assessment.at, 0, days)
    until = assessment.at + (days - 1) * ONE_DAY
    instant = assessment.at
    seen = assess(diligent, instant)
    for _ in range(_MOST_EDGES):
        if seen.colour is not assessment.colour:
            return Ahead(instant, _needs(assessment, person, assess, instant, seen.colour), seen.colour)
        book = books.at(instant)
        edge = None if book is None else min(_edges(diligent, books, book, instant), default=None)
        if edge is None or edge > until:
            break
        instant = edge
        seen = assess(diligent, instant)
    return Ahead(None, _relief(assessment, books), None)


def _horizon(person: Person, books: Books, at: datetime) -> int:
    """Enough days for every hold to run its course, also one that begins with the end of a fact that lies ahead."""
    today = day_of(at, person.zone)
    ahead = max(((fact.end - today).days for fact in person.facts if fact.end is not None), default=0)
    return max(book.look_back_days for book in books.versions) + 2 + min(max(ahead, 0), 366)


def _diligent(person: Person, at: datetime, first: int, last: int) -> Person:
    """The person with a normal punch-in on each of the coming days that has none; day 0 is today."""
    today = day_of(at, person.zone)
    taken = tuple(one for one in person.punch_in_days if one.day <= today)
    punched_today = any(one.day == today for one in taken)
    coming = range(max(first, 1) if punched_today else first, last)
    return replace(
        person, punch_in_days=taken + tuple(_normal(today + number * ONE_DAY) for number in coming)
    )


@lru_cache(maxsize=1024)
def _normal(day: date) -> PunchInDay:
    return PunchInDay(day, True)


def _needs(
    assessment: Assessment, person: Person, assess: Assess, instant: datetime, colour: Colour
) -> tuple[str, ...]:
    """What the change takes: time, and as few of the coming punch-ins as possible."""
    needs = ["time"] if instant > assessment.at else []
    days = (day_of(instant, person.zone) - day_of(assessment.at, person.zone)).days
    before = len(_diligent(person, assessment.at, 0, 0).punch_in_days)
    for first, last in ((0, 0), (1, days), (0, days), (1, days + 1), (0, days + 1)):
        with_these = _diligent(person, assessment.at, first, last)
        if assess(with_these, instant).colour is colour:
            taken = len(with_these.punch_in_days) - before
            if taken:
                needs.append(f"normal_punch_ins:{taken}")
            break
    return tuple(needs)


def _relief(assessment: Assessment, books: Books) -> tuple[str, ...]:
    """The relieving rules that could end what time alone doesn't."""
    found: list[str] = []
    for finding in assessment.findings:
        if finding.hold is not None and finding.hold.waits_for is not None:
            found.append(finding.hold.waits_for)
        for book in books.versions:
            if book.version == finding.version:
                found.extend(rule.id for rule in book.enders.get(finding.rule_id, ()))
    return tuple(f"relief:{rule_id}" for rule_id in dict.fromkeys(found))


def _edges(person: Person, books: Books, book: RuleBook, at: datetime) -> Iterator[datetime]:
    change = books.next_change(at)
    if change is not None:
        yield change
    now = Moment(person, NO_RISK, at, visible_facts(person, at))
    for fact in now.facts:
        for rule, judging in rules_for(fact, books, book):
            if meets_conditions(rule, fact, now) or rule.reads_moment:
                for day in _days(rule, fact, judging, now):
                    edge = begins(day, person.zone)
                    if edge > at:
                        yield edge


def _days(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> Iterator[date]:
    if rule.ask_first is not None and asked_about(rule, fact, book, now):
        yield day_of(fact.known_at, now.zone) + (rule.ask_first.days + 1) * ONE_DAY
    yield from _days_of_hold(rule, fact, book, now) if rule.steps else _days_without_hold(rule, fact, now)


def _days_without_hold(rule: Rule, fact: Fact, now: Moment) -> Iterator[date]:
    """The days on which a rule without a hold begins or stops to be met."""
    if rule.window is not None:
        since = fact.end if rule.window.since == "end" and fact.end else None
        day = since or since_day(fact, rule.window.since, now.zone, now.today)
        yield day + rule.window.first * ONE_DAY
        if rule.window.last is not None:
            yield day + (rule.window.last + 1) * ONE_DAY
    elif fact.end is not None and fact.kind in OPEN_KINDS:
        yield fact.end + ONE_DAY


def _days_of_hold(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> Iterator[date]:
    """The day after the current step's days, and the day on which its punch-ins will be complete."""
    hold = hold_of(rule, fact, book, now)
    if hold is None or hold.anchor is None:
        return
    if rule.steps[hold.step].hold.anchor == "end" and fact.end is not None and fact.end > now.today:
        yield fact.end + (hold.days + 1) * ONE_DAY
    last = hold.anchor + hold.days * ONE_DAY
    yield last + ONE_DAY
    if hold.normal_wanted:
        reached, _ = completed(
            now.normal_days(), anchor=hold.anchor, until=date.max, wanted=hold.normal_wanted,
            consecutive=hold.consecutive, last=last,
        )  # fmt: skip
        if reached is not None:
            yield reached
