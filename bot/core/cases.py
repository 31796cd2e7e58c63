"""Cases beside a rule book: a person, a clock and what must come out, so that rules and examples travel together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.core.assess import Assessment, assess
from bot.core.days import ONE_DAY, zone
from bot.core.facts import FactKind, check_fact
from bot.core.model import (
    RISK_LEVELS,
    Colour,
    Detail,
    Fact,
    Identity,
    Person,
    PunchInDay,
    RiskEntry,
    RiskMap,
    State,
)
from bot.core.rulebook import DEFAULT_ZONE, InvalidRuleBook
from bot.core.rules import RuleBook
from bot.core.yaml_lines import Entry, Problems, Reader, read_yaml

SITUATIONS = ("empty", "just_under", "exactly", "just_over", "calendar", "other")
_REPORTED = time(8)
"""A fact without a `known_at` became known at 08:00 of its last day."""


@dataclass(frozen=True, slots=True)
class Case:
    """One example of one rule."""

    name: str
    rule: str
    situation: str
    line: int
    person: Person
    risk: RiskMap
    at: datetime
    colour: Colour
    state: State
    findings: tuple[str, ...]
    missing: tuple[str, ...]
    next_change_at: datetime | None
    next_needs: tuple[str, ...] | None

    def problems(self, book: RuleBook) -> list[str]:
        """What comes out otherwise than the case says."""
        seen: Assessment = assess(self.person, book, self.risk, self.at)
        found = []
        for what, wanted, got in (
            ("colour", self.colour, seen.colour),
            ("state", self.state, seen.state),
            ("findings", self.findings, tuple(one.rule_id for one in seen.findings)),
            ("missing", self.missing, seen.missing),
        ):
            if wanted != got:
                found.append(f"{self.name}: {what} should be {_plain(wanted)}, but is {_plain(got)}")
        if self.next_change_at is not None and seen.next_change_at != self.next_change_at:
            found.append(f"{self.name}: next_change_at is {seen.next_change_at}")
        if self.next_needs is not None and seen.next_change_needs != self.next_needs:
            found.append(f"{self.name}: next_needs is {_plain(seen.next_change_needs)}")
        return found


def _plain(value: object) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)


def parse_cases(text: str, name: str) -> tuple[Case, ...]:
    """The cases in that text; InvalidRuleBook with all problems at once, as `name:line: problem`."""
    problems = Problems(name)
    document = read_yaml(text, problems)
    if document is None:
        if not problems:
            problems.add(1, "the file is empty")
        raise InvalidRuleBook(problems.lines())
    reader = Reader(document, problems, "the file of cases")
    rule = reader.text("rule")
    cases = [_read_case(one, rule) for one in reader.mappings("cases", "a case")]
    reader.finish()
    if problems:
        raise InvalidRuleBook(problems.lines())
    return tuple(case for case in cases if case is not None)


def _read_case(reader: Reader, rule: str) -> Case | None:
    name = reader.text("name")
    reader.what = f"the case {name!r}"
    situation = reader.text("situation", among=SITUATIONS)
    at = reader.instant("at", DEFAULT_ZONE)
    person = _read_person(reader)
    risk = RiskMap(_read_risk(reader))
    expect = reader.mapping("expect")
    reader.finish()
    if expect is None or at is None:
        return None
    case = Case(
        name=name, rule=rule, situation=situation, line=reader.line, person=person, risk=risk, at=at,
        colour=Colour(expect.text("colour", "grey", among=tuple(Colour))),
        state=State(expect.text("state", "decided", required=False, among=tuple(State))),
        findings=tuple(str(one.value) for one in expect.entries("findings", required=False)),
        missing=expect.texts("missing", required=False),
        next_change_at=expect.instant("next_change_at", DEFAULT_ZONE, required=False),
        next_needs=expect.texts("next_needs", required=False) if expect.has("next_needs") else None,
    )  # fmt: skip
    expect.finish()
    return case


def _read_person(parent: Reader) -> Person:
    reader = parent.mapping("person", required=False) or Reader(
        Entry({}, parent.line), parent.problems, "the person"
    )
    zone_name = reader.text("zone", DEFAULT_ZONE, required=False)
    try:
        zone(zone_name)
    except ValueError as error:
        reader.problem(str(error), "zone")
        zone_name = DEFAULT_ZONE
    person = Person(
        identity=Identity(reader.text("identity", "verified", required=False, among=tuple(Identity))),
        declared=reader.flag("declared", True),
        zone=zone_name,
        home=reader.text("home", required=False) or None,
        minor=reader.flag("minor"),
        facts=tuple(
            fact
            for number, one in enumerate(reader.mappings("facts", "a fact", required=False), start=1)
            if (fact := _read_fact(one, number, zone_name)) is not None
        ),
        punch_in_days=(*_read_days(reader, "normal", True), *_read_days(reader, "not_normal", False)),
        declared_day=reader.day("declared_day", required=False),
    )
    reader.finish()
    return person


def _read_fact(reader: Reader, number: int, zone_name: str) -> Fact | None:
    start = reader.day("start")
    end = reader.day("end", required=False)
    known_at = reader.instant("known_at", zone_name, required=False)
    kind = reader.text("kind", among=tuple(FactKind))
    given = reader.mapping("details", required=False)
    details = {} if given is None else _read_details(given)
    division = reader.text("division", required=False) or None
    source = reader.text("source", "health_commission", required=False)
    occurrence = reader.text("occurrence", required=False) or None
    withdrawn_at = reader.instant("withdrawn_at", zone_name, required=False)
    fact = None
    if start is not None:
        last = start if kind == FactKind.OVERRIDE else end or start
        fact = Fact(
            id=number, kind=kind, start=start, end=end,
            division=division, source=source,
            reference=f"case-{number}",
            occurrence=occurrence,
            known_at=known_at or datetime.combine(last, _REPORTED, zone(zone_name)).astimezone(UTC),
            withdrawn_at=withdrawn_at, details=details,
        )  # fmt: skip
        for problem in check_fact(fact, zone_name) if kind else ():
            reader.problem(problem)
    reader.finish()
    return fact


def _read_details(reader: Reader) -> dict[str, Detail]:
    details: dict[str, Detail] = {}
    for name in reader.names():
        entry = reader.entry(name)
        if entry is not None and isinstance(entry.value, str | int | bool):
            details[name] = entry.value
        elif entry is not None:
            reader.problem(f"{name!r} is not a plain value", name)
    return details


def _read_days(reader: Reader, key: str, normal: bool) -> list[PunchInDay]:
    """Days, each by itself or as `first..last`."""
    found: list[PunchInDay] = []
    for one in reader.entries(key, required=False):
        first, _, last = str(one.value).partition("..")
        try:
            day, until = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError:
            reader.problems.add(one.line, f"not a day, nor first..last: {one.value!r}")
            continue
        if until - day > timedelta(days=400):
            reader.problems.add(one.line, f"too many days: {one.value!r}")
            continue
        while day <= until:
            found.append(PunchInDay(day, normal))
            day += ONE_DAY
    return found


def _read_risk(parent: Reader) -> list[RiskEntry]:
    found = []
    for reader in parent.mappings("risk", "a risk level", required=False):
        first, last = reader.day("first"), reader.day("last", required=False)
        level = reader.text("level", among=RISK_LEVELS)
        known_at = reader.instant("known_at", DEFAULT_ZONE, required=False)
        if first is not None and last is not None and last < first:
            reader.problem("the risk level ends before it starts", "last")
        elif first is not None and level:
            found.append(
                RiskEntry(
                    reader.text("division"),
                    first,
                    last,
                    level,
                    known_at or datetime.combine(first, time(), UTC),
                )
            )
        reader.finish()
    return found
