"""Replies on the wire: safe XML, within the limit, whole characters."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.wechat.envelope import read_fields
from bot.channels.wechat.replies import ELLIPSIS, LIMIT_BYTES, fit, render
from bot.message import Choice, Choices, Picture, Reply

AT = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)


def rendered(reply: Reply, *, account: str = "o_1", ours: str = "gh_1") -> str:
    return render(reply, account=account, ours=ours, at=AT)[0]


def content(reply: Reply) -> str:
    return read_fields(rendered(reply).encode())["Content"]


def test_text_reply_goes_from_us_to_the_resident() -> None:
    assert read_fields(rendered(Reply.of("您好")).encode()) == {
        "ToUserName": "o_1",
        "FromUserName": "gh_1",
        "CreateTime": str(int(AT.timestamp())),
        "MsgType": "text",
        "Content": "您好",
    }


def test_choices_become_numbered_lines() -> None:
    reply = Reply.of("打卡吗？", Choices((Choice("是", "yes"), Choice("否", "no"))))
    assert content(reply) == "打卡吗？\n\n1. 是\n2. 否"


def test_end_of_cdata_in_a_text_stays_text() -> None:
    evil = "]]></Content><MsgType>image</MsgType><Content><![CDATA["
    assert content(Reply.of(evil)) == evil


def test_end_of_cdata_in_an_account_stays_its_name() -> None:
    xml = rendered(Reply.of("1"), account="o]]><x/>", ours="g]]>")
    fields = read_fields(xml.encode())
    assert (fields["ToUserName"], fields["FromUserName"]) == ("o]]><x/>", "g]]>")


def test_control_characters_and_half_characters_are_dropped() -> None:
    assert content(Reply.of("a\x00\x0b\x1fb\ud83d\uffffc\td\ne")) == "abc\td\ne"


def test_reply_without_a_word_is_empty() -> None:
    assert render(Reply(()), account="o", ours="g", at=AT) == ("", False)
    assert render(Reply.of("\x00 \n"), account="o", ours="g", at=AT) == ("", False)


def test_reply_of_one_picture_is_an_image() -> None:
    xml = rendered(Reply.of(Picture("MEDIA]]>", "一张图")))
    assert "<MsgType><![CDATA[image]]></MsgType>" in xml
    assert "<MediaId><![CDATA[MEDIA]]]]><![CDATA[>]]></MediaId>" in xml


def test_picture_that_the_platform_does_not_know_shows_its_words() -> None:
    assert content(Reply.of(Picture("", "一张图"))) == "一张图"


def test_picture_beside_a_text_shows_its_words() -> None:
    assert content(Reply.of("看图：", Picture("M", "绿码"))) == "看图：\n\n绿码"


def test_text_of_exactly_the_limit_is_left_whole() -> None:
    text = "中" * 682 + "ab"
    assert len(text.encode()) == LIMIT_BYTES
    assert fit(text) == (text, False)


def test_one_byte_beyond_the_limit_is_cut_and_says_so() -> None:
    shown, cut = fit("中" * 682 + "abc")
    assert cut
    assert shown.endswith(f"中\n{ELLIPSIS}")


def test_cut_text_ends_with_a_whole_line() -> None:
    line = "读到：体温 36.8 ℃，没有症状。"
    shown, cut = fit("\n".join([line] * 100))
    assert cut
    assert set(shown.splitlines()[:-1]) == {line}
    assert shown.splitlines()[-1] == ELLIPSIS


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(16, 300))
def test_cut_text_fits_and_is_a_beginning_of_the_whole(text: str, limit: int) -> None:
    shown, cut = fit(text, limit)
    assert len(shown.encode()) <= limit
    assert text.startswith(shown.removesuffix(f"\n{ELLIPSIS}") if cut else shown)


@pytest.mark.parametrize("emoji", ["😷", "👨‍👩‍👧", "é" * 2, "中"])
def test_long_runs_are_never_cut_within_a_code_point(emoji: str) -> None:
    for lead in range(4):
        shown, cut = fit("a" * lead + emoji * 1000)
        assert cut
        assert "\ufffd" not in shown
        assert len(shown.encode()) <= LIMIT_BYTES
