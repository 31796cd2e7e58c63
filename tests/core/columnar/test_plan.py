"""What the plan leaves open, refuses, and says of the clock and the books; equality is in test_equality."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from bot.core.assess import assess
from bot.core.borders import Borders
from bot.core.columnar.columns import Columns, columns_of
from bot.core.columnar.plan import Judged, Plan
from bot.core.evaluate import Books
from bot.core.model import Fact, Person, PunchInDay, RiskEntry, RiskMap
from bot.core.rules import BookHistory
from bot.services.rescore import stored_form
from tests.core.people import TEXT, book, contact, days, fact, midnight, noon, person
from tests.core.strategies import FIRST

DAY = FIRST
LATER = DAY + timedelta(days=5)
NOW = noon(LATER)
ASKING = f"""\
  - id: far
    fact: stay
    risk: [high]
    gives: {{at_least: red}}
    hold: {{anchor: end, days: 14}}
    ask_first: {{sources: [telecom], bordering_only: true, days: 7, gives: {{at_least: yellow}}}}
    text: {TEXT}
"""
TESTED = f"""\
  - id: venue
    fact: shared_building
    gives: {{at_least: yellow}}
    days_since: {{of: start, max: 14}}
    text: {TEXT}
  - id: tested
    effect: exonerating
    fact: test
    when: {{result: negative}}
    enough: {{count: 2, hours_apart: 24}}
    ends: [venue]
    text: {TEXT}
