"""A rule book in words: every kind and detail has one in both languages, and every part of a rule is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.conditions import _SPECIAL
from bot.core.facts import KINDS
from bot.services.rulebook_table import Words, describe
from tests.core.people import TEXT, book

FOLDER = Path(__file__).parents[2] / "templates" / "rulebook"
ENGLISH = Words.load(FOLDER, "en")


def said(rule: str) -> tuple[str, str, str]:
    """What a rule looks at, gives, and how long that lasts."""
    risk = "unknown_risk: undecided\n" if "risk:" in rule else ""
    rows = describe(book(f"  - {{id: more, text: {TEXT}, {rule}}}\n{risk}"), ENGLISH).rows
    (row,) = (one for one in rows if one.rule == "more")
    return row.looks_at, row.gives, row.lasts


def test_both_languages_have_the_same_words() -> None:
    chinese = Words.load(FOLDER, "zh")
    assert chinese.sections.keys() == ENGLISH.sections.keys()
    for section, words in ENGLISH.sections.items():
        assert words.keys() == chinese.sections[section].keys(), section
        assert all(isinstance(word, str) for word in (*words.values(), *chinese.sections[section].values()))


def test_every_kind_detail_and_word_can_be_said() -> None:
    for kind, row in KINDS.items():
        assert kind in ENGLISH.sections["kinds"]
        for name, field in row.fields.items():
            assert name in ENGLISH.sections["details"]
            assert set(field.choices) <= ENGLISH.sections["values"].keys()
    assert _SPECIAL.keys() - {"symptom_group"} <= ENGLISH.sections["phrases"].keys()


RED, HOLD = "gives: {at_least: red}", "hold: {days: 7}"


@pytest.mark.parametrize(
    ("rule", "looks_at"),
    [
        (f"fact: stay, risk: [unknown, high], {RED}, {HOLD}", "a stay in a place, risk of the place: high or unknown"),
        (f"fact: stay, when: {{division: ['42', '33'], days: {{min: 7}}}}, {RED}, {HOLD}",
         "a stay in a place, in 33 or 42, 7 or more days long"),
        (f"fact: stay, when: {{not_division: '42', visits: {{min: 3}}, source: telecom, corroborated: true}}, {RED}, {HOLD}",
         "a stay in a place, not in 42, on 3 days or more in one county, reported by telecom, confirmed by a second source"),
        (f"fact: contact, when: [{{degree: {{min: 1, max: 2}}}}, {{minutes: {{max: 5}}, minor: false}}], {RED}, {HOLD}",
         "a contact with a case, degree: at most 2; or minutes: at most 5, not: of a minor"),
        (f"fact: symptom, when: {{temperature_tenths: {{min: 373, max: 380}}}}, {RED}, {HOLD}",
         "a symptom or a temperature, temperature: 37.3 °C to 38.0 °C"),
        (f"fact: journey, when: {{mode: train, with_case: true, same_carriage: true, rows_apart: {{max: 3}}}}, {RED}, {HOLD}",
         "a journey, by: train, with a case on board, in the carriage of the case, at most 3 rows from the case"),
    ],
)  # fmt: skip
def test_what_a_rule_looks_at_is_said(rule: str, looks_at: str) -> None:
    assert said(rule)[0] == looks_at


@pytest.mark.parametrize(
    ("rule", "gives", "lasts"),
    [
        (f"fact: stay, {RED}, hold: {{anchor: end, days: 1, normal_punch_ins: 1}}",
         "at least red", "1 day after its last day, 1 normal punch-in"),
        (f"fact: stay, {RED}, {HOLD}, then: [{{gives: {{at_least: yellow}}, hold: {{days: 7, normal_punch_ins: 3, counting: total}}}}]",
         "at least red; then at least yellow",
         "1. 7 days after its first day 2. 7 days after the end of the step before, 3 normal punch-ins"),
        (f"fact: stay, {RED}, days_since: {{max: 14}}", "at least red", "from day 0 to day 14 after its last day"),
        (f"fact: override, {RED}", "at least red", "to its end"),
        (f"fact: other_place_colour, {RED}, only_its_source: true", "at least red", "to its end, only its source ends it"),
        (f"fact: stay, {RED}, {HOLD}, ask_first: {{sources: [telecom], days: 3, gives: {{at_least: yellow}}}}",
         "at least red, asked first if reported by telecom and next to a place stated before; "
         "at least yellow for 3 days of asking", "7 days after its first day"),
        ("fact: test, effect: exonerating, ends: [contact], enough: {count: 2, hours_apart: 24, within_days: 3}",
         "ends contact", "2 of them, 24 hours apart, within 3 days"),
        ("fact: override, effect: exonerating, when: {colour: green}, gives: {at_most: green}", "at most green", "to its end"),
    ],
)  # fmt: skip
def test_what_a_rule_gives_and_how_long_is_said(rule: str, gives: str, lasts: str) -> None:
    assert said(rule)[1:] == (gives, lasts)


def test_a_relief_says_whose_days_it_begins() -> None:
    waiting = f"  - {{id: case, fact: diagnosis, {RED}, hold: {{after: well, days: 14}}, text: {TEXT}}}\n"
    well = f"  - {{id: well, fact: measure_lifted, effect: exonerating, text: {TEXT}}}\n"
    case, relief = describe(book(waiting + well), ENGLISH).rows[1:]
    assert (case.lasts, relief.gives) == ("until well and 14 days after it", "begins the days of case")


def test_the_head_has_validity_points_and_what_is_assumed() -> None:
    head = (
        "valid_to: 2020-06-01T08:00:00+08:00\ndimensions: {space: {combine: max, cap: 60}}\n"
        "bands: {green: [0, 39], yellow: [40, 59], red: [60, 60]}\n"
        "report: {valid_days: 3, when_missing: grey, text: {zh: 一, en: No report}}\n"
    )
    table = describe(book(head=head), ENGLISH)
    assert dict(table.head) == {
        "scheme": ("town",),
        "version": ("1.0",),
        "valid": ("from 2020-01-01 to 2020-06-01 08:00",),
        "status": ("illustrative (figures are partly assumed)",),
        "needs": ("a verified identity",),
        "dimensions": ("space up to 60 (the highest counts)",),
        "bands": ("green 0 to 39", "yellow 40 to 59", "red 60 to 60"),
        "assumed": ("everything",),
    }
    missing = table.rows[-1]
    assert (missing.rule, missing.gives, missing.lasts, missing.text) == (
        "report_missing", "grey", "until the next report", "No report",
    )  # fmt: skip


def test_places_are_called_by_name_where_one_is_known() -> None:
    rule = f"  - {{id: more, text: {TEXT}, fact: stay, when: {{division: '42'}}, {RED}, {HOLD}}}\n"
    table = describe(book(rule), ENGLISH, {"42": "Hubei"}.__getitem__)
    assert table.rows[-1].looks_at == "a stay in a place, in Hubei"
