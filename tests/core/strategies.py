"""Strategies that draw people, facts, risk maps, clocks and rule books: the shipped ones, and mutations of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from bot.core.days import ONE_DAY, begins
from bot.core.facts import KINDS, Ending, FactKind, Field, check_fact
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
)
from bot.core.rulebook import parse_rulebook
from bot.core.rules import BookHistory, Gives, Hold, Report, Rule, RuleBook, RuleBooks, Window
from bot.services.borders import load_borders
from bot.services.rulebooks import load_rulebooks

CONFIG = Path(__file__).resolve().parents[2] / "config"
FIRST = date(2020, 3, 1)
CLOCK = (datetime(2020, 3, 4, tzinfo=UTC), datetime(2020, 4, 16, tzinfo=UTC))
ZONES = (
    "Asia/Shanghai",
    "Asia/Shanghai",
    "Asia/Urumqi",
    "America/New_York",
    "Europe/London",
    "Pacific/Auckland",
)
"""New York and London change their clocks in these weeks, Auckland sets them back."""
DIVISIONS = ("42", "4201", "420106", "420106003", "421", "330106", "330106001", "440304", "43")
SOURCES = ("telecom", "worker", "declaration", "punch_in", "checkpoint", "health_commission", "hospital")

_TEXT = "{zh: 一句话, en: A sentence}"
_EVERYTHING = f"""\
scheme: everything
version: "1.0"
status: illustrative
valid_from: 2020-01-01
requires: [identity, declaration, home, report]
unknown_risk: undecided
sources: []
assumed: [everything, to meet every condition that there is]
report: {{valid_days: 5, when_missing: yellow, text: {_TEXT}}}
dimensions: {{space: {{combine: sum, cap: 90}}, relation: {{combine: max, cap: 60}}}}
bands: {{green: [0, 39], yellow: [40, 79], red: [80, 150]}}
rules:
  - {{id: visits, fact: [stay, journey], when: {{visits: {{min: 2}}}}, gives: {{dimension: space, points: 40}}, days_since: {{max: 14}}, text: {_TEXT}}}
  - {{id: visits_held, fact: stay, when: {{visits: {{min: 2}}, division: ["42"]}}, gives: {{dimension: space, points: 30}}, hold: {{anchor: end, days: 3}}, text: {_TEXT}}}
  - {{id: codes, fact: symptom, when: {{codes_together: {{min: 2}}}}, gives: {{at_least: red}}, hold: {{days: 2, normal_punch_ins: 2}}, text: {_TEXT}}}
  - {{id: codes_now, fact: symptom, when: {{codes_together: {{min: 2}}, symptom_group: [body, respiratory]}}, gives: {{at_least: yellow}}, days_since: {{of: known, max: 5}}, text: {_TEXT}}}
  - {{id: sure_place, fact: [stay, region_origin, journey], when: {{corroborated: true, not_division: ["4201"]}}, gives: {{dimension: space, points: 50}}, days_since: {{min: 1, max: 10}}, text: {_TEXT}}}
  - {{id: sure_place_held, fact: stay, when: {{corroborated: true}}, risk: [high, unknown], gives: {{dimension: space, points: 50}}, hold: {{anchor: end, days: 4, normal_punch_ins: 3, counting: total}}, text: {_TEXT}}}
  - {{id: child, fact: contact, when: [{{minor: true, degree: {{max: 2}}}}, {{minor: false, certainty: sure, degree: 1}}], gives: {{dimension: relation, points: 60}}, hold: {{days: 4, normal_punch_ins: 3}}, then: [{{gives: {{at_least: yellow}}, hold: {{days: 2, normal_punch_ins: 2}}}}, {{gives: {{dimension: relation, points: 5}}, hold: {{anchor: known, days: 9}}}}], text: {_TEXT}}}
  - {{id: carriage, fact: journey, when: [{{same_carriage: true, rows_apart: {{max: 3}}}}, {{mode: flight, with_case: true}}], gives: {{at_least: red}}, days_since: {{max: 14}}, text: {_TEXT}}}
  - {{id: long_stay, fact: [stay, measure], when: {{days: {{min: 3, max: 9}}}}, risk: [medium, high], gives: {{dimension: space, points: 20}}, hold: {{anchor: end, days: 5}}, text: {_TEXT}}}
  - {{id: long_stay_now, fact: [stay, entry], when: {{days: {{min: 2}}}}, risk: [low, unknown], gives: {{dimension: space, points: 20}}, days_since: {{of: start, max: 20}}, text: {_TEXT}}}
  - {{id: elsewhere, fact: other_place_colour, when: {{colour: red}}, gives: {{at_least: red}}, only_its_source: true, text: {_TEXT}}}
  - {{id: elsewhere_yellow, fact: other_place_colour, when: {{colour: yellow}}, gives: {{at_least: yellow}}, only_its_source: true, text: {_TEXT}}}
  - {{id: case, fact: diagnosis, gives: {{at_least: red}}, hold: {{after: tested_twice, days: 2}}, then: [{{gives: {{at_least: yellow}}, hold: {{after: lifted, normal_punch_ins: 1}}}}], text: {_TEXT}}}
  - {{id: place, fact: shared_building, gives: {{dimension: relation, points: 40}}, days_since: {{of: start, max: 14}}, text: {_TEXT}}}
  - {{id: missed, fact: [missed_test, care], gives: {{at_least: yellow}}, days_since: {{max: 30}}, text: {_TEXT}}}
  - {{id: home, fact: measure, gives: {{at_least: yellow}}, text: {_TEXT}}}
  - {{id: tested_twice, effect: exonerating, fact: test, when: {{result: negative}}, enough: {{count: 2, hours_apart: 24, within_days: 5}}, ends: [place, missed, child], text: {_TEXT}}}
  - {{id: lifted, effect: exonerating, fact: measure_lifted, ends: [home, place], text: {_TEXT}}}
  - {{id: trusted, effect: exonerating, fact: override, when: {{colour: [green, yellow]}}, gives: {{at_most: yellow}}, text: {_TEXT}}}
  - {{id: cleared, effect: exonerating, fact: test, when: {{result: negative, method: antigen}}, gives: {{at_most: green}}, days_since: {{max: 2}}, text: {_TEXT}}}
