"""Which rules which facts meet at one instant, and how far each hold has run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from bot.core.asking import asked_about, outcome_of_asking
from bot.core.days import ONE_DAY, begins, by_day, completed, day_of, zone
from bot.core.facts import FactKind, last_day, shows_symptom
from bot.core.model import Colour, Fact, Person, RiskMap
from bot.core.rules import Hold, Rule, RuleBook


class Books(Protocol):
    """One rule book, or all versions of one scheme's (`RuleBooks.history`)."""

    @property
    def scheme(self) -> str:
        """The scheme that they judge."""

    @property
    def versions(self) -> tuple[RuleBook, ...]:
        """All of them."""

    def at(self, instant: datetime, /) -> RuleBook | None:
        """The version in force."""

    def judging(self, known_at: datetime, /) -> RuleBook:
        """The version that judges the holds of a fact that became known then."""

    def next_change(self, at: datetime, /) -> datetime | None:
        """When another version, or none, comes into force."""


class HoldArithmetic(NamedTuple):
    """One step of a hold in figures. Its days end at `days_end_at`: 00:00 of anchor + days + 1, as UTC.

    `waits_for` names the relieving rule without which the step doesn't end; the anchor is then unknown.
    """

    anchor: date | None
    days: int
    days_end_at: datetime | None
    normal_wanted: int
    normal_have: int
    consecutive: bool
    waits_for: str | None
    step: int
    steps: int


class Finding(NamedTuple):
    """One rule that one fact met. `fact_id` is None only where a report is missing. Nothing caps a `firm` one."""

    rule_id: str
    fact_id: int | None
    dimension: str | None
    points: int
    at_least: Colour | None
    at_most: Colour | None
    pending: bool
    version: str
    text: Mapping[str, str]
    hold: HoldArithmetic | None
    firm: bool = False

    @property
    def hold_until(self) -> date | None:
        """The last of the hold's days; normal punch-in days or a relieving fact may still be missing then."""
        if self.hold is None or self.hold.anchor is None:
            return None
        return self.hold.anchor + timedelta(days=self.hold.days)


class Moment:
    """One person's visible facts at one instant, with what conditions ask for.

    `at` is the clock; a hold is tested on the moment at which its fact became known (`when_known`). What has
    been withdrawn by the clock never counts.
    """

    __slots__ = ("_days", "_levels", "_then", "at", "facts", "person", "risk", "today", "zone")

    def __init__(self, person: Person, risk: RiskMap, at: datetime, facts: list[Fact]) -> None:
        self.person = person
        self.risk = risk
        self.at = at
        self.zone = person.zone
        self.today = day_of(at, person.zone)
        self.facts = facts
        self._days: dict[date, bool] | None = None
        self._levels: dict[tuple[int, bool], frozenset[str | None]] = {}
        self._then: dict[int, Moment] = {}

    def when_known(self, fact: Fact) -> Moment:
        """The moment at which that fact became known, without what has been withdrawn since."""
        then = self._then.get(fact.id)
        if then is None:
            known = [one for one in self.facts if one.known_at <= fact.known_at]
            then = self._then[fact.id] = Moment(self.person, self.risk, self.at, known)
            then.today = day_of(fact.known_at, self.zone)
        return then

    def normal_days(self) -> dict[date, bool]:
        """Each punch-in day and whether it was normal; a symptom or fever known of a day makes it not normal."""
        if self._days is None:
            symptoms = [fact.start for fact in self.facts if shows_symptom(fact)]
            self._days = by_day(self.person.punch_in_days, symptoms)
        return self._days

    def without(self, fact_id: int, person: Person) -> Moment:
        """The same moment of the person without that fact; what was looked up about the others is kept."""
        moment = Moment(person, self.risk, self.at, [one for one in self.facts if one.id != fact_id])
        moment._levels = self._levels
        return moment

    def levels(self, fact: Fact, *, held: bool) -> frozenset[str | None]:
        """The risk level on each day of the fact: as known now, or for a hold as known when the fact became known.

        A level that was unknown then is read as first known later.
        """
        found = self._levels.get((fact.id, held))
        if found is None:
            found = self._levels[fact.id, held] = self._look_up(fact, held)
        return found

    def _look_up(self, fact: Fact, held: bool) -> frozenset[str | None]:
        division = fact.division
        if division is None:
            return frozenset((None,))
        known = fact.known_at if held else self.at
        last = last_day(fact, self.zone, day_of(known, self.zone) if held else self.today)
        if last < fact.start:  # its days are those of another zone
            return frozenset()
        level = self.risk.level_throughout(division, fact.start, last, known)
        if level is not None:
            return frozenset((level,))
        days = (fact.start + number * ONE_DAY for number in range((last - fact.start).days + 1))
        return frozenset(
            self.risk.level(division, day, known) or self.risk.first_level(division, day, known, self.at)
            for day in days
        )


