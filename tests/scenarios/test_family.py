"""A household through the signed door: who agrees, one line for everybody, who reported, and one step out again."""

from __future__ import annotations

from datetime import timedelta

from bot.notices.outbox import CONTEXT
from tests.fakes.clock import FakeClock
from tests.service import Service, running

DAY = timedelta(days=1)
WANG = {"name": "王建国", "certificate": "420106197809120220"}
BOUND = ("住在一起", "都没有", "提交")


async def kinds(service: Service, kind: str) -> list[dict[str, object]]:
    """What the notices of that kind are about, in their order."""
    rows = await service.rows(
        "SELECT params_sealed FROM notices WHERE kind = ? ORDER BY created_at, id", kind
    )
    return [service.tools.world.keys.open_json(CONTEXT, row[0]) for row in rows]


async def add(service: Service, label: str, name: str, certificate: str) -> str:
    """Ask to report for somebody who lives in the same home; what was answered."""
    return await service.talk("o_li", f"添加{label}", name, "居民身份证", certificate, *BOUND)


async def test_adult_is_asked_reported_for_in_one_line_and_leaves_in_one_step(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await service.declare("o_li", codes="武汉健康码")
        await service.declare("o_wang", 2, codes="武汉健康码", **WANG)
        asked = await add(service, "老公", WANG["name"], WANG["certificate"])
        assert "确认后" in asked
        assert "老公" not in await service.say(
            "o_li", "全家正常 36.5"
        )  # nobody is reported for before he agrees
        await service.say("o_li", "取消")
        shown = await service.say("o_wang", "绑定")
        assert "李**" in shown
        assert "同意" in shown
        assert "可以替您打卡" in await service.say("o_wang", "同意")
        assert {"what": "confirmed"}.items() <= (await kinds(service, "binding_changed"))[-1].items()

        clock.advance(DAY)
        read_back = await service.say("o_li", "我正常 36.5，老公 37.8 咳嗽")
        assert "老公：体温 37.8 °C，咳嗽" in read_back
        assert await service.rows("SELECT 1 FROM punch_ins") == []
        saved = await service.say("o_li", "保存")
        assert "2 个人" in saved
        [(li,)] = await service.rows("SELECT account_id FROM account_residents WHERE relation = 'guardian'")
        rows = await service.rows("SELECT reported_by, temperature_tenths FROM punch_ins ORDER BY 2")
        assert rows == [(li, 365), (li, 378)]

        assert "李**" in await service.say("o_wang", "谁绑定了我")
        assert "解除" in await service.say("o_wang", "解除 1")
        clock.advance(DAY)
        assert "老公" not in await service.say("o_li", "我的家人")
