"""From what a resident declares to facts, and what becomes of those that were declared before.

A declaration speaks about its window, the fourteen days to its own; a correction speaks about the window of the
declaration that it corrects as well. An earlier declared fact of these days that isn't stated again is withdrawn;
one that is, and everything before the window, stays as it became known.
Meeting people from risk areas is kept with the answers only: no published rule takes it for a contact with a
case, and a fact would.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.core.facts import FactKind, last_day
from bot.core.model import Detail, Fact
from bot.services.facts import record, withdraw
from bot.store.snapshot import Resident
from bot.store.work import Work

SOURCE = "declaration"
WHY = "declared_again"
WINDOW_DAYS = 14
CITY = 4  # digits of a division that make a city
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """Days somewhere else than at home, both ends included. `division` is unpadded, everywhere here."""

    start: date
    end: date
    division: str


@dataclass(frozen=True, slots=True)
class Journey:
    """One trip. `mode` as facts know it; `number` of the flight or train, empty if not known."""

    mode: str
    day: date
    origin: str
    destination: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Contact with a case: certain or not, on that day or on one that isn't remembered."""

    sure: bool
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Statements:
    """What a declaration says about the days behind it. Symptoms are of `symptoms_day`."""

    home: str
    stays: tuple[Stay, ...] = ()
    journeys: tuple[Journey, ...] = ()
    contact: Contact | None = None
    symptoms: tuple[str, ...] = ()
    symptoms_day: date | None = None


@dataclass(frozen=True, slots=True)
class _Stated:
    """One fact to be. `start` None: some day of the window."""

    kind: str
    start: date | None
    division: str | None = None
    end: date | None = None
    occurrence: str | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)

    def same(self, fact: Fact) -> bool:
        return (
            fact.kind == self.kind
            and self.start in (None, fact.start)
            and fact.division == self.division
            and dict(fact.details) == dict(self.details)
        )


@dataclass(frozen=True, slots=True)
class _Span:
    """The days that are spoken about. A correction takes back the whole of what it no longer states."""

    first: date
    last: date
    corrects: bool


def window(today: date) -> tuple[date, date]:
    """The first and last day that a declaration of today asks about."""
    return today - (WINDOW_DAYS - 1) * _ONE_DAY, today


def reconcile(
    work: Work,
    resident: Resident,
    statements: Statements,
    *,
    today: date,
    receipt: str,
    corrected_day: date | None = None,
) -> None:
    """Withdraw what is no longer stated, keep what is, record what is new under this receipt.

    `corrected_day`: the day of the earlier declaration that this one corrects.
    """
    span = _Span(window(corrected_day or today)[0], today, corrected_day is not None)
    earlier = [fact for fact in resident.facts if fact.source == SOURCE]
    stays, gone = _stays(earlier, statements, span, resident.zone)
    stated = [*_journeys(statements), *_contacts(statements), *_symptoms(statements, today)]
    symptom_days = {corrected_day, statements.symptoms_day or today}
    spoken_about = [fact for fact in earlier if _is_about(fact, span, symptom_days)]
    kept: list[Fact] = []
    for one in stated:
        match = next((fact for fact in spoken_about if one.same(fact) and fact not in kept), None)
        if match is not None:
            kept.append(match)
        else:
            stays.append(one)
    for fact in (*gone, *(fact for fact in spoken_about if fact not in kept)):
        withdraw(work, resident, fact, why=WHY)
    _record(work, resident, stays, today, receipt)


def _record(work: Work, resident: Resident, new: Sequence[_Stated], today: date, receipt: str) -> None:
    for number, one in enumerate(new, start=1):
        record(
            work,
            resident,
            kind=one.kind,
            start=one.start or today,
            end=one.end,
            division=one.division,
            source=SOURCE,
            reference=f"{receipt}:{one.kind}:{number}",
            occurrence=one.occurrence,
            details=one.details,
        )


def _is_about(fact: Fact, span: _Span, symptom_days: set[date | None]) -> bool:
    """Whether the declaration says anything about what that fact says."""
    if fact.kind == FactKind.STAY:
        return False
    if fact.kind == FactKind.SYMPTOM:
        return fact.start in symptom_days
    return fact.start >= span.first


def _symptoms(statements: Statements, today: date) -> list[_Stated]:
    day = statements.symptoms_day or today
    return [_Stated(FactKind.SYMPTOM, day, details={"code": code}) for code in statements.symptoms]


