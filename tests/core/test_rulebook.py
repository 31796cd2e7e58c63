"""Rule books that must be refused, each with its line; and what a sound one says of itself."""

from datetime import UTC, date, datetime

import pytest

from bot.core.model import Colour
from bot.core.rulebook import InvalidRuleBook, parse_rulebook
from tests.core.people import BOOK, TEXT, book

DIMENSIONS = """\
dimensions:
  space: {combine: max, cap: 60}
  relation: {combine: sum, cap: 40}
"""
BANDS = "bands: {green: [0, 39], yellow: [40, 79], red: [80, 100]}\n"
REPORT = "report: {valid_days: 3, when_missing: yellow, text: " + TEXT + "}\n"


def problems(text: str) -> list[str]:
    """The problems of that text, without the name of the file."""
    with pytest.raises(InvalidRuleBook) as caught:
        parse_rulebook(text, "town.yaml")
    assert all(one.startswith("town.yaml:") for one in caught.value.problems)
    return [one.removeprefix("town.yaml:") for one in caught.value.problems]


def with_rule(rule: str) -> str:
    """The small book with one more rule, on line 14."""
    return f"{BOOK}  - {{id: more, text: {TEXT}, {rule}}}\n"


def with_head(head: str) -> str:
    """The small book with further keys from line 8 on."""
    return BOOK.replace("rules:", f"{head}rules:")


def test_a_sound_book_is_read() -> None:
    seen = book(head=DIMENSIONS + BANDS + REPORT)
    assert (seen.scheme, seen.version, seen.illustrative) == ("town", "1.0", True)
    assert seen.valid_from == datetime(2019, 12, 31, 16, tzinfo=UTC)
    assert seen.assumed == ("everything",)
    assert seen.report_validity_days == 3
    assert seen.worst_band(39) is Colour.GREEN
    assert seen.worst_band(40) is Colour.YELLOW
    assert seen.worst_band(100) is Colour.RED


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("scheme: town\n", "", 1, "has no 'scheme'"),
        ("town", "My Town", 1, "not a scheme"),
        ('"1.0"', '"one"', 2, "not a version"),
        ('"1.0"', "1.0", 2, "not a text"),
        ("illustrative", "draft", 3, "not one of published, illustrative"),
        ("illustrative", "published", 7, "assumes nothing"),
        ("2020-01-01", "2020-02-30", 4, "not a value: '2020-02-30'"),
        ("2020-01-01", "2020-01-01T00:00:00", 4, "neither a day nor an instant with an offset"),
        ("2020-01-01", "soon", 4, "neither a day nor an instant with an offset"),
        ("2020-01-01", "2020-01-01\nvalid_to: 2020-01-01", 5, "'valid_to' is not after 'valid_from'"),
        ("requires: [identity]\n", "", 1, "has no 'requires'"),
        ("[identity]", "[declaration]", 5, "must name identity"),
        ("[identity]", "[identity, mood]", 5, "'mood' is not one of"),
        ("assumed: [everything]\n", "", 1, "has no 'assumed'"),
        ("sources: []", "sources: [{says: a, found_at: b, mark: Z}]", 6, "'mark' is 'Z'"),
        ("sources: []", "colour: red", 6, "unknown key 'colour'"),
        ("id: contact", "id: Contact", 9, "not an id"),
        ("fact: contact", "fact: rumour", 10, "'rumour' is not one of"),
        ("at_least: red", "at_least: green", 11, "not one of yellow, red"),
        ("days: 14", "days: many", 12, "not a whole number"),
        ("days: 14", "days: -1", 12, "not within"),
        ("days: 14, normal_punch_ins: 14", "anchor_day: start", 12, "unknown key 'anchor_day'"),
        ("days: 14, normal_punch_ins: 14", "days: 0", 12, "lasts no day"),
        ("normal_punch_ins: 14", "counting: total", 12, "'counting' without"),
        ("anchor: start", "anchor: previous", 12, "not one of start, end, known"),
        ("anchor: start", "after: nobody", 9, "waits for 'nobody'"),
        (", en: A sentence", "", 13, "has no 'en'"),
        ("A sentence", "''", 13, "'en' is not a text"),
        ("scheme: town", "scheme: town\nscheme: city", 2, "'scheme' is there twice"),
    ],
)
def test_a_wrong_book_is_refused_with_its_line(old: str, new: str, line: int, problem: str) -> None:
    found = problems(BOOK.replace(old, new, 1))
    assert any(one.startswith(f"{line}: ") and problem in one for one in found), found


