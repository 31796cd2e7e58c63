"""A household's line: everybody gets what stands beside their name, and what can't be placed is handed back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.household import read_household, said_of
from bot.conversation.understanding.symptoms import Symptom

NAMES = ["妈妈", "小宝", "Tom"]

# a line; then for each part: who, tenths (0: none), symptoms, whether none was said
READ = [
    ("全家正常 36.5", [("全家", 365, "", True)]),
    ("1 3 正常，2 发烧38.2", [("1 3", 0, "", True), ("2", 382, "fever", False)]),
    ("妈妈 37.8 咳嗽", [("妈妈", 378, "cough", False)]),
    ("我和爸爸36.6，孩子没量", [("我 爸爸", 366, "", False), ("孩子", 0, "", False)]),
    ("都正常", [("全家", 0, "", True)]),
    ("all normal 36.5", [("全家", 365, "", True)]),
    ("mum 37.8 cough", [("妈妈", 378, "cough", False)]),
    ("I'm 36.5, mum's 37.8", [("我", 365, "", False), ("妈妈", 378, "", False)]),
    ("mum and dad are fine, Tom 36.8", [("妈妈 爸爸", 0, "", True), ("tom", 368, "", False)]),
    ("小宝37.8，咳嗽，2正常", [("小宝", 378, "cough", False), ("2", 0, "", True)]),
    ("1，3正常，2发烧", [("1 3", 0, "", True), ("2", 0, "fever", False)]),
    ("1 36.5 2 37.2", [("1", 365, "", False), ("2", 372, "", False)]),
    ("1号36.5，2号正常", [("1", 365, "", False), ("2", 0, "", True)]),
    ("36.5 全家", [("全家", 365, "", False)]),
    ("我儿子36.5", [("儿子", 365, "", False)]),
    ("爸妈都正常", [("爸爸 妈妈", 0, "", True)]),
    ("妈妈，爸爸都36.5", [("妈妈 爸爸", 365, "", False)]),
    ("妈妈体温36，2 正常", [("妈妈", 360, "", False), ("2", 0, "", True)]),
    ("36.5，妈妈 37.8", [("", 365, "", False), ("妈妈", 378, "", False)]),
    ("其他人都正常，妈妈38.1", [("其他人", 0, "", True), ("妈妈", 381, "", False)]),
    ("妈妈今天早上36度8，没有不舒服", [("妈妈", 368, "", True)]),
    ("體溫：媽媽 36.8 沒有發燒", [("妈妈", 368, "", False)]),
]

UNREAD = [
    ("妈妈 37.8，小红 36.5", "小红"),
    ("小红 36.5", "小红"),
    ("隔壁小宝发烧", "隔壁"),
    ("除了妈妈都正常", "除了"),
    ("妈妈 47.8", "47.8"),
    ("妈妈的同事发烧", "的同事"),
    ("妈妈家36.5", "妈妈家"),
    ("体温 36 5", "体温 36"),
    ("36.5 2 37.2", "36.5"),
    ("妈妈正常吗", "正常吗"),
    ("dad not well 36.5", "well"),
    ("两个孩子36.5", "两个"),
    ("妈妈昨天38.2，今天36.5", "昨天"),
    ("妈妈可能发烧", "可能"),
    ("1-3 正常", "1-3"),
    ("妈妈有没有发烧", "有没有"),
    ("我和爸爸分别36.5", "分别"),
]


@pytest.mark.parametrize(("text", "parts"), READ)
def test_everybody_gets_what_stands_beside_their_name(
    text: str, parts: list[tuple[str, int, str, bool]]
) -> None:
    line = read_household(text, NAMES)
    assert line.unread == ()
    assert [
        (
            " ".join(one.who),
            one.said.temperature_tenths or 0,
            ",".join(one.said.symptoms),
            one.said.no_symptoms,
        )
        for one in line.parts
    ] == parts


@pytest.mark.parametrize(("text", "word"), UNREAD)
def test_a_word_that_nobody_can_place_is_handed_back(text: str, word: str) -> None:
    assert word in read_household(text, NAMES).unread


def test_a_line_longer_than_any_message_is_not_read_by_its_beginning() -> None:
    assert read_household("妈妈36.5，" * 400, NAMES).unread


def test_a_label_with_words_of_illness_is_nobodys_symptom() -> None:
    (part,) = read_household("咳咳 36.5", ["咳咳"]).parts
    assert (part.who, part.said.symptoms, part.said.temperature_tenths) == (("咳咳",), (), 365)


REPORTS = {
    "36.5": (365, (), False),
    "正常": (None, (), True),
    "发烧38.2": (382, ("fever",), False),
    "37.8 咳嗽": (378, ("cough",), False),
    "没有症状，36.9": (369, (), True),
    "咳嗽，乏力": (None, ("cough", "fatigue"), False),
    "36.7 头疼": (367, ("headache",), False),
}
WHO = ["1", "2", "3", "4", "我", "妈妈", "爸爸", "小宝", "奶奶"]

segments = st.dictionaries(st.sampled_from(WHO), st.sampled_from(sorted(REPORTS)), min_size=1, max_size=6)


@given(segments, st.sampled_from(["，", "；", "\n", "。"]), st.randoms())
def test_every_named_member_gets_exactly_their_segment_in_any_order(
    said: dict[str, str], between: str, chance: object
) -> None:
    order = sorted(said)
    chance.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    line = read_household(between.join(f"{who} {said[who]}" for who in order), NAMES)
    assert line.unread == ()
    found = {
        one.who: (one.said.temperature_tenths, one.said.symptoms, one.said.no_symptoms) for one in line.parts
    }
    assert found == {(who,): REPORTS[said[who]] for who in order}


@given(st.lists(st.sampled_from(WHO), min_size=1, max_size=5, unique=True), st.sampled_from(sorted(REPORTS)))
def test_members_named_together_share_one_report(who: list[str], report: str) -> None:
    line = read_household(f"{'、'.join(who)} {report}", NAMES)
    assert line.unread == ()
    assert [one.who for one in line.parts] == [tuple(who)]


@given(st.text(st.sampled_from("123456789.,，、。 妈爸我小宝和都没正常发烧咳嗽3678度体温不是昨天Tom\n")))
def test_nothing_is_read_that_the_text_does_not_name(text: str) -> None:
    line = read_household(text, NAMES)
    for part in line.parts:
        assert all(plain(word) in plain(text) for word in part.words)
        tenths = part.said.temperature_tenths
        assert tenths is None or 340 <= tenths <= 430
        assert set(part.said.symptoms) <= set(Symptom)


@given(st.text())
def test_what_was_said_of_one_reads_the_same_again(text: str) -> None:
    for part in read_household(text, NAMES).parts:
        assert said_of(part.text) == part.said
