"""What can never matter in a rule book is found with its line, and what can matter is left alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.review import doubtful, note_unreachable, overlaps, unreachable
from bot.core.rulebook import InvalidRuleBook
from bot.core.yaml_lines import Problems
from bot.services.rulebooks import FILE, load_rulebooks
from tests.core.people import TEXT, book

FOLDER = Path(__file__).parents[2] / "config" / "rulebooks"
RED, YELLOW = "gives: {at_least: red}", "gives: {at_least: yellow}"
HOLD = "hold: {days: 7}"
POINTS = """\
dimensions:
  space: {combine: max, cap: 60}
  relation: {combine: sum, cap: 40}
bands: {green: [0, 39], yellow: [40, 79], red: [80, 100]}
"""


def rules(*lines: str) -> str:
    """Rules by their ids and what they say, one a line; the small book's own rule stands on line 9."""
    return "".join(
        f"  - {{id: {line.partition(' ')[0]}, text: {TEXT}, {line.partition(' ')[2]}}}\n" for line in lines
    )


def found(*lines: str, head: str = "") -> list[str]:
    """What is unreachable in the small book with these rules, from line 14 on and lower with a head."""
    seen = rules(*lines) + ("unknown_risk: undecided\n" if "risk:" in "".join(lines) and not head else "")
    try:
        read = book(seen, head=head)
    except InvalidRuleBook as error:
        return [one.removeprefix("town.yaml:") for one in error.problems]
    return [f"{line}: {problem}" for line, problem in unreachable(read)]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((f"ra fact: test, when: {{result: positive}}, {RED}, {HOLD}",
          f"rb fact: test, when: {{result: [positive]}}, {RED}, {HOLD}"),
         "15: 'rb' is 'ra' again: the same facts, the same effect"),
        ((f"ra fact: [stay, journey], risk: [high, medium], {RED}, {HOLD}",
          f"rb fact: [journey, stay], risk: [medium, high], {RED}, {HOLD}"), "15: 'rb' is 'ra' again"),
        ((f"ra fact: test, {YELLOW}, {HOLD}", f"rb fact: test, {RED}, {HOLD}"),
         "14: 'ra' can never matter: 'rb' is met by the same facts and does more"),
        (("ra fact: override, effect: exonerating, when: {colour: green}, gives: {at_most: green}",
          "rb fact: override, effect: exonerating, when: {colour: green}, gives: {at_most: yellow}"),
         "15: 'rb' can never matter: 'ra'"),
        ((f"ra fact: contact, when: [{{degree: 1}}, {{degree: 1}}], {RED}, {HOLD}",),
         "14: 'ra': alternative 2 of its 'when' can never matter: whatever meets it meets alternative 1"),
        ((f"ra fact: contact, when: [{{degree: 2, certainty: sure}}, {{degree: {{min: 2}}}}], {RED}, {HOLD}",),
         "14: 'ra': alternative 1 of its 'when' can never matter"),
        ((f"ra fact: stay, when: [{{not_division: ['42', '33']}}, {{not_division: '42'}}], {RED}, {HOLD}",),
         "14: 'ra': alternative 1 of its 'when' can never matter"),
        ((f"ra fact: symptom, when: {{symptom_group: eyes, code: [fever, cough]}}, {RED}, {HOLD}",),
         "14: 'ra': no fact can meet alternative 1 of its 'when': its 'code' is not in its 'symptom_group'"),
        ((f"ra fact: stay, {RED}, {HOLD}, then: [{{{YELLOW}, hold: {{anchor: start, days: 7}}}}]",),
         "14: 'ra': step 2 never shows: it counts from the same day (start)"),
        ((f"ra fact: diagnosis, {RED}, hold: {{after: well, days: 14}}",
          "well fact: measure_lifted, effect: exonerating, ends: [ra]"),
         "15: 'well' ends 'ra', whose step 1 waits for 'well'"),
        ((f"ra fact: diagnosis, {RED}, hold: {{after: well, days: 14}}",
          "well fact: measure_lifted, effect: exonerating, when: {reason: discharged}",
          "lifted fact: [measure_lifted, test], effect: exonerating, ends: [ra]"),
         "16: 'lifted' ends 'ra', whose step 1 waits for 'well'"),
        ((f"ra fact: stay, when: {{source: rail}}, {RED}, {HOLD}, ask_first: {{sources: [telecom], days: 3, {YELLOW}}}",),
         "14: 'ra': 'ask_first' never asks: its 'when' leaves out all of its sources"),
        ((f"ra fact: stay, when: {{corroborated: true}}, {RED}, {HOLD}, ask_first: {{sources: [telecom], days: 3, {YELLOW}}}",),
         "14: 'ra': 'ask_first' never asks: what is corroborated counts at once"),
    ],
)  # fmt: skip
def test_what_can_never_matter_is_found_with_its_line(lines: tuple[str, ...], problem: str) -> None:
    (seen,) = found(*lines)
    assert seen.startswith(problem)


