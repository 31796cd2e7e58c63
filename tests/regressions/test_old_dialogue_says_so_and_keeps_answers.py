"""Elsewhere a conversation that was left alone for a few minutes was forgotten without a word, and the next answer
was taken for something else."""

from __future__ import annotations

from datetime import timedelta

from tests.fakes.clock import FakeClock
from tests.service import LI, running


async def test_dialogue_left_for_days_says_so_and_keeps_what_was_answered(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        asked = await service.talk("o_li", "你好", "同意", "申报", LI["name"])
        clock.advance(timedelta(hours=71))
        assert await service.say("o_li", "嗯哼") == f"抱歉，这句我没看懂。我们接着刚才的问题：\n\n{asked}"
        clock.advance(timedelta(days=5))
        back = await service.say("o_li", LI["certificate"])
        assert "好久不见" in back
        assert "健康申报" in back
        assert back.endswith(asked)
        assert "手机号" in await service.say("o_li", LI["certificate"])
        assert f"姓名：{LI['name']}" in await service.say("o_li", "改 1")


async def test_request_after_days_is_served_and_the_form_still_there(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        asked = await service.talk("o_li", "你好", "同意", "申报", LI["name"])
        clock.advance(timedelta(days=10))
        answer = await service.say("o_li", "隐私")
        assert "加密" in answer
        assert "好久不见" in answer
        # its choices go on behind those of the answer
        assert asked.splitlines()[0] in answer
        assert answer.endswith(asked.splitlines()[-1].partition(". ")[2])
