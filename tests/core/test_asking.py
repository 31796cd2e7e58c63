"""What is asked about before it counts, and what each answer does."""

from datetime import date, timedelta

import pytest

from bot.core.assess import Assessment, assess
from bot.core.borders import Borders
from bot.core.model import Colour, Fact, RiskEntry, RiskMap, State
from bot.core.rulebook import RuleBook, parse_rulebook
from tests.core.people import BOOK, TEXT, fact, midnight, noon, person

DAY = date(2020, 2, 14)
KNOWN = noon(DAY) + timedelta(hours=20)
RISK = RiskMap(
    [
        RiskEntry("42", date(2020, 1, 1), None, "high", midnight(date(2020, 1, 1))),
        RiskEntry("36", date(2020, 1, 1), None, "low", midnight(date(2020, 1, 1))),
    ]
)
RULE = f"""\
  - id: stay
    fact: [stay, journey]
    risk: [high]
    gives: {{at_least: red}}
    hold: {{anchor: end, days: 14}}
    ask_first: {{sources: [telecom], days: 7, gives: {{at_least: yellow}}}}
    text: {TEXT}
"""


def rules() -> RuleBook:
    """A book that asks about phone records."""
    return parse_rulebook(
        BOOK.replace("rules:", "unknown_risk: undecided\nrules:") + RULE,
        "town.yaml",
        borders=Borders({"42": ["36"]}, {"4211": ["3604"]}),
    )


def phone(division: str = "421127") -> Fact:
    """The record of a tower on the other side."""
    return fact(1, "stay", DAY, end=DAY, division=division, source="telecom", known_at=KNOWN)


def declared(
    number: int = 9, *, last: date = DAY - timedelta(days=2), division: str = "360402", late: bool = False
) -> Fact:
    """A stay that was declared before the record came, or after it."""
    known = KNOWN + timedelta(hours=1) if late else KNOWN - timedelta(hours=1)
    return fact(
        number, "stay", DAY - timedelta(days=10), end=last, division=division, source="declaration",
        known_at=known,
    )  # fmt: skip


def answer(number: int, said: str, *, source: str = "resident", after: int = 1, about: int = 1) -> Fact:
    """An answer some hours after the record."""
    return fact(
        number, "answer", DAY + timedelta(days=1), source=source, known_at=KNOWN + timedelta(hours=after),
        about=about, answer=said,
    )  # fmt: skip


def seen(*facts: Fact, days: int = 2) -> Assessment:
    return assess(person(facts), rules(), RISK, noon(DAY + timedelta(days=days)))


def outcome(*facts: Fact, days: int = 2) -> tuple[Colour, State]:
    found = seen(*facts, days=days)
    return found.colour, found.state


RED = (Colour.RED, State.DECIDED)
PENDING = (Colour.YELLOW, State.PENDING)
GREEN = (Colour.GREEN, State.DECIDED)


def test_record_across_the_border_is_asked_about_first() -> None:
    assert outcome(phone(), declared()) == PENDING


@pytest.mark.parametrize(
    "others",
    [
        (),
        (declared(division="360102"),),
        (declared(division="421102"),),
        (declared(late=True),),
        (fact(9, "stay", DAY, end=DAY, division="360402", source="telecom", known_at=noon(DAY)),),
    ],
    ids=[
        "nothing said",
        "not at the border",
        "in the same city",
        "said afterwards",
        "said by another source",
    ],
)
def test_record_elsewhere_counts_at_once(others: tuple[Fact, ...]) -> None:
    assert outcome(phone(), *others) == RED


def test_what_was_declared_for_the_day_itself_goes_before_what_was_declared_last() -> None:
    away = declared(9, last=DAY, division="330106")
    before = fact(
        8, "stay", DAY - timedelta(days=30), end=DAY - timedelta(days=11), division="360402",
        source="declaration", known_at=noon(DAY - timedelta(days=11)),
    )  # fmt: skip
    assert outcome(phone(), before) == PENDING
    assert outcome(phone(), before, away) == RED


def test_yes_confirms_and_a_later_no_takes_nothing_back() -> None:
    assert outcome(phone(), declared(), answer(2, "yes")) == RED
    assert outcome(phone(), declared(last=DAY), answer(2, "yes"), answer(3, "no", after=2)) == RED


def test_no_clears_only_with_a_residence_declared_before_for_that_day() -> None:
    assert outcome(phone(), declared(), answer(2, "no")) == PENDING
    assert outcome(phone(), declared(last=DAY), answer(2, "no")) == GREEN
    assert outcome(phone(), declared(), declared(8, last=DAY, late=True), answer(2, "no")) == PENDING


def test_no_clears_with_the_home_tower_of_that_day() -> None:
    tower = fact(3, "stay", DAY, end=DAY, division="360402", source="community", known_at=KNOWN)
    assert outcome(phone(), declared(), answer(2, "no"), tower) == GREEN


@pytest.mark.parametrize(("said", "expected"), [("yes", RED), ("no", GREEN), ("unsure", PENDING)])
def test_worker_decides_what_the_resident_left_open(said: str, expected: tuple[Colour, State]) -> None:
    assert outcome(phone(), declared(), answer(2, "unsure"), answer(3, said, source="worker")) == expected


def test_worker_can_correct_a_yes_that_was_given_in_error() -> None:
    facts = (phone(), declared(), answer(2, "yes"), answer(3, "no", source="worker", after=2))
    assert outcome(*facts) == GREEN


@pytest.mark.parametrize(
    "facts", [(), (answer(2, "no"),), (answer(2, "unsure"),)], ids=["silence", "no", "unsure"]
)
def test_what_is_left_open_ends_with_the_days_of_asking(facts: tuple[Fact, ...]) -> None:
    assert outcome(phone(), declared(), *facts, days=8) == PENDING
    assert outcome(phone(), declared(), *facts, days=9) == GREEN
    waiting = seen(phone(), declared(), *facts)
    assert (waiting.next_change_at, waiting.next_colour) == (midnight(DAY + timedelta(days=9)), Colour.GREEN)


def test_second_source_in_the_same_prefecture_confirms_without_asking() -> None:
    train = fact(3, "journey", DAY, division="421102", source="rail", mode="train")
    assert outcome(phone(), declared(), train) == RED


def test_answer_about_something_else_changes_nothing() -> None:
    assert outcome(phone(), declared(last=DAY), answer(2, "no", about=77)) == PENDING


def test_contact_is_never_asked_away() -> None:
    contact = fact(4, "contact", DAY, source="telecom", degree=1, certainty="sure")
    assert outcome(contact, declared(last=DAY), answer(2, "no", about=4)) == RED