def visible_facts(person: Person, at: datetime) -> list[Fact]:
    """The facts that are known at that instant and not withdrawn by then."""
    return [
        fact
        for fact in person.facts
        if fact.known_at <= at and (fact.withdrawn_at is None or fact.withdrawn_at > at)
    ]


def since_day(fact: Fact, which: str, zone_name: str, today: date) -> date:
    """The day of a fact that a hold or a window names: start, end or known."""
    if which == "start":
        return fact.start
    if which == "known":
        return day_of(fact.known_at, zone_name)
    return last_day(fact, zone_name, today)


def find(books: Books, book: RuleBook, now: Moment) -> tuple[list[Finding], set[str]]:
    """Every finding, in the order of rules and then facts; and the divisions whose risk level is not known."""
    found: list[tuple[int, int, Finding]] = []
    unknown: set[str] = set()
    for fact in now.facts:
        for rule, judging in rules_for(fact, books, book):
            finding = _finding(rule, fact, judging, now, unknown)
            if finding is not None:
                found.append((rule.index, fact.id, finding))
    if len(found) > 1:
        found.sort(key=lambda one: (one[0], one[1]))
    return [finding for _, _, finding in found], unknown


def rules_for(fact: Fact, books: Books, book: RuleBook) -> Iterator[tuple[Rule, RuleBook]]:
    """The rules that a fact may meet, each with its version: holds are judged by the one of the fact's `known_at`."""
    then_book = books.judging(fact.known_at)
    for rule in book.by_kind.get(fact.kind, ()):
        if then_book is book or not rule.steps:
            yield rule, book
    if then_book is not book:
        for rule in then_book.by_kind.get(fact.kind, ()):
            if rule.steps:
                yield rule, then_book


def meets_conditions(rule: Rule, fact: Fact, now: Moment) -> bool:
    """Whether the fact meets the rule's conditions, those of a hold as of its `known_at`."""
    if not rule.predicates:
        return True
    moment = now.when_known(fact) if rule.reads_moment and rule.steps else now
    return all(holds(fact, moment) for holds in rule.predicates)


def _finding(rule: Rule, fact: Fact, book: RuleBook, now: Moment, unknown: set[str]) -> Finding | None:
    if not meets_conditions(rule, fact, now):
        return None
    met = True if rule.risk is None else risk_met(rule, fact, book, now)
    if met is False:
        return None
    gives, hold = rule.gives, None
    if rule.steps:
        hold = hold_of(rule, fact, book, now)
        if hold is None:
            return None
        gives = rule.steps[hold.step].gives
    elif not lasts(rule, fact, book, now):
        return None
    if met is None:
        unknown.add(fact.division or "")
        return None
    pending = False
    if rule.ask_first is not None and asked_about(rule, fact, book, now):
        outcome = outcome_of_asking(rule, fact, now)
        if outcome == "cleared":
            return None
        pending = outcome == "pending"
        if pending:
            gives = rule.ask_first.gives
    return Finding(
        rule.id, fact.id, gives.dimension, gives.points, gives.at_least, gives.at_most, pending,
        book.version, rule.text, hold, rule.only_its_source,
    )  # fmt: skip


