"""Assessment: from facts to findings, scores and a colour, with everything that explains it.

A colour is a pure function of the person, the versions of one scheme's rule book, the risk map and the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from bot.core import outlook
from bot.core.evaluate import Books, Finding, HoldArithmetic, Moment, find, visible_facts
from bot.core.model import BY_SEVERITY, SEVERITY, Colour, Identity, Person, RiskMap, State
from bot.core.rules import REPORT_MISSING, Report, RuleBook
from bot.core.scores import scores, severity

__all__ = ["Assessment", "Books", "Finding", "HoldArithmetic", "assess"]

NO_RULE_BOOK = "rule_book"


class _Outcome(NamedTuple):
    colour: Colour
    state: State
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]
    moment: Moment | None = None


class Assessment:
    """One person's colour in one scheme at one instant; what explains it is worked out when asked for.

    `missing` has codes: identity, declaration, home, report, rule_book, risk:<division>.
    """

    __slots__ = ("_ahead", "_books", "_moment", "_person", "_risk", "_stage", "at", "book", "colour", "findings", "missing", "scheme", "state")  # fmt: skip

    def __init__(
        self, scheme: str, outcome: _Outcome, book: RuleBook | None, at: datetime,
        *, person: Person, books: Books | None, risk: RiskMap,
    ) -> None:  # fmt: skip
        self.scheme = scheme
        self.colour, self.state, self.missing, self.findings, self._moment = outcome
        self.book = book
        self.at = at
        self._person = person
        self._books = books
        self._risk = risk
        self._ahead: outlook.Ahead | None = None
        self._stage: outlook.Stage | None = None

    @property
    def version(self) -> str | None:
        """The version of the rule book that judged; None if there was none."""
        return None if self.book is None else self.book.version

    @property
    def illustrative(self) -> bool:
        """Whether the rule book's figures are partly assumed; whoever shows the colour must say so."""
        return self.book is not None and self.book.illustrative

    @property
    def dimensions(self) -> dict[str, int]:
        """The points of each dimension of the rule book, in its order."""
        return {} if self.book is None else scores(self.findings, self.book, self._books)

    @property
    def decisive(self) -> Finding | None:
        """The finding that keeps the colour: the most severe one, and of these the one that ends last."""
        worsening = [one for one in self.findings if one.at_most is None]
        return max(worsening, key=_weight, default=None)

    @property
    def hold(self) -> HoldArithmetic | None:
        """The hold of the decisive finding."""
        decisive = self.decisive
        return None if decisive is None else decisive.hold

    @property
    def next_change_at(self) -> datetime | None:
        """The earliest instant at which the clock and normal punch-ins alone change the colour.

        It takes for granted that the person punches in normally from now on; the end of a report's validity
        is `RuleBook.covered_until`. It is `at` itself where a normal punch-in today is all that is needed.
        """
        return self._look_ahead().at

    @property
    def next_change_needs(self) -> tuple[str, ...]:
        """What is needed until then: `time`, `normal_punch_ins:<n>`; without such an instant: `relief:<rule id>`, or what is missing."""
        return self._look_ahead().needs

    @property
    def next_colour(self) -> Colour | None:
        """The colour at `next_change_at`."""
        return self._look_ahead().colour

    @property
    def review_at(self) -> datetime | None:
        """The earliest instant at which the clock alone may change this result: time to assess again."""
        if self._books is None:
            return None
        stage = self.stage
        if stage is None or not self._person.facts:
            expires = None if self.book is None else outlook.report_expires(self._person, self.book, self.at)
            change = self._books.next_change(self.at)
            return min((one for one in (expires, change) if one is not None), default=None)
        return outlook.first_edge(self._person, stage)

    @property
    def stage(self) -> outlook.Stage | None:
        """What runs on from this instant, for the outlook; None without a rule book."""
        if (
            self._stage is None
            and self._moment is not None
            and self.book is not None
            and self._books is not None
        ):
            self._stage = outlook.stage(self._books, self.book, self._moment)
        return self._stage

    def without(self, fact_id: int) -> Assessment:
        """The assessment as it would be if that fact were withdrawn; ValueError if the person has no such fact."""
        kept = tuple(fact for fact in self._person.facts if fact.id != fact_id)
        if len(kept) == len(self._person.facts):
            raise ValueError(f"no fact {fact_id}")
        person = replace(self._person, facts=kept)
        if self._moment is None or self.book is None or self._books is None:
            return self._again(person, self.at)
        outcome = _judge(person, self._books, self.book, self._moment.without(fact_id, person))
        return Assessment(
            self.scheme, outcome, self.book, self.at, person=person, books=self._books, risk=self._risk
        )

    def to_json(self, *, ahead: bool = True) -> dict[str, Any]:
        """Plain ids, codes, whole numbers and ISO dates, in a fixed order; no texts and no personal data.

        Without `ahead` it leaves out what lies ahead (next_* and review_at), which costs several assessments
        where there are facts.
        """
        known = {
            "scheme": self.scheme,
            "version": self.version,
            "illustrative": self.illustrative,
            "at": self.at.isoformat(),
            "colour": self.colour.value,
            "state": self.state.value,
            "missing": list(self.missing),
            "findings": [_finding_json(one) for one in self.findings],
            "dimensions": self.dimensions,
        }
        if not ahead:
            return known
        return known | {
            "next_change_at": _iso(self.next_change_at),
            "next_change_needs": list(self.next_change_needs),
            "next_colour": None if self.next_colour is None else self.next_colour.value,
            "review_at": _iso(self.review_at),
        }

    def _again(self, person: Person, at: datetime) -> Assessment:
        return assess(person, self._books, self._risk, at, scheme=self.scheme)

    def __repr__(self) -> str:
        return f"<Assessment {self.scheme} {self.version} {self.colour.value} {self.state.value}>"

    def _look_ahead(self) -> outlook.Ahead:
        if self._ahead is None:
            stage = None if self.colour is Colour.GREEN and not self._person.facts else self.stage
            if stage is None or self._books is None:
                self._ahead = outlook.nothing_ahead(self)
            else:
                self._ahead = outlook.look_ahead(
                    self, self._person, self._books, now=stage, assess=self._again
                )
        return self._ahead


