"""Elsewhere a platform that got no answer in five seconds sent its message again, up to three times, and each
delivery was worked on anew; events, which carry no id, could not be told apart at all."""

from __future__ import annotations

from bot.channels.wechat.push import Query
from tests.fakes.wechat_push import OUT_OF_ORDER, deliver
from tests.service import Service, running


class Impatient:
    """A platform that hangs up before the first answers arrive."""

    def __init__(self, service: Service, lost: int) -> None:
        self.service, self.lost = service, lost

    async def post(self, query: Query, body: bytes) -> tuple[int, bytes]:
        response = await self.service.client.post(
            "/webhooks/wechat/official",
            params=list(query),
            data=body,
        )
        answered = response.status, await response.read()
        self.lost -= 1
        if self.lost >= 0:
            raise TimeoutError
        return answered


async def test_message_whose_answers_were_lost_three_times_counts_once(database_url: str) -> None:
    async with running(database_url) as service:
        await service.declare("o_li", codes="穗康码")
        push = service.sender.text("o_li", "36.5", at=service.clock.wire(), msg_id="1")
        delivery = await deliver(Impatient(service, lost=3).post, push, service.sender)
        assert delivery.attempts == 4
        assert delivery.shown != OUT_OF_ORDER
        assert "打卡已保存" in (delivery.shown or "")
        assert await service.rows("SELECT revision FROM punch_ins") == [(1,)]
        assert await service.rows("SELECT revision FROM punch_in_log") == [(1,)]


async def test_event_whose_answer_was_lost_counts_once(database_url: str) -> None:
    async with running(database_url) as service:
        push = service.sender.event("o_li", "subscribe", at=service.clock.wire())
        delivery = await deliver(Impatient(service, lost=2).post, push, service.sender)
        assert "同意" in (delivery.shown or "")
        assert len(await service.rows("SELECT 1 FROM inbox")) == 1
        assert len(await service.rows("SELECT 1 FROM accounts")) == 1
