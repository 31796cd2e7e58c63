"""Elsewhere a question in the middle of a form was stored as the answer, a change of mind could not be said, and
the form began again from the top after somebody had asked something else."""

from __future__ import annotations

import pytest

from tests.service import LI, running

ASIDES = ("为什么要问这个？", "隐私", "我的码", "帮助", "去广州用哪个码？", "why do you ask?", "嗯？")


@pytest.mark.parametrize("aside", ASIDES)
async def test_question_in_the_middle_is_answered_and_the_form_asks_again(
    database_url: str, aside: str
) -> None:
    async with running(database_url) as service:
        for answers in ((), (LI["name"],), (LI["certificate"], LI["phone"], "武汉市武昌区")):
            asked = await service.talk("o_li", *(answers or ("你好", "同意", "申报")))
            question = asked.rpartition("\n\n")[2].partition("\n")[0]
            answer = await service.say("o_li", aside)
            assert answer.rpartition("\n\n")[2].startswith(question)
            assert answer != asked
        assert "原来填的是：姓名：李小梅" in await service.say("o_li", "改 1")


async def test_back_returns_to_each_question_in_turn_and_keeps_the_rest(database_url: str) -> None:
    person = (LI["name"], "居民身份证", LI["certificate"], LI["phone"])
    async with running(database_url) as service:
        await service.talk("o_li", "你好", "同意")
        asked = [await service.say("o_li", text) for text in ("申报", *person)]
        questions = [each.rpartition("\n\n")[2] for each in asked]
        assert len(set(questions)) == 5
        for question in reversed(questions[:-1]):
            assert await service.say("o_li", "上一步") == question
        assert "已经是第一题" in await service.say("o_li", "上一步")
        assert await service.say("o_li", LI["name"]) == questions[1]