def _contacts(statements: Statements) -> list[_Stated]:
    contact = statements.contact
    if contact is None:
        return []
    details: dict[str, Detail] = {
        "degree": 1,
        "case": "unknown",
        "certainty": "sure" if contact.sure else "unsure",
    }
    return [_Stated(FactKind.CONTACT, contact.day, details=details)]


def _journeys(statements: Statements) -> list[_Stated]:
    """The journeys, and of each that led home from another city where the person came from."""
    found: list[_Stated] = []
    origins: set[tuple[str, date]] = set()
    for journey in statements.journeys:
        details: dict[str, Detail] = {"mode": journey.mode, "origin": journey.origin}
        occurrence = None
        if journey.number:
            details["number"] = journey.number
            occurrence = f"{journey.mode}:{journey.number}:{journey.day}"
        found.append(
            _Stated(
                FactKind.JOURNEY, journey.day, journey.destination, occurrence=occurrence, details=details
            )
        )
        if _city(journey.destination, statements.home) and not _city(journey.origin, statements.home):
            origins.add((journey.origin, journey.day))
    found.extend(_Stated(FactKind.REGION_ORIGIN, day, origin) for origin, day in sorted(origins))
    return found


def _city(division: str, home: str) -> bool:
    """Whether a division lies in the city of the home."""
    return division[:CITY] == home[:CITY]


def _stays(
    earlier: Sequence[Fact], statements: Statements, span: _Span, zone: str
) -> tuple[list[_Stated], list[Fact]]:
    """The stays to record and those to withdraw: a stay that goes on becomes one longer stay, not a second visit."""
    before = _stays_before(earlier, span, zone)
    new: list[_Stated] = []
    kept: set[int] = set()
    merged: set[int] = set()
    for division, start, end in _runs(_days_by_division(statements, span)):
        touching = [one for one in before if one.touches(division, start, end)]
        same = next((one for one in touching if one.is_stay(start, end, span.first)), None)
        if same is not None:
            kept.add(same.fact.id)
            continue
        longer = [one for one in touching if start <= span.first and one.first < start]
        merged.update(one.fact.id for one in longer)
        new.append(_Stated(FactKind.STAY, min([start, *(one.first for one in longer)]), division, end))
    gone = [one for one in before if one.fact.id not in kept]
    if not span.corrects:
        rest = [one for one in gone if one.first < span.first and one.fact.id not in merged]
        new.extend(
            _Stated(FactKind.STAY, one.first, one.fact.division, span.first - _ONE_DAY) for one in rest
        )
    return new, [one.fact for one in gone]


@dataclass(frozen=True, slots=True)
class _Before:
    """A stay that was declared earlier, with its first and last day."""

    fact: Fact
    first: date
    last: date

    def touches(self, division: str, start: date, end: date) -> bool:
        return self.fact.division == division and self.first <= end and self.last >= start - _ONE_DAY

    def is_stay(self, start: date, end: date, window_start: date) -> bool:
        """The same days within the window; what is stated beyond it must begin the same too."""
        begin = self.first if start < window_start else max(self.first, window_start)
        return begin == start and self.last == end


def _stays_before(earlier: Sequence[Fact], span: _Span, zone: str) -> list[_Before]:
    """The declared stays that reach into the window."""
    stays = [
        _Before(fact, fact.start, last_day(fact, zone, span.last))
        for fact in earlier
        if fact.kind == FactKind.STAY
    ]
    return [one for one in stays if one.last >= span.first]


def _days_by_division(statements: Statements, span: _Span) -> dict[str, set[date]]:
    """Every day of the window by where it was spent; days without another place were spent at home."""
    days: dict[str, set[date]] = {}
    away: set[date] = set()
    for stay in statements.stays:
        spent = set(_each_day(stay.start, stay.end))
        days.setdefault(stay.division, set()).update(spent)
        away |= spent
    at_home = set(_each_day(span.first, span.last)) - away
    if at_home:
        days.setdefault(statements.home, set()).update(at_home)
    return days


def _each_day(first: date, last: date) -> Iterator[date]:
    return (first + number * _ONE_DAY for number in range((last - first).days + 1))


def _runs(days: Mapping[str, set[date]]) -> list[tuple[str, date, date]]:
    """Every stretch of days without a gap, in the order of days."""
    runs: list[tuple[str, date, date]] = []
    for division, spent in days.items():
        start = previous = min(spent)
        for day in sorted(spent)[1:]:
            if day - previous > _ONE_DAY:
                runs.append((division, start, previous))
                start = day
            previous = day
        runs.append((division, start, previous))
    return sorted(runs, key=lambda run: (run[1], run[0]))
