"""Elsewhere a form gained a question, and everybody who was filling it in, or had filled it in before, failed
silently from that day on."""

from __future__ import annotations

import dataclasses

from bot.conversation.forms import Form
from handlers.chat.declare import FORM
from tests.service import CODES, LI, Service, running


def without(step: str) -> Form:
    """The declaration of an older version, which did not ask that yet."""
    return dataclasses.replace(FORM, steps=tuple(each for each in FORM.steps if each.name != step))


def use(service: Service, form: Form) -> None:
    forms = {**service.tools.forms, form.name: form}
    service.engine._tools = dataclasses.replace(service.tools, forms=forms)


async def test_form_that_gained_a_question_asks_it_and_can_be_finished(database_url: str) -> None:
    known = (LI["name"], LI["certificate"], LI["phone"], "武汉市武昌区", "和平路1号3栋2单元501")
    async with running(database_url) as service:
        use(service, without("diseases"))
        review = await service.talk("o_li", "你好", "同意", "申报", *known, *("没有",) * 5, CODES)
        assert "都对，提交" in review
        assert "慢性病" not in review
    async with running(database_url) as service:
        moved = await service.say("o_li", "提交")
        assert "已经填的都在" in moved
        assert "慢性病" in moved
        assert "慢性病：没有" in await service.say("o_li", "没有")
        assert "回执号" in await service.say("o_li", "提交")


async def test_form_that_lost_the_question_being_asked_goes_on(database_url: str) -> None:
    async with running(database_url) as service:
        asked = await service.talk("o_li", "你好", "同意", "申报", LI["name"], LI["certificate"])
        assert "手机号" in asked
    async with running(database_url) as service:
        use(service, without("phone"))
        moved = await service.say("o_li", LI["phone"])
        assert "已经填的都在" in moved
        assert "住在哪个区县" in moved


async def test_form_that_is_gone_lets_people_do_something_else(database_url: str) -> None:
    async with running(database_url) as service:
        await service.talk("o_li", "你好", "同意", "申报", LI["name"])
        service.engine._tools = dataclasses.replace(service.tools, forms={})
        assert "打卡" in await service.say("o_li", "帮助")
