"""Whole messages: what is understood of them together, and in what form it is printed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding import Intent, Places, Understood, understand

TODAY = date(2020, 2, 20)
PLACES = Places.load()

MESSAGES: list[tuple[str, dict[str, object]]] = [
    ("36.5", {"intent": "punch_in", "temperature": 36.5}),
    ("３６．５", {"intent": "punch_in", "temperature": 36.5}),
    ("体温36度8 没有症状", {"intent": "punch_in", "temperature": 36.8, "no_symptoms": True}),
    ("37.9 咳嗽", {"intent": "punch_in", "temperature": 37.9, "symptoms": ["cough"]}),
    ("三十六度五，一切正常", {"intent": "punch_in", "temperature": 36.5, "no_symptoms": True}),
    ("没变化", {"intent": "punch_in", "no_change": True}),
    ("和昨天一样", {"intent": "punch_in", "no_change": True}),
    ("同昨天", {"intent": "punch_in", "no_change": True}),
    ("和平常一样", {"intent": "punch_in", "no_change": True}),
    ("no change", {"intent": "punch_in", "no_change": True}),
    ("Same as yesterday", {"intent": "punch_in", "no_change": True}),
    ("和昨天不一样", {"intent": "unknown", "dates": ["2020-02-19"]}),
    ("36.5 和昨天一样", {"intent": "punch_in", "temperature": 36.5, "no_change": True}),
    (
        "妈妈 37.8 咳嗽",
        {
            "intent": "punch_in",
            "temperature": 37.8,
            "symptoms": ["cough"],
            "members": ["妈妈"],
            "reports": [{"who": ["妈妈"], "temperature": 37.8, "symptoms": ["cough"]}],
        },
    ),
    (
        "1 3 正常，2 发烧38.2",
        {
            "intent": "punch_in",
            "temperature": 38.2,
            "symptoms": ["fever"],
            "members": ["1", "3", "2"],
            "reports": [
                {"who": ["1", "3"], "no_symptoms": True},
                {"who": ["2"], "temperature": 38.2, "symptoms": ["fever"]},
            ],
        },
    ),
    (
        "全家正常 36.5",
        {
            "intent": "punch_in",
            "temperature": 36.5,
            "members": ["全家"],
            "no_symptoms": True,
            "reports": [{"who": ["全家"], "temperature": 36.5, "no_symptoms": True}],
        },
    ),
    ("No fever, no cough, 36.6", {"intent": "punch_in", "temperature": 36.6}),
    ("no symptoms 36.4", {"intent": "punch_in", "temperature": 36.4, "no_symptoms": True}),
    ("去广州上班用哪个码", {"intent": "which_code", "places": ["440100"]}),
    (
        "昨天从湖北武汉回来",
        {"intent": "unknown", "dates": ["2020-02-19"], "places": ["420100"]},
    ),
    (
        "上周五从朝阳回来",
        {
            "intent": "unknown",
            "dates": ["2020-02-14"],
            "candidates": {"朝阳": ["110105", "211300", "211321", "220104"]},
        },
    ),
    ("我没有去过湖北", {"intent": "unknown"}),
    ("没去过武汉，从广州回来", {"intent": "unknown", "places": ["440100"]}),
    ("没离开过武汉", {"intent": "unknown", "places": ["420100"]}),
    ("45.2度", {"intent": "punch_in"}),
    ("早上36.5 晚上37.2", {"intent": "punch_in"}),
    ("體溫36.5 沒有症狀", {"intent": "punch_in", "temperature": 36.5, "no_symptoms": True}),
    ("正月初九回来的", {"intent": "unknown"}),
    ("房间 36", {"intent": "unknown"}),
    ("为什么要问这个", {"intent": "why"}),
    ("", {"intent": "unknown"}),
    ("   ", {"intent": "unknown"}),
]


@pytest.mark.parametrize(("text", "expected"), MESSAGES)
def test_a_whole_message_is_understood_as_printed(text: str, expected: dict[str, object]) -> None:
    assert understand(text, today=TODAY, places=PLACES).to_json() == expected


def test_what_must_be_asked_is_kept_beside_the_printed_form() -> None:
    assert understand("45.2度", today=TODAY, places=PLACES).implausible_temperature_tenths == 452
    assert understand("没有发烧，咳嗽", today=TODAY, places=PLACES).unclear_symptoms == ("cough",)
    assert understand("没有发烧，咳嗽", today=TODAY, places=PLACES).denied_symptoms == ("fever",)
    assert understand("正月初九", today=TODAY, places=PLACES).lunar_date is True


def test_a_place_where_one_has_not_been_is_kept_apart() -> None:
    said = understand("我没去过武汉，怎么是红码", today=TODAY, places=PLACES)

    assert said.intent is Intent.APPEAL
    assert said.places == ()
    assert said.denied_places == ("420100",)


def test_a_name_of_the_household_is_a_member() -> None:
    said = understand("王芳 37.8", today=TODAY, places=PLACES, names=["王芳", "李雷"])

    assert said.members == ("王芳",)


def test_a_household_message_shows_what_is_said_of_whom() -> None:
    assert understand("1 3 正常，2 发烧38.2", today=TODAY, places=PLACES).to_json()["reports"] == [
        {"who": ["1", "3"], "no_symptoms": True},
        {"who": ["2"], "temperature": 38.2, "symptoms": ["fever"]},
    ]


def test_a_household_message_with_an_unread_word_shows_no_reports() -> None:
    assert "reports" not in understand("妈妈 37.8，小红 36.5", today=TODAY, places=PLACES).to_json()


@given(st.text(), st.dates())
def test_any_message_can_be_understood(text: str, today: date) -> None:
    said = understand(text, today=today, places=PLACES)

    assert said.to_json()["intent"] in set(Intent)


@given(st.text(min_size=1001, max_size=3000))
def test_a_message_longer_than_any_real_one_is_understood_by_its_beginning(text: str) -> None:
    assert isinstance(understand(text, today=TODAY, places=PLACES), Understood)