"""


@cache
def shipped() -> RuleBooks:
    """The rule books that are delivered, and one that has every condition there is."""
    books = load_rulebooks(CONFIG / "rulebooks", load_borders(CONFIG / "divisions"))
    return RuleBooks([*books, parse_rulebook(_EVERYTHING, "everything.yaml")])


def schemes() -> list[str]:
    """Their schemes."""
    return sorted({book.scheme for book in shipped()})


def _value(field: Field) -> st.SearchStrategy[Detail]:
    if field.choices:
        return st.sampled_from(field.choices)
    if field.bounds is not None:
        low, high = field.bounds
        few = {min(low + number, high) for number in range(4)} | {373} & set(range(low, min(high, 999) + 1))
        return st.sampled_from(sorted(few))
    return st.booleans() if field.flag else st.sampled_from(["a", 'b"', "丙"])


@st.composite
def details(draw: st.DrawFn, kind: str) -> dict[str, Detail]:
    """Valid details of a fact of that kind."""
    of_kind = KINDS[kind]
    wanted = {name for name, field in of_kind.fields.items() if field.required}
    if of_kind.one_of:
        wanted.add(draw(st.sampled_from(of_kind.one_of)))
    found: dict[str, Detail] = {}
    for name, field in of_kind.fields.items():
        if name in wanted or draw(st.booleans()):
            found[name] = draw(_value(field))
    if kind == FactKind.OVERRIDE:
        found["issuer"], found["second_person"] = "w1", "w2"
    return found


@st.composite
def facts(draw: st.DrawFn, number: int, zone: str, kinds: tuple[str, ...] = tuple(KINDS)) -> Fact:
    """A valid fact: of any kind, perhaps withdrawn, perhaps known long after it started."""
    kind = draw(st.sampled_from(kinds))
    of_kind = KINDS[kind]
    start = FIRST + draw(st.integers(0, 24)) * ONE_DAY
    known_day = start + draw(st.sampled_from([0, 0, 1, 2, 5, 9])) * ONE_DAY
    known_at = begins(known_day, zone) + timedelta(minutes=draw(st.sampled_from([0, 1, 720, 1379])))
    end = None
    if of_kind.ending is Ending.FORBIDDEN or draw(st.booleans()):
        longest = (known_day - start).days
        if of_kind.ending in (Ending.FORBIDDEN, Ending.OPEN):
            longest += 12
        end = start + draw(st.integers(0, longest)) * ONE_DAY
    placed = of_kind.place == "required" or (of_kind.place == "optional" and draw(st.booleans()))
    withdrawn = draw(st.sampled_from([None] * 9 + [0, 3, 12]))
    fact = Fact(
        number, kind, start, end, draw(st.sampled_from([one for one in DIVISIONS if len(one) != 3])) if placed else None,
        draw(st.sampled_from(SOURCES)), f"r{number}", draw(st.sampled_from([None, None, "a", "b"])),
        known_at, None if withdrawn is None else known_at + withdrawn * ONE_DAY, draw(details(kind)),
    )  # fmt: skip
    assert check_fact(fact, zone) == ()
    return fact


@st.composite
def punch_ins(draw: st.DrawFn) -> tuple[PunchInDay, ...]:
    """Stretches of days, mostly normal, with gaps, days reported twice, and days that are yet to come."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, 45))
        found += [
            PunchInDay(FIRST + (first + number) * ONE_DAY, True) for number in range(draw(st.integers(1, 18)))
        ]
    for number in draw(st.lists(st.integers(0, 50), max_size=3)):
        found.append(PunchInDay(FIRST + number * ONE_DAY, draw(st.booleans())))
    return tuple(found)


