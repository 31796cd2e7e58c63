"""What lies ahead of an assessment: when the clock and normal punch-ins change it, and what that needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from bot.core.course import Course, Effect, Span, courses, moves, spans
from bot.core.days import ONE_DAY, begins, day_of
from bot.core.evaluate import Books, Moment
from bot.core.model import BY_SEVERITY, SEVERITY, Colour, Person, PunchInDay, State
from bot.core.rules import Report, RuleBook
from bot.core.scores import severity

if TYPE_CHECKING:
    from bot.core.assess import Assessment

Assess = Callable[[Person, datetime], "Assessment"]


class Ahead(NamedTuple):
    """The next colour, when, and what is needed until then."""

    at: datetime | None
    needs: tuple[str, ...]
    colour: Colour | None


class Stage(NamedTuple):
    """A stretch of time in which one version is in force, seen from its begin."""

    moment: Moment
    book: RuleBook
    courses: tuple[Course, ...]
    change: datetime | None


def last_report(person: Person, today: date) -> date | None:
    """The day of the last report up to today; a declaration is a report."""
    last = person.declared_day if person.declared else None
    if last is not None and last > today:
        last = None
    for one in person.punch_in_days:
        if one.day <= today and (last is None or one.day > last):
            last = one.day
    return last


def expired(last: date | None, report: Report | None, today: date) -> bool:
    """Whether a last report of that day no longer counts, where the book minds."""
    if report is None or report.when_missing == "keep":
        return False
    return last is None or today >= last + report.valid_days * ONE_DAY


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


def stage(books: Books, book: RuleBook, moment: Moment) -> Stage:
    """What runs on from that moment."""
    return Stage(moment, book, tuple(courses(books, book, moment)), books.next_change(moment.at))


def first_edge(person: Person, now: Stage) -> datetime | None:
    """The first instant after now at which a window, a hold, a report or a version ends or begins."""
    moment = now.moment
    expires = report_expires(person, now.book, moment.at)
    edges = [one for one in (expires, now.change) if one is not None]
    if any(moves(one.rule, one.fact, moment) for one in now.courses):
        edges.append(begins(moment.today + ONE_DAY, moment.zone))
    days = moment.normal_days()
    found = [span for course in now.courses for span in spans(course, moment, days, 1)]
    ends = [day for day in (*_ends(found), *(one.days_until for one in found)) if day and day > moment.today]
    if ends:
        edges.append(begins(min(ends), moment.zone))
    return min(edges, default=None)


def look_ahead(assessment: Assessment, person: Person, books: Books, *, now: Stage, assess: Assess) -> Ahead:
    """The next change of colour if the person punches in normally on every day from now on."""
    if assessment.missing and assessment.state is State.UNDECIDED:
        return nothing_ahead(assessment)
    horizon = _horizon(person, books, assessment.at)
    until = assessment.at + (horizon - 1) * ONE_DAY
    reports = _Reports(person, now.moment, horizon)
    while True:
        found = _first_change(assessment.colour, now, books, reports)
        if found is not None:
            return found
        change = now.change
        if change is None or change > until:
            return Ahead(None, _relief(assessment, books), None)
        seen = assess(reports.diligent_person(), change)
        following = seen.stage
        if following is None or seen.colour is not assessment.colour:
            needs = ("time",) if following is None else reports.needs(following, books, change, seen.colour)
            return Ahead(change, needs, seen.colour)
        now = following


def _first_change(colour: Colour, now: Stage, books: Books, reports: _Reports) -> Ahead | None:
    """The first other colour while that version is in force."""
    moment = now.moment
    found = [
        span for course in now.courses for span in spans(course, moment, reports.diligent, reports.horizon)
    ]
    for day in sorted({moment.today, *_ends(found)}):
        instant = moment.at if day <= moment.today else begins(day, moment.zone)
        if now.change is not None and instant >= now.change:
            break
        seen = _colour([span.effect for span in found if _covers(span, day)], now.book, books)
        if seen is not colour:
            return Ahead(instant, reports.needs(now, books, instant, seen), seen)
    return None


def _ends(found: Iterable[Span]) -> set[date]:
    return {day for span in found for day in (span.first, span.until) if day is not None}


def _covers(span: Span, day: date) -> bool:
    return span.first <= day and (span.until is None or day < span.until)


def _colour(effects: Sequence[Effect], book: RuleBook, books: Books, *, expired_as: str = "") -> Colour:
    """The colour of effects together, and of a report that is no longer valid."""
    known = [one for one in effects if not one.unknown]
    worst = severity(known, book, books) if known else 0
    if expired_as == "yellow":
        worst = max(worst, SEVERITY[Colour.YELLOW]) if _uncapped(known) else worst
    elif expired_as == "grey" and worst == 0:
        return Colour.GREY
    if worst < SEVERITY[Colour.RED] and len(known) < len(effects):
        return Colour.GREY
    return BY_SEVERITY[worst]


def _uncapped(effects: Iterable[Effect]) -> bool:
    return not any(one.at_most is Colour.GREEN for one in effects)


class _Reports:
    """The punch-in days that there are, and those that would be if the person reported normally from now on."""

    def __init__(self, person: Person, moment: Moment, horizon: int) -> None:
        self.person = person
        self.horizon = horizon
        self.today = moment.today
        self.taken = {day: normal for day, normal in moment.normal_days().items() if day <= moment.today}
        self.punched_today = any(one.day == moment.today for one in person.punch_in_days)
        self.diligent = self.taken | self._coming(0, horizon)

    def _coming(self, first: int, last: int) -> dict[date, bool]:
        coming = (self.today + number * ONE_DAY for number in range(first, last))
        return {day: True for day in coming if day not in self.taken}

    def diligent_person(self) -> Person:
        """The person with a normal punch-in on each of the coming days that has none."""
        first = 1 if self.punched_today else 0
        coming = tuple(_normal(self.today + number * ONE_DAY) for number in range(first, self.horizon))
        taken = tuple(one for one in self.person.punch_in_days if one.day <= self.today)
        return replace(self.person, punch_in_days=taken + coming)

    def needs(self, now: Stage, books: Books, instant: datetime, colour: Colour) -> tuple[str, ...]:
        """What the change takes: time, and as few of the coming punch-ins as possible."""
        moment, then = now.moment, day_of(instant, now.moment.zone)
        days = (then - self.today).days
        needs = ["time"] if days or instant > moment.at else []
        fixed = [one for one in now.courses if not one.needs_punch_ins]
        open_ones = [one for one in now.courses if one.needs_punch_ins]
        sure = _effects(fixed, moment, self.diligent, then)
        for first, last in ((0, 0), (1, days), (0, days), (1, days + 1), (0, days + 1)):
            if self.punched_today:
                first = max(first, 1)
            coming = self._coming(first, last)
            effects = sure + _effects(open_ones, moment, self.taken | coming, then)
            if _colour(effects, now.book, books, expired_as=self._expired(now, first, last, then)) is colour:
                if last > first:
                    needs.append(f"normal_punch_ins:{last - first}")
                break
        return tuple(needs)

    def _expired(self, now: Stage, first: int, last: int, then: date) -> str:
        report = now.book.report
        newest = last_report(self.person, self.today)
        if last > first:
            newest = self.today + (last - 1) * ONE_DAY
        return report.when_missing if report is not None and expired(newest, report, then) else ""


def _effects(some: Iterable[Course], moment: Moment, days: dict[date, bool], then: date) -> list[Effect]:
    """What these give on that day."""
    horizon = (then - moment.today).days + 1
    return [
        span.effect for course in some for span in spans(course, moment, days, horizon) if _covers(span, then)
    ]


def _horizon(person: Person, books: Books, at: datetime) -> int:
    """Enough days for every hold to run its course, also one that begins with the end of a fact that lies ahead."""
    today = day_of(at, person.zone)
    ahead = max(((fact.end - today).days for fact in person.facts if fact.end is not None), default=0)
    return max(book.look_back_days for book in books.versions) + 2 + min(max(ahead, 0), 366)


@lru_cache(maxsize=1024)
def _normal(day: date) -> PunchInDay:
    return PunchInDay(day, True)


def _relief(assessment: Assessment, books: Books) -> tuple[str, ...]:
    """The relieving rules that could end what time alone doesn't, after the punch-ins that come before them."""
    found: list[str] = []
    missing = 0
    for finding in assessment.findings:
        for book in books.versions:
            if book.version != finding.version or finding.rule_id not in book.by_id:
                continue
            hold = finding.hold
            if hold is not None:
                # the one of the step that runs has come already where its days have begun
                first = hold.step if hold.waits_for is not None else hold.step + 1
                awaited = [step.hold.after for step in book.by_id[finding.rule_id].steps[first:]]
                found.extend(rule_id for rule_id in awaited if rule_id is not None)
                if hold.anchor is not None and any(awaited):
                    missing = max(missing, hold.normal_wanted - hold.normal_have)
            found.extend(rule.id for rule in book.enders.get(finding.rule_id, ()))
    punch_ins = (f"normal_punch_ins:{missing}",) if missing else ()
    return (*punch_ins, *(f"relief:{rule_id}" for rule_id in dict.fromkeys(found)))