@pytest.mark.parametrize(
    "lines",
    [
        # met by the same facts, but ended by different ones: both must be there for the colour to go
        (f"ra fact: measure, {RED}", f"rb fact: measure, {RED}",
         "rx fact: test, effect: exonerating, ends: [ra]", "ry fact: measure_lifted, effect: exonerating, ends: [rb]"),
        (f"ra fact: measure, {RED}, {HOLD}", f"rb fact: measure, {RED}, hold: {{days: 8}}"),
        (f"ra fact: contact, when: [{{degree: 1}}, {{certainty: sure}}], {RED}, {HOLD}",),
        (f"ra fact: contact, when: [{{degree: {{max: 2}}}}, {{degree: {{min: 2}}}}], {RED}, {HOLD}",),
        (f"ra fact: stay, when: [{{division: '42'}}, {{division: '33'}}], {RED}, {HOLD}",),
        (f"ra fact: symptom, when: {{symptom_group: body, code: [fever, cough]}}, {RED}, {HOLD}",),
        (f"ra fact: stay, {RED}, {HOLD}, then: [{{{YELLOW}, {HOLD}}}]",),
        (f"ra fact: stay, {RED}, {HOLD}, then: [{{{YELLOW}, hold: {{anchor: start, days: 14}}}}]",),
        (f"ra fact: stay, {RED}, {HOLD}, then: [{{{YELLOW}, hold: {{anchor: end, days: 7}}}}]",),
        # the wait itself shows; its relief ends it at once
        (f"ra fact: symptom, {YELLOW}, hold: {{after: well}}", "well fact: test, effect: exonerating, ends: [ra]"),
        (f"ra fact: diagnosis, {RED}, hold: {{after: well, days: 14}}", "well fact: measure_lifted, effect: exonerating",
         "wrong fact: measure_lifted, effect: exonerating, when: {reason: corrected}, ends: [ra]"),
        (f"ra fact: diagnosis, {RED}, hold: {{after: well, days: 14}}", "well fact: test, effect: exonerating",
         "twice fact: test, effect: exonerating, ends: [ra], enough: {count: 2}"),
        (f"ra fact: stay, when: [{{source: rail}}, {{days: {{min: 2}}}}], {RED}, {HOLD}, "
         f"ask_first: {{sources: [telecom], days: 3, {YELLOW}}}",),
        (f"ra fact: stay, risk: [unknown], {RED}, {HOLD}",),
    ],
)  # fmt: skip
def test_what_may_matter_is_left_alone(lines: tuple[str, ...]) -> None:
    assert found(*lines) == []


def test_points_that_turn_nothing_yellow_are_found() -> None:
    few = f"few fact: stay, gives: {{dimension: space, points: 9}}, {HOLD}"
    assert found(few, head=POINTS) == [
        "18: 'few': the 9 points can never change a colour: with everything else they come to 9 at most, "
        "and 40 is the first that isn't green"
    ]
    some = f"some fact: test, gives: {{dimension: relation, points: 1}}, {HOLD}"
    assert found(few, some, head=POINTS) == []  # many tests add up to the cap, and 40 + 9 is yellow


def test_points_of_one_dimension_that_add_up_are_no_twins() -> None:
    lines = [f"{name} fact: test, gives: {{dimension: relation, points: {points}}}, {HOLD}" for name, points in (("ra", 20), ("rb", 40))]  # fmt: skip
    assert found(*lines, head=POINTS) == []
    highest = [line.replace("relation", "space").replace("20", "50") for line in lines]
    assert found(*highest, head=POINTS) == [
        "19: 'rb' can never matter: 'ra' is met by the same facts and does more"
    ]


def test_a_risk_that_is_never_unknown_is_found() -> None:
    rule = f"ra fact: stay, risk: [high, unknown], {RED}, {HOLD}"
    assert found(rule, head="unknown_risk: high\n") == [
        "15: 'ra': the risk 'unknown' never comes: 'unknown_risk' of this book reads it as high"
    ]


def test_rules_that_already_have_a_problem_are_left_out() -> None:
    sound = book(rules(f"ra fact: test, {RED}, {HOLD}"))
    twin = replace(sound.by_id["ra"], id="rb", line=15)
    seen = replace(sound, rules=(*sound.rules, twin))
    problems = Problems("town.yaml")
    problems.add(15, "something else")
    note_unreachable(seen, problems)
    assert problems.lines() == ("town.yaml:15: something else",)
    problems = Problems("town.yaml")
    note_unreachable(seen, problems)
    assert problems.lines() == ("town.yaml:15: 'rb' is 'ra' again: the same facts, the same effect",)


def test_dimensions_and_bands_without_points_are_doubtful() -> None:
    rule = f"ra fact: stay, gives: {{dimension: space, points: 60}}, {HOLD}"
    assert list(doubtful(book(rules(rule), head=POINTS))) == [
        "no rule gives points in the dimension 'relation'",
        "no points reach the band red: it begins at 80, all rules together give 60",
    ]
    assert list(doubtful(book())) == []


def test_windows_that_follow_each_other_or_leave_a_gap_are_no_surprise() -> None:
    first = book(head="valid_to: 2020-02-01\n", version="1.0")
    assert list(overlaps([first, book(version="1.1", valid_from="2020-03-01")])) == []
    assert list(overlaps([book(version="1.0"), book(version="1.1", valid_from="2020-03-01")])) == []


def test_windows_in_which_a_lower_version_is_hidden_or_comes_back_surprise() -> None:
    hidden = book(version="1.0", valid_from="2020-02-01", head="valid_to: 2020-03-01\n")
    assert [(one.version, told[:27]) for one, told in overlaps([hidden, book(version="1.1")])] == [
        ("1.0", "version 1.0 never judges: a")
    ]
    passing = book(version="1.1", valid_from="2020-02-01", head="valid_to: 2020-03-01\n")
    ((back, told),) = overlaps([book(version="1.0"), passing])
    assert back.version == "1.0"
    assert told.startswith("from 2020-02-29T16:00:00+00:00 version 1.0 judges again after 1.1")


@pytest.mark.parametrize("scheme", ["hangzhou", "hubei", "national"])
def test_nothing_is_unreachable_in_the_shipped_books(scheme: str, tmp_path: Path) -> None:
    for path in (FOLDER / scheme).glob(f"*/{FILE}"):
        copy = tmp_path / scheme / path.parent.name / FILE
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
    for one in load_rulebooks(tmp_path):
        assert list(unreachable(one)) == []
        assert list(doubtful(one)) == []