@st.composite
def stories(draw: st.DrawFn, zone: str) -> tuple[list[Fact], tuple[PunchInDay, ...]]:
    """Facts that belong together, as chance hardly ever draws them, and punch-ins on the days after them."""
    start = FIRST + draw(st.integers(0, 12)) * ONE_DAY

    def one(number: int, kind: str, day: int, source: str = "hospital", division: str | None = None, **more: Detail) -> Fact:  # fmt: skip
        on = start + day * ONE_DAY
        known_at = begins(on, zone) + timedelta(hours=9)
        return Fact(number, kind, on, None, division, source, f"s{number}", None, known_at, None, more)

    tested = [one(103 + number, "test", day, result="negative", method="pcr") for number, day in enumerate(draw(st.lists(st.integers(0, 6), max_size=3)))]  # fmt: skip
    told = draw(
        st.sampled_from(
            [
                [],
                [one(101, "contact", 0, degree=1, certainty="sure")],
                [one(101, "symptom", 0, "punch_in", code="fever"), one(102, "symptom", 3, "punch_in", code="cough")],
                [one(101, "shared_building", 0, scope="building"), *tested],
                [one(101, "diagnosis", 0, status="confirmed"), one(102, "measure_lifted", 9, reason="discharged"), *tested],
                [one(101, "measure", 0, measure="home"), one(102, "measure_lifted", 9, reason="completed"), *tested],
                [
                    one(101, "stay", 0, "declaration", draw(st.sampled_from(DIVISIONS[5:]))),
                    one(102, "stay", 2, "telecom", "420106"),
                ],
            ]
        )
    )  # fmt: skip
    days = st.lists(st.sampled_from([True] * 12 + [False, None]), max_size=24)
    marks = draw(days) + [True] * draw(st.integers(0, 18))
    return told, tuple(
        PunchInDay(start + number * ONE_DAY, normal)
        for number, normal in enumerate(marks)
        if normal is not None
    )


