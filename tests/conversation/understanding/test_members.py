"""Members of a household in a message."""

from __future__ import annotations

import pytest

from bot.conversation.understanding.characters import plain
from bot.conversation.understanding.members import read_members

NAMED = [
    ("妈妈 37.8 咳嗽", "妈妈"),
    ("我妈37.8", "妈妈"),
    ("老伴 37.8", "老伴"),
    ("老爸发烧了", "爸爸"),
    ("爸爸和妈妈都正常", "爸爸 妈妈"),
    ("我和妈妈都正常，36.5", "我 妈妈"),
    ("妈妈36.5，我也正常", "妈妈 我"),
    ("全家正常", "全家"),
    ("大家都好", "大家"),
    ("1 3 正常，2 发烧38.2", "1 3 2"),
    ("1、3正常", "1 3"),
    ("2和3都36.5", "2 3"),
    ("1 36.5 2 37.2", "1 2"),
    ("1:36.5，2:37.8", "1 2"),
    ("1 没有症状", "1"),
    ("my mom has a fever", "mom"),
    ("外婆38度", "外婆"),
    ("外孙女咳嗽", "外孙女"),
    ("帮妈妈打卡", "妈妈"),
]
NOBODY = [
    "36.5",
    "1",
    "1 3",
    "体温36度8 没有症状",
    "36.55 正常",
    "36.5 正常",
    "我发烧了",
    "我36.5",
    "接触了妈妈",
    "从奶奶家回来",
    "陪爸爸去医院",
    "1号楼正常",
    "3天没发烧",
    "37 咳嗽",
    "2月3日 正常",
    "2020-02-03 正常",
    "13800138000 正常",
    "",
]


@pytest.mark.parametrize(("text", "members"), NAMED)
def test_the_members_that_a_message_reports_for_are_read(text: str, members: str) -> None:
    assert read_members(plain(text)) == tuple(members.split())


@pytest.mark.parametrize("text", NOBODY)
def test_a_message_about_oneself_names_nobody(text: str) -> None:
    assert read_members(plain(text)) == ()
