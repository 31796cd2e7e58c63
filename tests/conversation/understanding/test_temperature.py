"""Which numbers are a body temperature, and above all which are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.temperature import (
    HIGHEST_TENTHS,
    LOWEST_TENTHS,
    Reading,
    read_temperature,
    temperature_answer,
)

STATED = [
    ("36.5", 365),
    ("３６．５", 365),
    ("36度8", 368),
    ("三十六度五", 365),
    ("三十六点八", 368),
    ("37.9", 379),
    ("体温 36.5", 365),
    ("38度", 380),
    ("36.50", 365),
    ("36。5", 365),
    ("36,5", 365),
    ("36，5", 365),
    ("三十七度", 370),
    ("37度2", 372),
    ("37度半", 375),
    ("三十七度半", 375),
    ("体温36度8 没有症状", 368),
    ("37.9 咳嗽", 379),
    ("三十六度五，一切正常", 365),
    ("36.5℃", 365),
    ("36.5°C", 365),
    ("36.5摄氏度", 365),
    ("T36.5", 365),
    ("t:36.8", 368),
    ("体温：36.7", 367),
    ("妈妈 37.8 咳嗽", 378),
    ("1 3 正常，2 发烧38.2", 382),
    ("全家正常 36.5", 365),
    ("昨天38.2，今天36.5", 365),
    ("早上36.5 晚上36.5", 365),
    ("36.5，不对，36.8", 368),
    ("不是36.5，是36.8", 368),
    ("昨天发烧38.2", 382),
    ("体温36", 360),
    ("体温是37", 370),
    ("量了37", 370),
    ("烧到39", 390),
    ("发烧38", 380),
    ("43.0", 430),
    ("34.0", 340),
    ("2月3号36.5", 365),
    ("2月3日36.5没症状", 365),
    ("2.20 36.5", 365),
    ("20200220 36.5", 365),
    ("1、36.5", 365),
    ("1:36.5", 365),
    ("体温36.5度正常", 365),
    ("体温正常 36.5", 365),
    ("my temperature is 36.8", 368),
    ("36.8 degrees", 368),
    ("temp 37", 370),
    ("体温36，2天没咳嗽", 360),
    ("体温36，5", 365),
    ("38度3天了", 380),
    ("38度2月3号开始", 380),
    ("三六点五", 365),
    ("36点5", 365),
    ("37度左右", 370),
    ("大概36.5", 365),
    ("36.5左右", 365),
    ("住36.5", 365),
    ("３６度８", 368),
    ("体温：三十六度五", 365),
    ("体温三十六", 360),
    ("体溫36.5 沒有症狀", 365),
    ("36.5no symptoms", 365),
    ("体温-36.5", 365),
    ("37度8分", 378),
    ("今早36.6", 366),
    ("36.5吧", 365),
    ("36.5呀", 365),
    ("测温36.4", 364),
    ("上周烧到39.1，现在好了36.5", 365),
    ("36.5 36.5", 365),
    ("36·5", 365),
    ("37°2", 372),
    ("37℃2", 372),
    ("36.5c", 365),
    ("血压120/80 体温36.5", 365),
    ("心率 72 体温36.6", 366),
    ("体温36.6 心率 72", 366),
    ("36.5 正常 血压 110", 365),
]
IMPLAUSIBLE = [
    ("体温367", 3670),
    ("30.5", 305),
    ("43.1", 431),
    ("33.9", 339),
    ("体温45", 450),
    ("体温33", 330),
    ("temp 98.6", 986),
]
NOT_ONE = [
    "房间 36",
    "36号楼",
    "3月36",
    "13812345678",
    "2.3",
    "37岁",
    "36人",
    "4月5日",
    "38.2万",
    "36.55",
    "36.5到37",
    "不到37度",
    "367",
    "building 36.5",
    "早上36.5 晚上37.2",
    "发烧3天",
    "50",
    "气温36.5",
    "今天气温36度",
    "室温36.5",
    "37多",
    "38度多",
    "37.3以上",
    "低于37.3",
    "没超过37.3",
    "体温不超过37",
    "36.5-37.0",
    "36.5~37",
    "36.5/37.0",
    "36.5.1",
    "1.36.5",
    "36.5%",
    "36.5元",
    "花了36.5",
    "¥36.5",
    "36.5kg",
    "体重36.5",
    "36.5的",
    "98.6F",
    "100.4°F",
    "37.3算发烧吗",
    "如果38度怎么办",
    "1 36，2 38",
    "1 36.5，2 37.8",
    "十点三十六",
    "电话38.5",
    "身份证 110101199003076360",
    "36",
    "37",
    "二月三号",
    "三十六个人",
    "三十六",
    "第三十七天",
    "新增36例",
    "room 36.5",
    "v36.5",
    "-36.5",
    "北纬36.5度",
    "转36度",
    "体温36. 5",
    "体温36 5",
    "我36.5岁",
    "他体温37.5度以下",
    "三十六点五五",
    "三十六度五五",
    "零",
    "一百三十六点五",
    "38.5楼",
    "距离36.5公里",
    "36.5折",
    "39度退到37.2",
    "刚才38度5现在37度8",
]
PIECE_WORDS = (
    "36 37 38 3 6 5 36.5 37,2 38。1 度 ° c 点 半 体温 发烧 到 - ~ / 不到 以上 如果 号 楼 人 天 月 日 没有 咳嗽 , 。 1 2 100 36.55 138 房间 t 气温 了 昨天 不对 "
    "."
)
PIECES = st.sampled_from(PIECE_WORDS.split())
SPACES = st.sampled_from(["", "", " "])
MESSAGES = st.lists(st.tuples(PIECES, SPACES), max_size=12).map(
    lambda parts: "".join(a + b for a, b in parts)
)
WHOLE = {
    34: "三十四",
    35: "三十五",
    36: "三十六",
    37: "三十七",
    38: "三十八",
    39: "三十九",
    40: "四十",
    41: "四十一",
}


@pytest.mark.parametrize(("text", "tenths"), STATED)
def test_a_stated_temperature_is_read_as_it_stands(text: str, tenths: int) -> None:
    assert read_temperature(plain(text)) == Reading(tenths)


@pytest.mark.parametrize(("text", "tenths"), IMPLAUSIBLE)
def test_an_impossible_temperature_is_told_apart_so_that_it_can_be_asked(text: str, tenths: int) -> None:
    assert read_temperature(plain(text)) == Reading(None, tenths)


@pytest.mark.parametrize("text", NOT_ONE)
def test_another_number_is_never_a_temperature(text: str) -> None:
    reading = read_temperature(plain(text))

    assert reading.tenths is None
    assert reading.implausible_tenths is None


def test_two_different_temperatures_are_said_to_be_several() -> None:
    assert read_temperature("早上36.5 晚上37.2") == Reading(several=True)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("37", Reading(370)),
        ("三十七", Reading(370)),
        ("37度", Reading(370)),
        ("36.8", Reading(368)),
        ("45", Reading(None, 450)),
        ("365", Reading(None, 3650)),
        ("3", Reading()),
        ("没有", Reading()),
        ("", Reading()),
        ("99999999", Reading()),
    ],
)
def test_a_bare_number_is_a_temperature_only_as_the_answer_to_that_question(
    text: str, reading: Reading
) -> None:
    assert temperature_answer(text) == reading


@given(
    st.integers(LOWEST_TENTHS, HIGHEST_TENTHS),
    st.sampled_from(["{}", "体温{}", "{}度", "{}℃ 没有症状", "妈妈 {}"]),
)
def test_every_plausible_temperature_is_read_in_every_usual_form(tenths: int, form: str) -> None:
    text = form.format(f"{tenths // 10}.{tenths % 10}")

    assert read_temperature(plain(text)).tenths == tenths


@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 9), st.sampled_from(["{}度{}", "{}点{}", "体温{}点{}"]))
def test_every_temperature_in_chinese_numerals_is_read(whole: int, tenth: int, form: str) -> None:
    assert (
        read_temperature(form.format(WHOLE[whole], "零一二三四五六七八九"[tenth])).tenths
        == whole * 10 + tenth
    )


@given(MESSAGES)
def test_a_temperature_is_never_invented(text: str) -> None:
    tenths = read_temperature(plain(text)).tenths
    if tenths is None:
        return
    whole, tenth = divmod(tenths, 10)
    assert LOWEST_TENTHS <= tenths <= HIGHEST_TENTHS
    written = rf"(?<![0-9.]){whole}\s?[.。,点度°]c?{'(?:半|5)' if tenth == 5 else tenth}(?![1-9])"
    bare = rf"(?<![0-9.]){whole}(?![0-9])"
    assert re.search(written, text) or (tenth == 0 and re.search(bare, text))


@given(st.text())
def test_any_text_can_be_read_for_a_temperature(text: str) -> None:
    tenths = read_temperature(plain(text)).tenths

    assert tenths is None or LOWEST_TENTHS <= tenths <= HIGHEST_TENTHS


@given(
    st.text(
        st.characters(
            exclude_categories=["Nd", "No", "Nl"], exclude_characters="零〇一二两三四五六七八九十百"
        )
    )
)
def test_a_text_without_numerals_has_no_temperature(text: str) -> None:
    if not re.search(r"[0-9]", plain(text)):
        assert read_temperature(plain(text)) == Reading()