@st.composite
def people(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS), most: int = 7) -> Person:
    """A resident, mostly one of whom nothing is missing."""
    zone = draw(st.sampled_from(ZONES))
    number = draw(st.sampled_from([0, 1, 2, 2, 3, 3, 4, 5, most]))
    of_chance = tuple(draw(facts(one + 1, zone, kinds)) for one in range(number))
    told, after = draw(stories(zone))
    return Person(
        identity=draw(st.sampled_from([Identity.VERIFIED] * 15 + [Identity.CLAIMED])),
        declared=draw(st.sampled_from([True] * 15 + [False])),
        zone=zone,
        home=draw(st.sampled_from(["420106003"] * 15 + [None, ""])),
        minor=draw(st.booleans()),
        facts=(*of_chance, *told),
        punch_in_days=draw(st.one_of(punch_ins(), st.just(after))),
        declared_day=draw(st.sampled_from([None, FIRST, FIRST, FIRST + 20 * ONE_DAY, FIRST + 60 * ONE_DAY])),
    )


@st.composite
def risk_maps(draw: st.DrawFn) -> RiskMap:
    """Levels of some divisions, published one after the other, some taken back; often with a floor for all."""
    entries = []
    if draw(st.booleans()):
        since = datetime(2020, 1, 1, tzinfo=UTC)
        entries = [RiskEntry(one, since.date(), None, "low", since) for one in ("42", "33", "44", "43")]
    for _ in range(draw(st.integers(0, 6))):
        first = FIRST + draw(st.integers(-5, 30)) * ONE_DAY
        entries.append(
            RiskEntry(
                draw(st.sampled_from(DIVISIONS)), first,
                draw(st.sampled_from([None, first, first + 9 * ONE_DAY])),
                draw(st.sampled_from([*RISK_LEVELS, "medium", "high", None])), draw(instants()),
            )
        )  # fmt: skip
    return RiskMap(entries)


def kinds_of(history: BookHistory) -> tuple[str, ...]:
    """The kinds of fact that matter for that book, as often as rules are about them; answers, and one of no rule."""
    kinds = [kind for book in history.versions for rule in book.rules for kind in rule.kinds]
    return (*(kind for kind in kinds if kind != FactKind.OVERRIDE), FactKind.OVERRIDE, FactKind.ANSWER)


@st.composite
def towns(draw: st.DrawFn, most: int = 6) -> tuple[BookHistory, list[Person]]:
    """A scheme, and some residents about whom the facts are known that matter there."""
    history = draw(histories())
    return history, draw(st.lists(people(kinds_of(history)), min_size=1, max_size=most))


def instants() -> st.SearchStrategy[datetime]:
    """Instants around the facts, full hours among them."""
    hours = int((CLOCK[1] - CLOCK[0]).total_seconds()) // 3600
    return st.integers(0, hours * 4).map(lambda quarter: CLOCK[0] + quarter * timedelta(minutes=15))


@st.composite
def histories(draw: st.DrawFn) -> BookHistory:
    """A shipped scheme's book, mutated, in one to three versions with or without a gap between them."""
    scheme = draw(st.sampled_from([*schemes(), *["everything"] * 6, "hangzhou", "hangzhou"]))
    shipped_versions = [book for book in shipped() if book.scheme == scheme]
    edges = [datetime(2020, 1, 1, tzinfo=UTC), *sorted(draw(st.lists(instants(), max_size=2)))]
    books = []
    for number, since in enumerate(edges):
        until = draw(st.sampled_from([None, None, *edges[number + 1 :]]))
        mutated = draw(mutations(draw(st.sampled_from(shipped_versions))))
        valid_to = until if until is not None and until > since else None
        books.append(replace(mutated, version=f"1.{number}", valid_from=since, valid_to=valid_to))
    return BookHistory(scheme, books)


