"""What every door refuses before a fact is stored."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.facts import KINDS, FactKind, check_fact, last_day
from bot.core.model import Fact
from tests.core.people import SHANGHAI, contact, fact, noon

DAY = date(2020, 2, 20)
STAY = fact(1, "stay", DAY, division="420106", source="telecom", minutes=90)


def test_sound_facts_pass_the_check() -> None:
    for one in (
        STAY,
        contact(2, DAY),
        fact(3, "symptom", DAY, source="punch_in", code="fever", temperature_tenths=378),
        fact(4, "measure", DAY, end=DAY + timedelta(days=14), known_at=noon(DAY), measure="home"),
        fact(5, "override", DAY, end=DAY + timedelta(days=3), known_at=noon(DAY), source="authority",
             colour="red", reason_code="r", issuer="a", second_person="b"),
    ):  # fmt: skip
        assert check_fact(one, SHANGHAI) == ()


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (replace(STAY, kind="rumour"), "unknown kind"),
        (replace(STAY, start=DAY + timedelta(days=1)), "from the future"),
        (replace(STAY, end=DAY - timedelta(days=1)), "before it starts"),
        (replace(STAY, end=DAY + timedelta(days=1)), "ends in the future"),
        (replace(STAY, known_at=datetime(2020, 2, 20)), "no zone"),  # noqa: DTZ001
        (replace(STAY, withdrawn_at=datetime(2020, 2, 19, tzinfo=UTC)), "withdrawn before"),
        (replace(STAY, division=None), "needs a division"),
        (replace(STAY, division="42010"), "not a division code"),
        (replace(STAY, division="湖北"), "not a division code"),
        (replace(STAY, source="The Telecom"), "not a source"),
        (replace(STAY, reference=""), "reference is empty"),
        (replace(STAY, details={"mood": "good"}), "no detail 'mood'"),
        (replace(STAY, details={"minutes": True}), "not a whole number"),
        (replace(STAY, details={"minutes": -1}), "not within"),
        (fact(1, "journey", DAY, division="42", mode="train", with_case=1), "neither true nor false"),
        (fact(1, "care", DAY, what="soup"), "is not one of"),
        (fact(1, "symptom", DAY, division="42", code="cough"), "has no division"),
        (fact(1, "symptom", DAY), "needs one of code, temperature_tenths"),
        (fact(1, "symptom", DAY, code="bored"), "is not one of"),
        (fact(1, "symptom", DAY, temperature_tenths=439), "not within 340 to 430"),
        (fact(1, "contact", DAY, degree=1), "needs the detail 'certainty'"),
        (fact(1, "entry", DAY, country=""), "not a short text"),
        (fact(1, "override", DAY, colour="red", reason_code="r", issuer="a", second_person="b"), "needs an end"),
        (fact(1, "override", DAY, end=DAY, colour="red", reason_code="r", issuer="a", second_person="a"), "second person"),
    ],
)  # fmt: skip
def test_a_wrong_fact_is_refused_with_the_reason(wrong: Fact, problem: str) -> None:
    problems = check_fact(wrong, SHANGHAI)
    assert len(problems) == 1
    assert problem in problems[0]


def test_the_future_begins_in_the_persons_zone() -> None:
    late = datetime(2020, 2, 20, 17, tzinfo=UTC)
    tomorrow = replace(STAY, start=date(2020, 2, 21), known_at=late)
    assert check_fact(tomorrow, SHANGHAI) == ()
    assert "from the future" in check_fact(tomorrow, "Europe/London")[0]


def test_an_open_end_means_what_its_kind_says() -> None:
    today = DAY + timedelta(days=9)
    later = replace(STAY, known_at=noon(DAY + timedelta(days=3)))
    assert last_day(later, SHANGHAI, today) == DAY + timedelta(days=3)
    assert last_day(contact(1, DAY), SHANGHAI, today) == DAY
    assert last_day(fact(1, "measure", DAY, measure="home"), SHANGHAI, today) == today


def test_every_kind_of_fact_has_its_row() -> None:
    assert set(KINDS) == set(FactKind)