@pytest.mark.parametrize(
    ("head", "line", "problem"),
    [
        (DIMENSIONS, 1, "has no 'bands'"),
        (BANDS, 8, "bands without dimensions"),
        (DIMENSIONS + BANDS.replace("[40,", "[39,"), 11, "yellow overlaps: it begins at 39, not at 40"),
        (DIMENSIONS + BANDS.replace("[40,", "[42,"), 11, "a gap before the band yellow: 40 to 41"),
        (DIMENSIONS + BANDS.replace("[0,", "[1,"), 11, "a gap before the band green: 0 to 0"),
        (DIMENSIONS + BANDS.replace("100]", "99]"), 11, "end at 99, but the caps add up to 100"),
        (DIMENSIONS + BANDS.replace("[80, 100]", "[100, 80]"), 11, "ends (80) before it begins (100)"),
        (DIMENSIONS + BANDS.replace("[80, 100]", "[80.5, 100]"), 11, "in whole points"),
        (DIMENSIONS + BANDS.replace("red", "blue"), 11, "has no 'red'"),
        (DIMENSIONS.replace("space", "luck") + BANDS, 9, "unknown dimension 'luck'"),
        (DIMENSIONS.replace("max", "mean") + BANDS, 9, "not one of max, sum"),
        (REPORT.replace("3", "0"), 8, "not within 1 to 366"),
        (REPORT.replace("yellow", "red"), 8, "not one of keep, yellow, grey"),
        ("unknown_risk: high\n", 8, "no rule reads a risk level"),
    ],
)
def test_wrong_bands_and_reports_are_refused(head: str, line: int, problem: str) -> None:
    found = problems(with_head(head))
    assert any(one.startswith(f"{line}: ") and problem in one for one in found), found


