"""What a rule book is once it has been read: rules, holds, bands, versions. Values and selection only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.core.borders import NO_BORDERS, Borders
from bot.core.days import begins
from bot.core.model import SEVERITY, Colour, Detail, Fact

if TYPE_CHECKING:
    from bot.core.evaluate import Moment

Predicate = Callable[[Fact, "Moment"], bool]

REPORT_MISSING = "report_missing"
"""The id of the finding that a rule book's report validity makes."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule as data, which is compiled to a predicate; the columnar plan asks it about
    each distinct value.

    `reads` is a detail's name, or one of division, not_division, source, days, visits, codes_together,
    corroborated, minor, same_carriage, rows_apart. Which of the others counts depends on it: a value is one of
    `accepted`, lies within `bounds` (both included), or is `wanted`.
    """

    reads: str
    accepted: frozenset[Detail] = frozenset()
    bounds: tuple[int, int] | None = None
    wanted: bool = True

    @property
    def reads_moment(self) -> bool:
        """Whether it asks for more than the fact itself."""
        return self.reads in _OF_THE_MOMENT


_OF_THE_MOMENT = frozenset({"days", "visits", "codes_together", "corroborated", "minor"})


@dataclass(frozen=True, slots=True)
class Gives:
    """What a finding does: points in a dimension, a colour at least, or (to relieve) a colour at most."""

    dimension: str | None = None
    points: int = 0
    at_least: Colour | None = None
    at_most: Colour | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """How long one step of a rule stays: days from the anchor day (day 0), and normal punch-in days.

    `anchor` is start, end or known (a day of the fact), previous (the last day of the step before), or
    `after` names the relieving rule whose day is the anchor and without which the step doesn't end.
    """

    anchor: str = "start"
    after: str | None = None
    days: int = 0
    normal_punch_ins: int = 0
    consecutive: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One colour on the way back to green, and how long it is held."""

    gives: Gives
    hold: Hold


@dataclass(frozen=True, slots=True)
class Window:
    """Days between a day of the fact (start, end or known) and today, in which a rule without a hold is met."""

    since: str = "end"
    first: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class AskFirst:
    """When a location is asked about before it counts: from these sources, next to where the resident was said
    to be. Until it is answered, or the days are over, it gives less."""

    sources: frozenset[str]
    bordering_only: bool
    gives: Gives
    days: int


@dataclass(frozen=True, slots=True)
class Enough:
    """How many relieving facts are needed, how far apart at least, within how many days."""

    count: int = 1
    hours_apart: int = 0
    within_days: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. An incriminating one has `gives` (or steps); an exonerating one `ends` others, or caps them.

    `when` has alternatives, each of conditions that must all hold; empty: any fact of these kinds. `predicates`
    is the same, compiled; `reads_moment`: one asks for more than the fact itself. `only_its_source`: nothing but the fact's own source ends or caps what it gives.
    """

    id: str
    index: int
    line: int
    kinds: tuple[str, ...]
    exonerating: bool
    when: tuple[tuple[Condition, ...], ...]
    predicates: tuple[Predicate, ...]
    risk: frozenset[str] | None
    gives: Gives
    window: Window | None
    steps: tuple[Step, ...]
    ask_first: AskFirst | None
    enough: Enough
    ends: tuple[str, ...]
    only_its_source: bool
    text: Mapping[str, str]
    reads_moment: bool = field(init=False)

    def __post_init__(self) -> None:
        reads = any(one.reads_moment for alternative in self.when for one in alternative)
        object.__setattr__(self, "reads_moment", reads)


@dataclass(frozen=True, slots=True)
class Dimension:
    """How the points of one dimension combine: the highest, or the sum, and at most the cap."""

    name: str
    combine: str
    cap: int


@dataclass(frozen=True, slots=True)
class Report:
    """How long a report is valid (days, its own day included) and what its end does: keep, yellow or grey."""

    valid_days: int
    when_missing: str
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class RuleBook:
    """One published version of one scheme's rules, compiled. Immutable; compared by identity."""

    scheme: str
    version: str
    status: str
    valid_from: datetime
    valid_to: datetime | None
    requires: tuple[str, ...]
    unknown_risk: str
    rules: tuple[Rule, ...]
    dimensions: Mapping[str, Dimension]
    bands: Mapping[Colour, tuple[int, int]]
    report: Report | None
    sources: tuple[Mapping[str, str], ...]
    assumed: tuple[str, ...]
    borders: Borders = NO_BORDERS
    by_kind: Mapping[str, tuple[Rule, ...]] = field(init=False)
    by_id: Mapping[str, Rule] = field(init=False)
    enders: Mapping[str, tuple[Rule, ...]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Rule]] = {}
        enders: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if not rule.exonerating or rule.gives.at_most is not None:
                for kind in rule.kinds:
                    found.setdefault(kind, []).append(rule)
            for ended in rule.ends:
                enders.setdefault(ended, []).append(rule)
        object.__setattr__(self, "by_kind", {kind: tuple(rules) for kind, rules in found.items()})
        object.__setattr__(self, "by_id", MappingProxyType({rule.id: rule for rule in self.rules}))
        object.__setattr__(self, "enders", {ended: tuple(rules) for ended, rules in enders.items()})

    @property
    def illustrative(self) -> bool:
        """Whether some of its figures are assumed; production refuses such a book until it is confirmed."""
        return self.status == "illustrative"

    @property
    def versions(self) -> tuple[RuleBook, ...]:
        """This version alone."""
        return (self,)

    @property
    def report_validity_days(self) -> int | None:
        """How many days a report is valid, its own day included; None if the book says nothing."""
        return None if self.report is None else self.report.valid_days

    @property
    def look_back_days(self) -> int:
        """How many days of punch-ins before today are needed for somebody without facts."""
        longest = max((sum(_length(step.hold) for step in rule.steps) for rule in self.rules), default=0)
        return max(longest, self.report_validity_days or 0, 1)

    def valid_at(self, at: datetime) -> bool:
        """Whether this version may judge at that instant."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)

    def at(self, instant: datetime) -> RuleBook | None:
        """This book if it is valid then: one version alone is a history of one."""
        return self if self.valid_at(instant) else None

    def judging(self, known_at: datetime) -> RuleBook:
        """The version that judges the holds of a fact that became known then."""
        return self

    def next_change(self, at: datetime) -> datetime | None:
        """The next instant at which another version, or none, is in force."""
        return next(
            (edge for edge in (self.valid_from, self.valid_to) if edge is not None and edge > at), None
        )

    def covered_until(self, last_report_day: date, zone_name: str) -> datetime | None:
        """The instant (UTC) at which a report of that day stops being valid; None if the book says nothing."""
        if self.report is None:
            return None
        return begins(last_report_day + timedelta(days=self.report.valid_days), zone_name)

    def worst_band(self, total: int) -> Colour:
        """The colour of a total of points."""
        worst = Colour.GREEN
        for colour, (lowest, _) in self.bands.items():
            if total >= lowest and SEVERITY[colour] > SEVERITY[worst]:
                worst = colour
        return worst


def _length(hold: Hold) -> int:
    return max(hold.days, hold.normal_punch_ins) + 1


def version_key(version: str) -> tuple[int, ...]:
    """The order of versions: 1.10.0 is higher than 1.9.0; ValueError if it isn't numbers between dots."""
    return tuple(int(part) for part in version.split("."))


