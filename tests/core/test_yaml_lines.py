"""What the reader says of slips: the nearest known word, what to type instead, and one problem for one slip."""

import pytest

from bot.core.rulebook import InvalidRuleBook, parse_rulebook
from bot.core.yaml_lines import nearest
from tests.core.people import BOOK


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hold:", "hodl:", ["12: unknown key 'hodl' in the rule 'contact'; did you mean 'hold'?"]),
        ("sources: []", "sauces: []", ["6: unknown key 'sauces' in the rule book; did you mean 'sources'?"]),
        ("illustrative", "ilustrative",
         ["3: 'status' is 'ilustrative', not one of published, illustrative; did you mean 'illustrative'?"]),
        ('"1.0"', "1.0", ["2: 'version' is not a text: 1.0 is read as a number: write it between quotes"]),
        ('"1.0"', "2020-01-01", ["2: 'version' is not a text: 2020-01-01 is read as a day: write it between quotes"]),
        ("en: A sentence", "en: yes", ["13: 'en' is not a text: True is read as yes: write it between quotes"]),
        ("en: A sentence", "en: {A: b}", ["13: 'en' is not a text: it is a mapping (a text with ': ' in it goes between quotes)"]),
        ("en: A sentence", "en: [a]", ["13: 'en' is not a text: it is a list"]),
        ("en: A sentence", "en: ' '", ["13: 'en' is not a text: it is empty"]),
        ("{anchor: start, days: 14, normal_punch_ins: 14}", "14 days", ["12: 'hold' is not a mapping"]),
        ("{anchor: start, days: 14, normal_punch_ins: 14}", "days：14",
         ["12: 'hold' is not a mapping; a full-width colon (：)? Write : and a space"]),
        ("2020-01-01", "2020-01-01\nzone: Asia/Atlantis", ["5: unknown time zone: 'Asia/Atlantis'"]),
    ],
)  # fmt: skip
def test_a_slip_is_told_once_and_with_what_was_meant(old: str, new: str, told: list[str]) -> None:
    with pytest.raises(InvalidRuleBook) as caught:
        parse_rulebook(BOOK.replace(old, new, 1), "town.yaml")
    found = [one.removeprefix("town.yaml:") for one in caught.value.problems]
    assert [one for one in found if one in told or one.split(":")[0] == told[0].split(":")[0]] == told


def test_what_was_meant_is_read_on_with() -> None:
    text = BOOK.replace("fact: contact", "fact: contcat\n    when: {degree: 9}")
    with pytest.raises(InvalidRuleBook) as caught:
        parse_rulebook(text, "town.yaml")
    kind, degree = caught.value.problems
    assert kind.startswith("town.yaml:10: in 'fact': 'contcat' is not one of ")
    assert kind.endswith("; did you mean 'contact'?")
    assert degree.startswith("town.yaml:11: no fact can meet this: 'degree' is not within 1 to 3")


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("status: illustrative", "status：illustrative", 3, "a full-width colon (：) after the key: write : and a space"),
        ("    fact: contact", "\tfact: contact", 10, "a tab at the beginning of the line: use spaces"),
        ("{at_least: red}", "{at_least：red}", 11, "a full-width colon (：) after the key: write : and a space"),
    ],
)  # fmt: skip
def test_what_a_keyboard_slips_into_a_file_is_pointed_at(old: str, new: str, line: int, told: str) -> None:
    with pytest.raises(InvalidRuleBook) as caught:
        parse_rulebook(BOOK.replace(old, new, 1), "town.yaml")
    assert f"town.yaml:{line}: {told}" in caught.value.problems


def test_nearest_word_is_silent_where_none_is_near() -> None:
    assert nearest("anchr", ("anchor", "days")) == "; did you mean 'anchor'?"
    assert nearest("colour", ("anchor", "days")) == ""
