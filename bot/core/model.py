"""What scoring reads and says: people, facts, days, risk levels, colours. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

Detail = str | int | bool


class Colour(StrEnum):
    """The colour of a health code; grey stands outside the order green < yellow < red."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    GREY = "grey"


SEVERITY: Mapping[Colour, int] = {Colour.GREEN: 0, Colour.YELLOW: 1, Colour.RED: 2}
WORST_FIRST = (Colour.RED, Colour.YELLOW, Colour.GREY, Colour.GREEN)
"""In which order codes are looked at: grey needs something to be done, green nothing."""
BY_SEVERITY = (Colour.GREEN, Colour.YELLOW, Colour.RED)


class State(StrEnum):
    """How firm a colour is; grey is undecided or expired, a code that was asked about first is pending."""

    DECIDED = "decided"
    PENDING = "pending"
    UNDECIDED = "undecided"
    EXPIRED = "expired"


class Identity(StrEnum):
    """How well it is known who somebody is."""

    NONE = "none"
    CLAIMED = "claimed"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Fact:
    """One dated statement about one resident; days are days of the resident's zone, both ends included.

    An `end` of None means: only the start day (most kinds), still going on when it became known (stays),
    or going on until something ends it (measures). `bot.core.facts` says which kind means what.
    """

    id: int
    kind: str
    start: date
    end: date | None
    division: str | None
    source: str
    reference: str
    occurrence: str | None
    known_at: datetime
    withdrawn_at: datetime | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PunchInDay:
    """One day on which the resident punched in; normal means no fever and no symptom."""

    day: date
    normal: bool


@dataclass(frozen=True, slots=True)
class Person:
    """All that rules may know of one resident.

    `punch_in_days` has every day since the earliest fact, and at least those of the last
    `RuleBook.look_back_days`; a run that ended a hold must not be forgotten while the fact is kept.
    `declared_day` is the day of the last declaration, which counts as a report of that day.
    """

    identity: Identity
    declared: bool
    zone: str
    home: str | None
    minor: bool
    facts: tuple[Fact, ...]
    punch_in_days: tuple[PunchInDay, ...]
    declared_day: date | None = None


@dataclass(frozen=True, slots=True)
class RiskEntry:
    """One published risk level of one division from one day to another; None takes a level back."""

    division: str
    first: date
    last: date | None
    level: str | None
    known_at: datetime


RISK_LEVELS = ("low", "medium", "high")
PREFIXES = (12, 9, 6, 4, 2)
"""The lengths of division codes, the longest first."""


class RiskMap:
    """The risk level of every division on every day, as it was known at any instant."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[RiskEntry] = ()) -> None:
        found: dict[str, list[RiskEntry]] = {}
        for entry in entries:
            if entry.level is not None and entry.level not in RISK_LEVELS:
                raise ValueError(f"unknown risk level: {entry.level!r}")
            if entry.known_at.tzinfo is None:
                raise ValueError("the instant at which a risk level became known has no zone")
            if entry.last is not None and entry.last < entry.first:
                raise ValueError(f"a risk level of {entry.division} ends before it starts")
            found.setdefault(entry.division, []).append(entry)
        for of_one in found.values():
            of_one.sort(key=lambda entry: (entry.known_at, RISK_LEVELS.index(entry.level or "low")))
        self._entries = {division: tuple(of_one) for division, of_one in found.items()}

    @property
    def entries(self) -> Mapping[str, tuple[RiskEntry, ...]]:
        """What was published of each division, the earliest known first."""
        return self._entries

    def level(self, division: str, day: date, at: datetime | None = None) -> str | None:
        """The level on that day as known at that instant (None: as known last); None if unknown.

        The longest known prefix of the division wins; of several statements the last one published wins.
        """
        if not self._entries:
            return None
        for length in PREFIXES:
            if length <= len(division):
                level = self._of_prefix(division[:length], day, at)
                if level is not None:
                    return level
        return None

    def level_throughout(self, division: str, first: date, last: date, at: datetime) -> str | None:
        """The level, as known at that instant, if one statement gives it for all of these days; else None."""
        for length in PREFIXES:
            for entry in (
                reversed(self._entries.get(division[:length], ())) if length <= len(division) else ()
            ):
                if (
                    entry.known_at <= at
                    and entry.first <= last
                    and (entry.last is None or entry.last >= first)
                ):
                    whole = entry.first <= first and (entry.last is None or entry.last >= last)
                    return entry.level if whole else None
        return None

    def first_level(self, division: str, day: date, since: datetime, until: datetime) -> str | None:
        """The level on that day that was published first after `since`, by `until`; None if none was."""
        first: RiskEntry | None = None
        for length in PREFIXES:
            for entry in self._entries.get(division[:length], ()) if length <= len(division) else ():
                if (
                    entry.level is not None
                    and since < entry.known_at <= until
                    and entry.first <= day
                    and (entry.last is None or day <= entry.last)
                    and (first is None or entry.known_at < first.known_at)
                ):
                    first = entry
        return None if first is None else first.level

    def _of_prefix(self, prefix: str, day: date, at: datetime | None) -> str | None:
        for entry in reversed(self._entries.get(prefix, ())):
            if (
                (at is None or entry.known_at <= at)
                and entry.first <= day
                and (entry.last is None or day <= entry.last)
            ):
                return entry.level
        return None