def assess(
    person: Person, books: Books | None, risk: RiskMap, at: datetime, *, scheme: str = ""
) -> Assessment:
    """The colour of one person in one scheme at one instant.

    `books` is `RuleBooks.history(scheme)`, or one RuleBook; None, and an instant at which no version is in
    force, leave the colour grey and undecided. What became known after `at`, or was withdrawn by then, is
    ignored; so are punch-in days after the day of `at`. ValueError for an instant or a zone that is none.
    """
    if at.tzinfo is None:
        raise ValueError("an assessment needs an instant with a zone")
    book = None if books is None else books.at(at)
    if books is None or book is None:
        outcome = _Outcome(Colour.GREY, State.UNDECIDED, (NO_RULE_BOOK,), ())
    else:
        moment = Moment(person, risk, at, visible_facts(person, at) if person.facts else [])
        outcome = _judge(person, books, book, moment)
    return Assessment(
        scheme or (books.scheme if books is not None else ""),
        outcome,
        book,
        at,
        person=person,
        books=books,
        risk=risk,
    )


def _judge(person: Person, books: Books, book: RuleBook, moment: Moment) -> _Outcome:
    missing = _missing(person, book, moment.today)
    if missing:
        return _Outcome(Colour.GREY, State.UNDECIDED, missing, (), moment)
    findings, unknown = find(books, book, moment) if moment.facts else ([], set())
    worst = severity(findings, book, books) if findings else 0
    report = book.report
    if report is not None and outlook.expired(
        outlook.last_report(person, moment.today), report, moment.today
    ):
        if report.when_missing == "yellow":
            findings.append(_missing_report(book, report))
            worst = severity(findings, book, books)
        elif worst == 0:
            return _Outcome(Colour.GREY, State.EXPIRED, ("report",), tuple(findings), moment)
    if unknown and worst < SEVERITY[Colour.RED]:
        codes = tuple(f"risk:{division}" for division in sorted(unknown))
        return _Outcome(Colour.GREY, State.UNDECIDED, codes, tuple(findings), moment)
    state = State.DECIDED
    if any(one.pending for one in findings):
        firm = severity([one for one in findings if not one.pending], book, books)
        state = State.PENDING if firm < worst else State.DECIDED
    return _Outcome(BY_SEVERITY[worst], state, (), tuple(findings), moment)


def _missing(person: Person, book: RuleBook, today: date) -> tuple[str, ...]:
    missing = []
    if person.identity is not Identity.VERIFIED:
        missing.append("identity")
    for wanted in book.requires:
        if (
            (wanted == "declaration" and not person.declared)
            or (wanted == "home" and not person.home)
            or (wanted == "report" and outlook.last_report(person, today) is None)
        ):
            missing.append(wanted)
    return tuple(missing)


def _missing_report(book: RuleBook, report: Report) -> Finding:
    return Finding(REPORT_MISSING, None, None, 0, Colour.YELLOW, None, False, book.version, report.text, None)


def _weight(finding: Finding) -> tuple[int, int, date]:
    at_least = 0 if finding.at_least is None else SEVERITY[finding.at_least]
    until = finding.hold_until or (date.max if finding.hold is not None else date.min)
    return at_least, finding.points, until


def _iso(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _finding_json(finding: Finding) -> Mapping[str, Any]:
    hold = finding.hold
    return {
        "rule": finding.rule_id,
        "fact": finding.fact_id,
        "version": finding.version,
        "dimension": finding.dimension,
        "points": finding.points,
        "at_least": None if finding.at_least is None else finding.at_least.value,
        "at_most": None if finding.at_most is None else finding.at_most.value,
        "pending": finding.pending,
        "hold": None if hold is None else {
            "anchor": None if hold.anchor is None else hold.anchor.isoformat(),
            "days": hold.days,
            "days_end_at": _iso(hold.days_end_at),
            "normal_wanted": hold.normal_wanted,
            "normal_have": hold.normal_have,
            "consecutive": hold.consecutive,
            "waits_for": hold.waits_for,
            "step": hold.step,
            "steps": hold.steps,
        },
    }  # fmt: skip