def risk_met(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> bool | None:
    """Whether the division's risk level is one that the rule is about; None if that can't be known."""
    levels = now.levels(fact, held=bool(rule.steps))
    accepted = rule.risk or frozenset()
    if not accepted.isdisjoint(levels):
        return True
    if None not in levels:
        return False
    if book.unknown_risk != "undecided":
        return book.unknown_risk in accepted
    return True if "unknown" in accepted else None


def lasts(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> bool:
    """Whether today lies in the days of a rule without a hold, and nothing relieved it."""
    window = rule.window
    if window is not None:
        days = (now.today - since_day(fact, window.since, now.zone, now.today)).days
        if days < window.first or (window.last is not None and days > window.last):
            return False
    elif fact.end is not None and now.today > fact.end and fact.kind in OPEN_KINDS:
        return False
    return relieved_by(rule, fact, book, now) is None


OPEN_KINDS = frozenset({FactKind.MEASURE, FactKind.OTHER_PLACE_COLOUR, FactKind.OVERRIDE})
"""Kinds whose end says how long they count, where a rule names no days of its own."""


def hold_of(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> HoldArithmetic | None:
    """The step at which a rule's hold on a fact stands, in figures; None once it has ended."""
    if relieved_by(rule, fact, book, now) is not None:
        return None
    previous = fact.start
    steps = len(rule.steps)
    for number, step in enumerate(rule.steps):
        hold = step.hold
        anchor = _anchor(hold, fact, book, now, previous)
        if anchor is None:
            return HoldArithmetic(
                None, hold.days, None, hold.normal_punch_ins, 0, hold.consecutive, hold.after, number, steps
            )
        last = anchor + hold.days * ONE_DAY
        reached, have = anchor, 0
        if hold.normal_punch_ins:
            reached_day, have = completed(
                now.normal_days(), anchor=anchor, until=now.today, wanted=hold.normal_punch_ins,
                consecutive=hold.consecutive, last=last,
            )  # fmt: skip
            reached = reached_day or date.max
        if reached == date.max or now.today <= last:
            ends = begins(last + ONE_DAY, now.zone)
            return HoldArithmetic(
                anchor, hold.days, ends, hold.normal_punch_ins, have, hold.consecutive, None, number, steps
            )
        previous = max(last, reached)
    return None


def _anchor(hold: Hold, fact: Fact, book: RuleBook, now: Moment, previous: date) -> date | None:
    if hold.after is not None:
        return relieved(book.by_id[hold.after], fact, now, since=previous)
    if hold.anchor == "previous":
        return previous
    return since_day(fact, hold.anchor, now.zone, now.today)


def relieved_by(rule: Rule, fact: Fact, book: RuleBook, now: Moment) -> tuple[str, date] | None:
    """The relieving rule that ended this rule's effect on that fact, and its day; None if none did."""
    enders = book.enders.get(rule.id)
    if enders is None:
        return None
    for ender in enders:
        day = relieved(ender, fact, now)
        if day is not None:
            return ender.id, day
    return None


def relieved(ender: Rule, fact: Fact, now: Moment, *, since: date | None = None) -> date | None:
    """The day on which enough relieving facts, dated on the fact's start (or `since`) or later, were there."""
    first = fact.start if since is None else since
    relieving = [
        one
        for one in now.facts
        if one.kind in ender.kinds
        and one.start >= first
        and not _came_before(one, fact)
        and (one.occurrence is None or fact.occurrence is None or one.occurrence == fact.occurrence)
        and all(holds(one, now) for holds in ender.predicates)
    ]
    enough = ender.enough
    if enough.count == 1:
        return min((one.start for one in relieving), default=None)
    spans = sorted(_span(one, now.zone) for one in relieving)
    apart = timedelta(hours=enough.hours_apart)
    for number, (_, latest, first_day) in enumerate(spans):
        taken = 1
        for earliest, later, day in spans[number + 1 :]:
            if enough.within_days is not None and (day - first_day).days >= enough.within_days:
                break
            if earliest - latest >= apart:
                taken, latest = taken + 1, later
            if taken >= enough.count:
                return day
    return None


def _came_before(one: Fact, fact: Fact) -> bool:
    """Whether a relieving fact of the same day is known to be the earlier one: it can't relieve what came later."""
    if one.start != fact.start:
        return False
    minute, own = one.details.get("minute"), fact.details.get("minute")
    return isinstance(minute, int) and isinstance(own, int) and minute < own


def _span(fact: Fact, zone_name: str) -> tuple[datetime, datetime, date]:
    """The earliest and the latest instant at which a test can have been taken, and its day."""
    minute = fact.details.get("minute")
    if isinstance(minute, int):
        clock = time(minute // 60, minute % 60)
        taken = datetime.combine(fact.start, clock, tzinfo=zone(zone_name)).astimezone(UTC)
        return taken, taken, fact.start
    return (
        begins(fact.start, zone_name),
        begins(fact.start + ONE_DAY, zone_name) - timedelta(minutes=1),
        fact.start,
    )
