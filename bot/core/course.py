"""How each effect that facts have now runs on by itself: from which day to which it lasts, and with what.

What lies ahead is read off these spans instead of assessing every coming day anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from bot.core.asking import asked_about, outcome_of_asking
from bot.core.days import ONE_DAY, begins, completed, day_of
from bot.core.evaluate import (
    OPEN_KINDS,
    Books,
    Moment,
    lasts,
    meets_conditions,
    relieved,
    relieved_by,
    risk_met,
    rules_for,
    since_day,
)
from bot.core.facts import last_day
from bot.core.model import Colour, Fact
from bot.core.rules import Gives, Hold, Rule, RuleBook

Days = Mapping[date, bool]
"""Each punch-in day, in order, and whether it was normal."""


class Effect(NamedTuple):
    """What one finding does to the colour; `unknown`: the risk level that would decide it isn't known."""

    dimension: str | None
    points: int
    at_least: Colour | None
    at_most: Colour | None
    firm: bool
    unknown: bool


class Span(NamedTuple):
    """The effect from that day on, and before the day `until` (None: until something ends it).

    `days_until` is the day after the days of a hold, whether or not its normal punch-ins are there by then.
    """

    first: date
    until: date | None
    effect: Effect
    days_until: date | None = None


class Course(NamedTuple):
    """One rule that one fact meets now. `asked_until`: it is pending to that day, and over then."""

    rule: Rule
    fact: Fact
    book: RuleBook
    unknown: bool
    asked_until: date | None

    @property
    def needs_punch_ins(self) -> bool:
        """Whether normal punch-in days decide how long it lasts."""
        return any(step.hold.normal_punch_ins for step in self.rule.steps)


def courses(books: Books, book: RuleBook, now: Moment) -> Iterator[Course]:
    """Every rule that a fact meets, whether its days have begun, go on or are over."""
    for fact in now.facts:
        for rule, judging in rules_for(fact, books, book):
            course = _course(rule, fact, judging, now)
            if course is not None:
                yield course


def _course(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> Course | None:
    if moves(rule, fact, now):
        return Course(rule, fact, book, False, None)
    if not meets_conditions(rule, fact, now):
        return None
    met = True if rule.risk is None else risk_met(rule, fact, book, now)
    if met is False or relieved_by(rule, fact, book, now) is not None:
        return None
    asked_until = None
    if met and rule.ask_first is not None and asked_about(rule, fact, book, now):
        outcome = outcome_of_asking(rule, fact, now)
        if outcome == "cleared":
            return None
        if outcome == "pending":
            asked_until = day_of(fact.known_at, now.zone) + rule.ask_first.days * ONE_DAY
    return Course(rule, fact, book, met is None, asked_until)


def moves(rule: Rule, fact: Fact, now: Moment) -> bool:
    """Whether its conditions may be met tomorrow and not today: of a fact that goes on, by length or risk."""
    if rule.steps or fact.kind not in OPEN_KINDS or (fact.end is not None and fact.end <= now.today):
        return False
    return rule.risk is not None or any(one.reads == "days" for each in rule.when for one in each)


def spans(course: Course, now: Moment, days: Days, horizon: int) -> Iterator[Span]:
    """The spans of today and later, in order; those of a fact that moves are looked up day by day."""
    if moves(course.rule, course.fact, now):
        yield from _each_day(course, now, horizon)
        return
    found = _of_hold(course, now, days) if course.rule.steps else _of_window(course, now)
    if course.asked_until is None:
        yield from found
        return
    over = course.asked_until + ONE_DAY
    for span in found:
        if span.first < over:
            yield span._replace(until=over if span.until is None else min(over, span.until))


def _effect(course: Course, gives: Gives) -> Effect:
    if course.asked_until is not None and course.rule.ask_first is not None:
        gives = course.rule.ask_first.gives
    return Effect(
        gives.dimension, gives.points, gives.at_least, gives.at_most,
        course.rule.only_its_source, course.unknown,
    )  # fmt: skip


def _of_hold(course: Course, now: Moment, days: Days) -> Iterator[Span]:
    first, previous = now.today, course.fact.start
    for step in course.rule.steps:
        hold = step.hold
        anchor = _anchor(hold, course, now, previous)
        over: date | None = None
        days_over: date | None = None
        if anchor is not None:
            last = anchor + hold.days * ONE_DAY
            over = days_over = last + ONE_DAY
            previous = last
            if hold.normal_punch_ins:
                reached, _ = completed(
                    days, anchor=anchor, until=date.max, wanted=hold.normal_punch_ins,
                    consecutive=hold.consecutive, last=last,
                )  # fmt: skip
                over = None if reached is None else max(over, reached)
                previous = last if reached is None else max(last, reached)
        if over is None or over > first:
            yield Span(first, over, _effect(course, step.gives), days_over)
        if over is None:
            return
        first = max(first, over)


def _anchor(hold: Hold, course: Course, now: Moment, previous: date) -> date | None:
    """The anchor day, that of a fact whose end lies ahead included; None as long as it isn't known."""
    fact = course.fact
    if hold.after is not None:
        return relieved(course.book.by_id[hold.after], fact, now, since=previous)
    if hold.anchor == "previous":
        return previous
    if hold.anchor == "end":
        return _end(fact, now)
    return since_day(fact, hold.anchor, now.zone, now.today)


def _end(fact: Fact, now: Moment) -> date | None:
    if fact.end is not None:
        return fact.end
    return None if fact.kind in OPEN_KINDS else last_day(fact, now.zone, now.today)


def _of_window(course: Course, now: Moment) -> Iterator[Span]:
    window, fact = course.rule.window, course.fact
    first: date | None = now.today
    until: date | None = None
    if window is not None:
        since = (
            _end(fact, now) if window.since == "end" else since_day(fact, window.since, now.zone, now.today)
        )
        if window.first:
            first = None if since is None else max(now.today, since + window.first * ONE_DAY)
        if window.last is not None and since is not None:
            until = since + (window.last + 1) * ONE_DAY
    elif fact.end is not None and fact.kind in OPEN_KINDS:
        until = fact.end + ONE_DAY
    if first is not None and (until is None or until > first):
        yield Span(first, until, _effect(course, course.rule.gives))


def _each_day(course: Course, now: Moment, horizon: int) -> Iterator[Span]:
    rule, fact, book = course.rule, course.fact, course.book
    for number in range(horizon):
        day = now.today + number * ONE_DAY
        then = now if not number else Moment(now.person, now.risk, begins(day, now.zone), now.facts)
        if not meets_conditions(rule, fact, then) or not lasts(rule, fact, book, then):
            continue
        met = True if rule.risk is None else risk_met(rule, fact, book, then)
        if met is not False:
            yield Span(day, day + ONE_DAY, _effect(course._replace(unknown=met is None), rule.gives))