class BookHistory:
    """All versions of one scheme's rule book; the highest one that is valid at an instant judges there.

    `edges` are the instants, in order, at which a version comes into force or ends.
    """

    __slots__ = ("_in_force", "edges", "scheme", "versions")

    def __init__(self, scheme: str, books: Iterable[RuleBook]) -> None:
        self.scheme = scheme
        self.versions: tuple[RuleBook, ...] = tuple(
            sorted(books, key=lambda book: version_key(book.version), reverse=True)
        )
        if any(book.scheme != scheme for book in self.versions):
            raise ValueError(f"a rule book of another scheme among those of {scheme}")
        bounds = {edge for book in self.versions for edge in (book.valid_from, book.valid_to)}
        self.edges = tuple(sorted(edge for edge in bounds if edge is not None))
        found = (next((book for book in self.versions if book.valid_at(edge)), None) for edge in self.edges)
        self._in_force: tuple[RuleBook | None, ...] = (None, *found)

    def at(self, instant: datetime) -> RuleBook | None:
        """The version in force at that instant."""
        return self._in_force[bisect_right(self.edges, instant)]

    def judging(self, known_at: datetime) -> RuleBook:
        """The version that judges the holds of a fact that became known then.

        That is the one then in force; for a fact from before the first version, or from a gap, the next
        one that came into force; failing that the last one.
        """
        found = self.at(known_at)
        if found is not None:
            return found
        later = [book for book in self.versions if book.valid_from > known_at]
        return min(later, key=lambda book: book.valid_from) if later else self.versions[0]

    def next_change(self, at: datetime) -> datetime | None:
        """The next instant at which a version comes into force or ends."""
        following = bisect_right(self.edges, at)
        return self.edges[following] if following < len(self.edges) else None


class RuleBooks:
    """Every version of every scheme's rule book."""

    __slots__ = ("_histories",)

    def __init__(self, books: Iterable[RuleBook] = ()) -> None:
        found: dict[str, list[RuleBook]] = {}
        for book in books:
            of_scheme = found.setdefault(book.scheme, [])
            if any(version_key(other.version) == version_key(book.version) for other in of_scheme):
                raise ValueError(f"two rule books {book.scheme} {book.version}")
            of_scheme.append(book)
        self._histories = {scheme: BookHistory(scheme, of_scheme) for scheme, of_scheme in found.items()}

    def __iter__(self) -> Iterator[RuleBook]:
        for history in self._histories.values():
            yield from history.versions

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def history(self, scheme: str) -> BookHistory | None:
        """All versions of one scheme, to be given to `assess`; None if it has none."""
        return self._histories.get(scheme)

    def in_force(self, scheme: str, at: datetime) -> RuleBook | None:
        """The version of that scheme in force at that instant."""
        history = self._histories.get(scheme)
        return None if history is None else history.at(at)
