"""Each condition that a rule can make, just met and just not."""

from datetime import date, timedelta

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
