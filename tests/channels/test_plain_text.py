"""Replies as text, and what is typed back as a choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.plain_text import picked, render_text
from bot.message import Card, Choice, Choices, Picture, Reply

YES_NO = (Choice("有", "yes"), Choice("没有 None", "no"), Choice("不确定", "unsure"))
TWELVE = tuple(Choice(f"选项{letter}", f"value-{letter}") for letter in "abcdefghijkl")


def test_parts_stand_apart_by_a_blank_line() -> None:
    assert render_text(Reply.of("您好", "再见")) == "您好\n\n再见"


def test_card_is_its_title_and_lines() -> None:
    card = Card("武汉健康码", ("绿色", "有效至 2月21日"), "https://x.invalid/1")
    assert render_text(Reply.of(card)) == "武汉健康码\n绿色\n有效至 2月21日\nhttps://x.invalid/1"


def test_choices_are_numbered_through_the_whole_reply() -> None:
    reply = Reply.of("问", Choices(YES_NO[:2], "甲？"), "又问", Choices(YES_NO[2:]))
    assert render_text(reply) == "问\n\n甲？\n1. 有\n2. 没有 None\n\n又问\n\n3. 不确定"
    assert picked(reply.choices, "3") == "unsure"


def test_picture_shows_its_words_and_nothing_leaves_no_gap() -> None:
    assert render_text(Reply.of("甲", Picture("M"), "", Picture("M", "图"), "乙")) == "甲\n\n图\n\n乙"


def test_reply_without_parts_is_no_text() -> None:
    assert render_text(Reply(())) == ""


@pytest.mark.parametrize(
    "typed", ["2", " 2 ", "２", "2.", "２．", "2。", "2、", "(2)", "（2）", "②", "二", "二。"]
)
def test_number_in_any_writing_picks_its_choice(typed: str) -> None:
    assert picked(YES_NO, typed) == "no"


@pytest.mark.parametrize("typed", ["没有 none", "没有NONE", " 没有　Ｎｏｎｅ ", "no", "NO"])
def test_words_or_value_of_a_choice_pick_it(typed: str) -> None:
    assert picked(YES_NO, typed) == "no"


@pytest.mark.parametrize(
    ("typed", "letter"), [("十", "j"), ("十一", "k"), ("一十二", "l"), ("12", "l"), ("10.", "j")]
)
def test_numbers_beyond_nine_pick_their_choice(typed: str, letter: str) -> None:
    assert picked(TWELVE, typed) == f"value-{letter}"


@pytest.mark.parametrize(
    "typed", ["", " ", "0", "4", "99", "-1", "36.5", "2.5", "十", "二十一", "有没有", "三个", "没", "1 2 3"]
)
def test_anything_else_picks_nothing(typed: str) -> None:
    assert picked(YES_NO, typed) is None


def test_words_of_a_choice_come_before_its_number() -> None:
    doses = (Choice("2", "two"), Choice("1", "one"))
    assert picked(doses, "1") == "one"


def test_number_on_the_screen_comes_before_a_hidden_value() -> None:
    swapped = (Choice("甲", "2"), Choice("乙", "1"))
    assert picked(swapped, "1") == "2"


def test_nothing_is_picked_where_nothing_was_offered() -> None:
    assert picked((), "1") is None


@given(st.text())
def test_any_text_picks_an_offered_value_or_nothing(typed: str) -> None:
    assert picked(YES_NO, typed) in {"yes", "no", "unsure", None}


@given(st.lists(st.text(st.characters(categories=["Lo"]), min_size=1), min_size=1, max_size=20, unique=True))
def test_every_number_that_is_shown_picks_what_stands_beside_it(labels: list[str]) -> None:
    choices = tuple(Choice(label, f"v{index}") for index, label in enumerate(labels))
    for position, line in enumerate(render_text(Reply.of(Choices(choices))).split("\n")):
        assert picked(choices, line.split(" ")[0]) == f"v{position}"