HOLD = "hold: {days: 7}"
RED = "gives: {at_least: red}"


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (f"fact: contact, {HOLD}", "has no 'gives'"),
        (f"fact: contact, {RED}", "never ends"),
        (f"fact: contact, {RED}, days_since: {{min: 3}}", "never ends"),
        (f"fact: contact, {RED}, days_since: {{min: 3, max: 2}}", "no fact can meet this: days since from 3 to 2"),
        (f"fact: contact, {RED}, {HOLD}, days_since: {{max: 2}}", "not both"),
        (f"fact: contact, {RED}, then: []", "'then' without a 'hold'"),
        (f"fact: contact, gives: {{at_least: red, points: 3}}, {HOLD}", "'gives' needs"),
        (f"fact: contact, gives: {{}}, {HOLD}", "'gives' needs"),
        (f"fact: contact, gives: {{at_most: green}}, {HOLD}", "'at_most' is for exonerating rules"),
        (f"fact: contact, gives: {{dimension: space, points: 3}}, {HOLD}", "'dimension' is 'space'"),
        (f"fact: contact, {RED}, {HOLD}, when: {{}}", "says nothing"),
        (f"fact: contact, {RED}, {HOLD}, when: {{mode: train}}", "contact has no 'mode'"),
        (f"fact: contact, {RED}, {HOLD}, when: {{degree: 4}}", "no fact can meet this: 'degree' is not within 1 to 3"),
        (f"fact: contact, {RED}, {HOLD}, when: {{degree: {{min: 4}}}}", "no fact can meet this: 'degree' from 4"),
        (f"fact: contact, {RED}, {HOLD}, when: {{degree: {{}}}}", "neither 'min' nor 'max'"),
        (f"fact: contact, {RED}, {HOLD}, when: {{certainty: maybe}}", "'maybe' is not one of"),
        (f"fact: contact, {RED}, {HOLD}, when: {{minutes: {{min: 9, max: 8}}}}", "no fact can meet this: 'minutes'"),
        (f"fact: symptom, {RED}, {HOLD}, when: {{division: '42'}}", "symptom has no division"),
        (f"fact: stay, {RED}, {HOLD}, when: {{division: '4'}}", "'4' is not a division code"),
        (f"fact: symptom, {RED}, {HOLD}, risk: [high]", "symptom has no division"),
        (f"fact: stay, {RED}, {HOLD}, risk: [huge]", "'huge' is not one of"),
        (f"fact: stay, {RED}, {HOLD}, risk: [low, medium, high, unknown]", "every risk level is accepted"),
        (f"fact: stay, {RED}, {HOLD}, when: {{days: {{max: 0}}}}", "no fact can meet this: 'days'"),
        (f"fact: stay, {RED}, {HOLD}, when: {{codes_together: {{min: 2}}}}", "stay has no 'codes_together'"),
        (f"fact: stay, {RED}, {HOLD}, when: {{corroborated: false}}", "can only be true"),
        (f"fact: stay, {RED}, {HOLD}, when: {{minor: perhaps}}", "neither true nor false"),
        (f"fact: contact, {RED}, {HOLD}, ask_first: {{sources: [telecom], days: 3, gives: {{at_least: yellow}}}}",
         "only stays and journeys"),
        (f"fact: stay, {RED}, {HOLD}, ask_first: {{sources: [telecom], days: 3, gives: {{at_least: red}}}}",
         "at most yellow"),
        (f"fact: contact, {RED}, {HOLD}, ends: [contact]", "are for exonerating rules"),
        ("fact: test, effect: exonerating", "relieves nothing"),
        ("fact: test, effect: exonerating, ends: [nobody]", "ends 'nobody'"),
        ("fact: test, effect: exonerating, ends: [contact], hold: {days: 3}, gives: {at_most: green}", "has no hold"),
        ("fact: test, effect: exonerating, ends: [contact], days_since: {max: 3}", "leave 'days_since' out"),
        ("fact: test, effect: exonerating, ends: [contact], enough: {count: 3, hours_apart: 24, within_days: 2}",
         "so far apart"),
        (f"fact: contact, {RED}, hold: {{after: contact, days: 3}}", "waits for 'contact'"),
        (f"fact: contact, {RED}, hold: {{after: contact, anchor: end, days: 3}}", "leave 'anchor' out"),
        (f"fact: contact, {RED}, {HOLD}, then: [{{{RED}, {HOLD}, days: 3}}]", "unknown key 'days'"),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(rule: str, problem: str) -> None:
    found = problems(with_rule(rule))
    assert any(one.startswith("14: ") and problem in one for one in found), found


def test_an_id_that_is_taken_is_refused() -> None:
    assert "14: the rule 'contact' is there twice" in problems(
        with_rule(f"fact: contact, {RED}, {HOLD}").replace("id: more", "id: contact")
    )
    report = problems(with_rule(f"fact: contact, {RED}, {HOLD}").replace("id: more", "id: report_missing").replace(
        "rules:", f"{REPORT}rules:"
    ))  # fmt: skip
    assert "8: the id 'report_missing' is taken by the report" in report


def test_points_above_the_cap_are_refused() -> None:
    text = with_rule(f"fact: contact, gives: {{dimension: relation, points: 41}}, {HOLD}")
    found = problems(text.replace("rules:", f"{DIMENSIONS}{BANDS}rules:"))
    assert found == ["18: 41 points are above the cap of relation"]


def test_all_problems_are_told_at_once() -> None:
    text = (
        with_rule(f"fact: contact, {RED}, colour: red")
        .replace("2020-01-01", "2020-02-30")
        .replace("town", "My Town")
    )
    lines = [int(one.split(":")[0]) for one in problems(text)]
    assert lines == sorted(lines)
    assert {1, 4, 14} <= set(lines)


@pytest.mark.parametrize(
    "text", ["", "# nothing", "- a list", "just words", "a: [", "a: !!python/object:os.system {}"]
)
def test_what_is_no_rule_book_at_all_is_refused(text: str) -> None:
    assert problems(text)


def test_a_report_is_covered_to_the_end_of_its_last_day() -> None:
    seen = book(head=REPORT)
    assert seen.covered_until(date(2020, 2, 27), "Asia/Shanghai") == datetime(2020, 2, 29, 16, tzinfo=UTC)
    assert seen.covered_until(date(2020, 3, 6), "America/New_York") == datetime(2020, 3, 9, 4, tzinfo=UTC)
    assert book().covered_until(date(2020, 2, 27), "Asia/Shanghai") is None
