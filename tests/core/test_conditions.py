"""Each condition that a rule can make, just met and just not."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from bot.core.assess import assess
from bot.core.model import Fact, RiskMap
from tests.core.people import TEXT, book, contact, fact, noon, person

DAY = date(2020, 2, 20)
TODAY = noon(DAY + timedelta(days=5))


def met(rule: str, *facts: Fact, minor: bool = False) -> list[int | None]:
    """The facts that meet a rule of its own, held for 30 days."""
    rules = book(
        f"  - {{id: tried, text: {TEXT}, gives: {{at_least: yellow}}, hold: {{days: 30}}, {rule}}}\n"
    )
    seen = assess(person(facts, minor=minor), rules, RiskMap(), TODAY)
    return [finding.fact_id for finding in seen.findings if finding.rule_id == "tried"]


def stay(
    number: int, start: date, division: str = "420106", *, length: int = 1, source: str = "telecom"
) -> Fact:
    """A stay of some days."""
    return fact(
        number, "stay", start, end=start + timedelta(days=length - 1), division=division, source=source
    )


@pytest.mark.parametrize(
    ("when", "expected"),
    [("{min: 2}", [2, 3]), ("{max: 1}", [1]), ("{min: 2, max: 2}", [2]), ("{min: 4}", [])],
)
def test_the_length_of_a_stay_counts_both_ends(when: str, expected: list[int]) -> None:
    stays = [stay(length, DAY, length=length) for length in (1, 2, 3)]
    assert met(f"fact: stay, when: {{days: {when}}}", *stays) == expected


def test_visits_are_counted_by_day_and_county() -> None:
    twice = [
        stay(1, DAY),
        stay(2, DAY, source="worker"),
        stay(3, DAY + timedelta(days=1)),
        stay(4, DAY, "420107"),
    ]
    assert met("fact: stay, when: {visits: {min: 2}}", *twice) == [3]
    assert met("fact: stay, when: {visits: {min: 3}}", *twice) == []


def test_divisions_are_met_by_their_prefix() -> None:
    stays = [stay(1, DAY, "420106"), stay(2, DAY, "330106"), stay(3, DAY, "42")]
    assert met("fact: stay, when: {division: ['4201']}", *stays) == [1]
    assert met("fact: stay, when: {not_division: ['42']}", *stays) == [2]


def test_a_contact_without_a_division_is_in_none() -> None:
    assert met("fact: contact, when: {not_division: ['42']}", contact(1, DAY)) == []


def test_sources_are_told_apart() -> None:
    assert met("fact: stay, when: {source: [worker]}", stay(1, DAY), stay(2, DAY, source="worker")) == [2]


def test_corroboration_takes_another_source_on_the_same_days() -> None:
    one, again = stay(1, DAY), stay(2, DAY)
    other = fact(3, "stay", DAY, division="420107", source="rail", known_at=noon(DAY + timedelta(days=1)))
    rule = "fact: stay, when: {corroborated: true}"
    assert met(rule, one, again) == []
    assert met(rule, one, other) == [3]
    assert met(rule, one, stay(4, DAY + timedelta(days=1), source="rail")) == []
    same_time = fact(5, "stay", DAY, division="420106", source="rail", known_at=one.known_at)
    assert met(rule, one, same_time) == [1, 5]


def test_symptoms_of_one_day_are_counted_together() -> None:
    facts = [fact(1, "symptom", DAY, code="fever"), fact(2, "symptom", DAY, code="cough"),
             fact(3, "symptom", DAY + timedelta(days=1), code="fatigue")]  # fmt: skip
    rule = "fact: symptom, when: {codes_together: {min: 2}}"
    assert met(rule, *facts) == [1, 2]
    assert met(rule.replace("2}", "3}"), *facts) == []


def test_flags_and_numbers_of_a_fact_are_read() -> None:
    train = [
        fact(1, "journey", DAY, division="42", mode="train", with_case=True, carriage=3),
        fact(2, "journey", DAY, division="42", mode="train", with_case=False, carriage=4),
        fact(3, "journey", DAY, division="42", mode="train"),
    ]
    assert met("fact: journey, when: {with_case: true}", *train) == [1]
    assert met("fact: journey, when: {carriage: 4}", *train) == [2]
    assert met("fact: journey, when: {carriage: {max: 3}}", *train) == [1]


def test_a_rule_can_be_for_minors_only() -> None:
    assert met("fact: contact, when: {minor: true}", contact(1, DAY), minor=True) == [1]
    assert met("fact: contact, when: {minor: true}", contact(1, DAY)) == []


def test_one_of_several_conditions_is_enough() -> None:
    rule = "fact: symptom, when: [{code: fever}, {temperature_tenths: {min: 373}}]"
    facts = [fact(1, "symptom", DAY, code="fever"), fact(2, "symptom", DAY, temperature_tenths=373),
             fact(3, "symptom", DAY, temperature_tenths=372), fact(4, "symptom", DAY, code="cough")]  # fmt: skip
    assert met(rule, *facts) == [1, 2]


def journey(number: int, **details: Any) -> Fact:
    """A train with a case on board."""
    return fact(number, "journey", DAY, division="420106", mode="train", with_case=True, **details)


def test_same_carriage_needs_both_carriages_known() -> None:
    trains = [
        journey(1, carriage=5, case_carriage=5),
        journey(2, carriage=5, case_carriage=6),
        journey(3, carriage=5),
        journey(4, case_carriage=5),
    ]
    assert met("fact: journey, when: {with_case: true, same_carriage: true}", *trains) == [1]
    assert met("fact: journey, when: {same_carriage: false}", *trains) == [2]


@pytest.mark.parametrize(
    ("row", "expected"), [(9, []), (10, [1]), (13, [1]), (16, [1]), (17, [])],
)  # fmt: skip
def test_rows_are_counted_to_the_front_and_to_the_back(row: int, expected: list[int]) -> None:
    flights = [journey(1, row=row, case_row=13), journey(2, row=row)]
    assert met("fact: journey, when: {rows_apart: {max: 3}}", *flights) == expected


def test_symptom_group_stands_for_its_symptoms() -> None:
    symptoms = [
        fact(1, "symptom", DAY, code="cough"),
        fact(2, "symptom", DAY, code="diarrhea"),
        fact(3, "symptom", DAY, code="conjunctivitis"),
        fact(4, "symptom", DAY, temperature_tenths=372),
        fact(5, "symptom", DAY, code="other"),
    ]
    assert met("fact: symptom, when: {symptom_group: [respiratory, eyes]}", *symptoms) == [1, 3]
    every = "[respiratory, body, digestive, eyes]"
    assert met(f"fact: symptom, when: {{symptom_group: {every}}}", *symptoms) == [1, 2, 3]


def test_colour_of_another_place_stays_until_its_source_takes_it_back() -> None:
    rule = (
        f"  - {{id: elsewhere, text: {TEXT}, fact: other_place_colour, when: {{colour: red}},"
        " gives: {at_least: red}, only_its_source: true}\n"
        f"  - {{id: set_green, text: {TEXT}, fact: override, when: {{colour: green}}, effect: exonerating,"
        " gives: {at_most: green}}\n"
    )
    marked = fact(1, "other_place_colour", DAY, division="410100", source="henan", colour="red")
    green = fact(
        2, "override", DAY, end=DAY + timedelta(days=30), known_at=noon(DAY), colour="green",
        reason_code="r", issuer="a", second_person="b",
    )  # fmt: skip
    for facts, colour in (
        ((marked, green), "red"),
        ((replace(marked, withdrawn_at=TODAY), green), "green"),
        ((replace(marked, end=DAY + timedelta(days=4)), green), "green"),
        ((contact(3, DAY), green), "green"),
    ):
        assert assess(person(facts), book(rule), RiskMap(), TODAY).colour == colour


@pytest.mark.parametrize(("minute", "colour"), [(539, "red"), (540, "green")])
def test_hours_between_tests_follow_the_clock_on_the_wall(minute: int, colour: str) -> None:
    spring = date(2020, 3, 8)  # 02:00 to 03:00 doesn't exist in New York that day
    rules = book(
        f"  - {{id: twice, text: {TEXT}, fact: test, when: {{result: negative}}, effect: exonerating,"
        " ends: [contact], enough: {count: 2, hours_apart: 24, within_days: 3}}\n"
    )
    found = [
        contact(1, date(2020, 3, 6)),
        fact(2, "test", date(2020, 3, 7), result="negative", minute=480),
        fact(3, "test", spring, result="negative", minute=minute),
    ]
    seen = assess(person(found, zone="America/New_York"), rules, RiskMap(), noon(spring) + timedelta(days=1))
    assert seen.colour == colour


def swab(number: int, result: str, minute: int | None) -> Fact:
    """A test of the day, at that minute if it is known."""
    found = fact(number, "test", DAY, result=result)
    return found if minute is None else replace(found, details={**found.details, "minute": minute})


@pytest.mark.parametrize(
    ("negative", "positive", "colour"),
    [
        (480, 1200, "red"),
        (1200, 480, "green"),
        (480, 480, "green"),
        (None, 1200, "green"),
        (480, None, "green"),
    ],
)
def test_morning_test_does_not_clear_that_of_the_evening(
    negative: int | None, positive: int | None, colour: str
) -> None:
    rules = book(
        f"  - {{id: positive, text: {TEXT}, fact: test, when: {{result: positive}}, gives: {{at_least: red}}}}\n"
        f"  - {{id: again, text: {TEXT}, fact: test, when: {{result: negative}}, effect: exonerating, ends: [positive]}}\n"
    )
    tests = [swab(1, "positive", positive), swab(2, "negative", negative)]
    assert assess(person(tests), rules, RiskMap(), TODAY).colour == colour