@st.composite
def mutations(draw: st.DrawFn, book: RuleBook) -> RuleBook:
    """The book with other days, counts, colours, points, windows, levels and ways with what is not known."""
    if draw(st.integers(0, 3)) == 0:
        return book
    rules = tuple(draw(_mutated(rule, book)) if draw(st.booleans()) else rule for rule in book.rules)
    text = {"zh": "请打卡。", "en": "Please punch in."}
    when_missing = st.sampled_from(["keep", "keep", "yellow", "grey"])
    report = st.builds(Report, st.integers(1, 9), when_missing, st.just(text))
    dimensions = {
        name: replace(one, combine=draw(st.sampled_from(["max", "sum"])))
        for name, one in book.dimensions.items()
    }
    return replace(
        book,
        rules=rules,
        requires=draw(
            st.sampled_from([book.requires, book.requires, ("identity",), ("home", "identity", "report")])
        ),
        unknown_risk=draw(st.sampled_from(["undecided", "medium", "high"])),
        dimensions=dimensions,
        report=draw(st.one_of(st.just(book.report), st.none(), report)),
    )


@st.composite
def _mutated(draw: st.DrawFn, rule: Rule, book: RuleBook) -> Rule:
    steps = tuple(
        replace(step, gives=draw(_given(step.gives, book)), hold=draw(_held(step.hold)))
        for step in rule.steps
    )
    levels = st.sets(st.sampled_from([*RISK_LEVELS, "unknown"]), min_size=1, max_size=3).map(frozenset)
    return replace(
        rule,
        gives=steps[0].gives if steps else draw(_given(rule.gives, book)),
        steps=steps,
        risk=None if rule.risk is None else draw(st.one_of(st.just(rule.risk), levels)),
        window=None if rule.window is None else draw(_windows()),
    )


@st.composite
def _given(draw: st.DrawFn, gives: Gives, book: RuleBook) -> Gives:
    if gives.at_least is not None:
        return replace(gives, at_least=draw(st.sampled_from([Colour.YELLOW, Colour.RED])))
    if gives.at_most is not None:
        return replace(gives, at_most=draw(st.sampled_from([Colour.GREEN, Colour.YELLOW])))
    if gives.dimension is None:
        return gives
    return replace(gives, points=draw(st.integers(1, book.dimensions[gives.dimension].cap)))


@st.composite
def _held(draw: st.DrawFn, hold: Hold) -> Hold:
    days, wanted = draw(st.integers(0, 14)), draw(st.sampled_from([0, 1, 2, 3, 7, 14]))
    if not days and not wanted and hold.after is None:
        days = 1
    anchors = ["start", "end", "known"] if hold.anchor != "previous" else ["previous", "start", "known"]
    return replace(
        hold,
        anchor=hold.anchor if hold.after else draw(st.sampled_from([hold.anchor, *anchors])),
        days=days,
        normal_punch_ins=wanted,
        consecutive=draw(st.booleans()),
    )


@st.composite
def _windows(draw: st.DrawFn) -> Window:
    first = draw(st.integers(0, 3))
    last = draw(st.sampled_from([first, first + 5, 14, 30]))
    return Window(draw(st.sampled_from(["start", "end", "known"])), first, max(first, last))


def rare(person: Person, history: BookHistory) -> bool:
    """Whether the columnar plan may leave that resident open: much less is left, but nothing beyond this."""
    for book in history.versions:
        for rule in book.rules:
            of_kinds = [fact for fact in person.facts if fact.kind in rule.kinds]
            if rule.ask_first is not None and any(fact.source in rule.ask_first.sources for fact in of_kinds):
                return True
            if len(of_kinds) >= rule.enough.count > 1:
                return True
    return False
