"""The last route offers what the words might have meant."""

from __future__ import annotations

import pytest

from bot.conversation.understanding.understood import Intent
from handlers.chat.codes import adds_code
from handlers.chat.fallback import nearest, offer_nearest
from tests.handlers.chat.stage import Stage, resident


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("今天的体温要怎么上报", "打卡"),
        ("打咔", "打卡"),
        ("我的颜色", "我的码"),
        ("我搬家了", "申报"),
        ("明天出差", "用哪个码"),
        ("谁看过我的数据", "隐私"),
        ("你好啊", "帮助"),
        ("whats my temprature", "打卡"),
        ("the colour", "我的码"),
        ("is this wrong", "为什么"),
    ],
)
def test_words_that_are_near_to_a_thing_offer_it_first(text: str, first: str) -> None:
    assert nearest(text)[0] == first


@pytest.mark.parametrize("text", ["", "qqqq", "🙂", "。。。"])
def test_words_that_are_near_to_nothing_offer_the_usual_things(text: str) -> None:
    assert nearest(text) == ("打卡", "我的码", "帮助")


@pytest.mark.parametrize("text", ["体温颜色原因搬家出差添加隐私你好", "x" * 5000, "加" * 5000])
def test_never_more_than_three_different_things_are_offered(text: str) -> None:
    found = nearest(text)
    assert len(found) == len(set(found)) == 3


async def test_offered_things_are_commands_that_are_understood() -> None:
    stage = Stage(resident())
    for text in ("体温 颜色 原因", "搬家 出差", "添加", "隐私 你好"):
        await stage.say(text, offer_nearest)
        assert stage.reply is not None
        for choice in stage.reply.choices:
            ctx = stage.hear(choice.value)
            assert ctx.understood.intent != Intent.UNKNOWN or adds_code(ctx.message, ctx)


@pytest.mark.parametrize("text", ["是", "不是", "返回"])
async def test_answer_without_a_question_is_said_to_be_one(text: str) -> None:
    assert "没有在等您回答的问题" in await Stage(resident()).say(text, offer_nearest)


async def test_nothing_is_recorded_for_what_was_not_understood() -> None:
    stage = Stage(resident(), language="en")
    assert "Sorry" in await stage.say("qqqq", offer_nearest)
    assert stage.ctx.work.writes == []