"""
NO_RISK = RiskMap()
HIGH = RiskMap([RiskEntry("4201", DAY, None, "high", midnight(DAY))])


def judge(books: Books | None, *persons: Person, risk: RiskMap = NO_RISK, at: datetime = NOW) -> Judged:
    return Plan(books, risk, at, "town").judge(columns_of(dict(enumerate(persons))))


def same(books: Books | None, *persons: Person, risk: RiskMap = NO_RISK, at: datetime = NOW) -> Judged:
    """Nobody is left open and every text is that of the one-by-one engine."""
    judged = judge(books, *persons, risk=risk, at=at)
    assert judged.open.to_list() == []
    wanted = [stored_form(assess(one, books, risk, at, scheme="town")) for one in persons]
    assert judged.results["stored"].to_list() == wanted
    return judged


def venue(number: int, day: int = 0) -> Fact:
    return fact(number, "shared_building", DAY + timedelta(days=day), scope="building")


def negative(number: int, day: int) -> Fact:
    return fact(number, "test", DAY + timedelta(days=day), result="negative")


def test_results_come_in_the_order_of_the_people() -> None:
    judged = judge(book(), person([contact(1, DAY)]), person(), person([contact(2, DAY)]))
    assert judged.results.select("resident_id", "colour", "state").rows() == [
        (0, "red", "decided"),
        (1, "green", "decided"),
        (2, "red", "decided"),
    ]


def test_without_a_rule_book_everybody_is_grey() -> None:
    judged = same(None, person([contact(1, DAY)]), person())
    assert judged.results["colour"].to_list() == ["grey", "grey"]


def test_before_the_first_version_everybody_is_grey() -> None:
    history = BookHistory("town", [book(valid_from="2021-01-01")])
    assert same(history, person([contact(1, DAY)])).results["state"].to_list() == ["undecided"]


def test_nobody_and_nothing_can_be_judged() -> None:
    judged = judge(book())
    assert (len(judged.results), len(judged.open)) == (0, 0)
    same(book(), person(), person())


def test_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an instant with a zone"):
        Plan(book(), NO_RISK, NOW.replace(tzinfo=None), "town")


def test_frames_of_another_schema_are_refused() -> None:
    columns = columns_of({1: person()})
    with pytest.raises(TypeError, match="people has"):
        Columns(columns.people.drop("minor"), columns.facts, columns.days)
    with pytest.raises(TypeError, match="days has"):
        Columns(columns.people, columns.facts, columns.days.cast({"resident_id": pl.Int32}))


def test_resident_of_an_unknown_zone_is_left_open() -> None:
    judged = judge(book(), person(zone="Mars/Base"), person())
    assert judged.open.to_list() == [0]
    assert judged.results["resident_id"].to_list() == [1]


def test_facts_and_days_of_others_are_left_aside() -> None:
    columns = columns_of({1: person([contact(1, DAY)], days(DAY, LATER)), 2: person()})
    judged = Plan(book(), NO_RISK, NOW, "town").judge(
        Columns(columns.people.filter(pl.col("resident_id") == 2), columns.facts, columns.days)
    )
    assert judged.results.select("resident_id", "colour").rows() == [(2, "green")]


def asked(declared: str, known_before: bool = True) -> Person:
    known = midnight(DAY) + timedelta(hours=1 if known_before else 60)
    said = fact(1, "stay", DAY, division=declared, source="declaration", known_at=known)
    return person([said, fact(2, "stay", DAY, end=DAY, division="420106", source="telecom")])


def test_only_who_may_be_asked_first_is_left_open() -> None:
    borders = Borders({"42": ["41"]}, {})
    books = replace(book(ASKING, head="unknown_risk: undecided\n"), borders=borders)
    near, far, too_late = asked("4115"), asked("330106"), asked("4115", known_before=False)
    by_another = person([fact(1, "stay", DAY, end=DAY, division="420106", source="worker")])
    judged = judge(books, near, far, too_late, by_another, risk=HIGH)
    assert judged.open.to_list() == [0]
    same(books, far, too_late, by_another, risk=HIGH)


def test_who_is_not_red_without_being_asked_is_not_left_open() -> None:
    books = replace(book(ASKING, head="unknown_risk: undecided\n"), borders=Borders({"42": ["41"]}, {}))
    low = RiskMap([RiskEntry(one, DAY, None, "low", midnight(DAY)) for one in ("41", "42")])
    assert same(books, asked("4115"), risk=low).results["colour"].to_list() == ["green"]
    assert same(books, asked("4115"), risk=HIGH, at=NOW + timedelta(days=30)).results["colour"].to_list() == [
        "green"
    ]


def test_only_who_may_have_enough_relieving_facts_is_left_open() -> None:
    books = book(TESTED)
    one_test = person([venue(1), negative(2, 1)])
    two_tests = person([venue(1), negative(2, 1), negative(3, 3)])
    too_early = person([venue(1, day=2), negative(2, 0), negative(3, 1)])
    nothing_found = person([negative(2, 1), negative(3, 3)])
    judged = judge(books, one_test, two_tests, too_early, nothing_found)
    assert judged.open.to_list() == [1]
    same(books, one_test, too_early, nothing_found)


def test_second_report_of_a_day_counts_once_and_the_worse_one_decides() -> None:
    run = days(DAY + timedelta(days=1), DAY + timedelta(days=14))
    at = noon(DAY + timedelta(days=15))
    twice = person([contact(1, DAY)], run + run)
    ill_once = person([contact(1, DAY)], (*run, PunchInDay(DAY + timedelta(days=9), False)))
    judged = same(book(), twice, ill_once, at=at)
    assert judged.results["colour"].to_list() == ["green", "red"]


def test_levels_of_risk_are_read_as_first_known_later() -> None:
    rules = f"""\
  - id: area
    fact: stay
    risk: [high]
    gives: {{at_least: red}}
    hold: {{anchor: end, days: 14}}
    text: {TEXT}
"""
    books = book(rules, head="unknown_risk: undecided\n")
    published = RiskMap(
        [
            RiskEntry("42", DAY, None, "high", noon(DAY + timedelta(days=2))),
            RiskEntry("42", DAY, None, "low", noon(DAY + timedelta(days=3))),
        ]
    )
    before, after = (
        person(
            [fact(1, "stay", DAY, end=DAY, division="420106", known_at=noon(DAY + timedelta(days=number)))]
        )
        for number in (1, 4)
    )
    judged = same(books, before, after, risk=published)
    assert judged.results["colour"].to_list() == ["red", "green"]
    assert same(books, before, risk=NO_RISK).results["colour"].to_list() == ["grey"]


def test_plan_judges_many_chunks_alike() -> None:
    plan = Plan(two_versions(), HIGH, NOW, "town")
    chunk = columns_of({1: person([contact(1, DAY)]), 2: person([venue(3)])})
    assert plan.judge(chunk).results.equals(plan.judge(chunk).results)


def two_versions() -> BookHistory:
    older, newer = book(TESTED), book(TESTED, version="2.0", valid_from="2020-03-03")
    return BookHistory("town", [older, newer])
