"""Every case beside every rule book comes out as it says; and files of cases that must be refused."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bot.core.cases import SITUATIONS, Case, parse_cases
from bot.core.rulebook import InvalidRuleBook, RuleBook
from bot.core.rules import REPORT_MISSING
from bot.services.borders import load_borders
from bot.services.rulebooks import load_cases, load_rulebooks
from tests.core.people import book

CONFIG = Path(__file__).parents[2] / "config"
FOLDER = CONFIG / "rulebooks"
BOOKS = tuple(load_rulebooks(FOLDER, load_borders(CONFIG / "divisions")))


@cache
def cases_of(one: RuleBook) -> tuple[tuple[str, Case], ...]:
    """The cases beside a book, each with its place."""
    return tuple(load_cases(FOLDER, one))


def files() -> Iterator[tuple[RuleBook, str, tuple[Case, ...]]]:
    """Every file of cases beside every book."""
    for one in BOOKS:
        found: dict[str, list[Case]] = {}
        for where, case in cases_of(one):
            found.setdefault(where.rpartition(":")[0], []).append(case)
        for where, cases in found.items():
            yield one, where, tuple(cases)


@pytest.mark.parametrize(("rules", "where", "cases"), [pytest.param(*one, id=one[1]) for one in files()])
def test_cases_come_out_as_they_say(rules: RuleBook, where: str, cases: tuple[Case, ...]) -> None:
    assert cases
    assert [f"{where}:{case.line}: {one}" for case in cases for one in case.problems(rules)] == []


@pytest.mark.parametrize("rules", BOOKS, ids=lambda one: f"{one.scheme}-{one.version}")
def test_every_rule_has_its_four_cases(rules: RuleBook) -> None:
    seen = {(case.rule, case.situation) for _, case in cases_of(rules)}
    wanted = [rule.id for rule in rules.rules]
    if rules.report is not None and rules.report.when_missing != "keep":
        wanted.append(REPORT_MISSING)
    missing = [(rule, one) for rule in wanted for one in SITUATIONS[:4] if (rule, one) not in seen]
    assert missing == []


@pytest.mark.parametrize("rules", BOOKS, ids=lambda one: f"{one.scheme}-{one.version}")
def test_every_text_is_short_and_in_both_languages(rules: RuleBook) -> None:
    texts = [rule.text for rule in rules.rules] + ([rules.report.text] if rules.report else [])
    assert all(0 < len(text["zh"]) <= 80 and 0 < len(text["en"]) <= 180 for text in texts)
    assert not any(ord(letter) > 0x2FF and letter != "°" for text in texts for letter in text["en"])


CASES = """\
rule: contact
cases:
  - name: one contact
    situation: exactly
    at: 2020-02-21
    person:
      normal: [2020-02-20, 2020-02-18..2020-02-19]
      facts:
        - {kind: contact, start: 2020-02-20, details: {degree: 1, certainty: sure}}
    risk: [{division: "42", first: 2020-01-01, level: low}]
    expect: {colour: red, findings: [contact], next_needs: ["time", "normal_punch_ins:14"]}
"""


def test_a_case_that_comes_out_otherwise_says_how() -> None:
    (case,) = parse_cases(CASES, "cases.yaml")
    assert case.problems(book()) == []
    (wrong,) = parse_cases(CASES.replace("colour: red, findings: [contact]", "colour: green"), "cases.yaml")
    assert wrong.problems(book()) == [
        "one contact: colour should be green, but is red",
        "one contact: findings should be [], but is [contact]",
    ]
    (late,) = parse_cases(
        CASES.replace("next_needs: [", "next_change_at: 2020-03-07, next_needs: ['x', "), "c.yaml"
    )
    assert len(late.problems(book())) == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("exactly", "roughly", 4, "'situation' is 'roughly'"),
        ("2020-02-21", "tomorrow", 5, "neither a day nor an instant"),
        ("    expect:", "    expected:", 11, "unknown key 'expected'"),
        ("colour: red", "colour: blue", 11, "'colour' is 'blue'"),
        ("kind: contact", "kind: rumour", 9, "'kind' is 'rumour'"),
        ("degree: 1", "degree: 9", 9, "not within 1 to 3"),
        ("degree: 1", "degree: [1]", 9, "not a plain value"),
        ("start: 2020-02-20", "start: 2020-02-20, end: 2020-02-19", 9, "before it starts"),
        ("2020-02-18..2020-02-19", "yesterday", 7, "not a day"),
        ("2020-02-18..2020-02-19", "2020-02-18..2029-02-19", 7, "too many days"),
        ("    person:", "    person:\n      zone: Asia/Atlantis", 7, "unknown time zone"),
        ("first: 2020-01-01", "first: 2020-01-01, last: 2019-01-01", 10, "ends before it starts"),
    ],
)
def test_a_wrong_case_is_refused_with_its_line(old: str, new: str, line: int, problem: str) -> None:
    with pytest.raises(InvalidRuleBook) as caught:
        parse_cases(CASES.replace(old, new, 1), "cases.yaml")
    assert any(one.startswith(f"cases.yaml:{line}: ") and problem in one for one in caught.value.problems), (
        caught.value.problems
    )


def test_an_empty_file_of_cases_is_refused() -> None:
    with pytest.raises(InvalidRuleBook, match=r"cases.yaml:1: the file is empty"):
        parse_cases("", "cases.yaml")
