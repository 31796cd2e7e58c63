"""Elsewhere a handler that took longer than the platform waits left people with "service out of order", and what
it had found out was lost. Here it is promised in time, finished, and told with the next answer."""

from __future__ import annotations

import asyncio

from bot.app import Clients
from bot.services.real_name import Claim, Verdict
from tests.service import Service, running


class SlowRegister:
    """A real-name service that answers when it is let."""

    name = "slow"

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def verify(self, claim: Claim) -> Verdict:
        await self.gate.wait()
        return Verdict.MATCH


async def test_declaration_that_waits_for_the_register_is_promised_and_told_later(database_url: str) -> None:
    register = SlowRegister()
    clients = Clients(real_name=register)
    async with running(database_url, clients=clients, reply_seconds=1.0) as service:
        promised = await service.declare("o_li", codes="武汉健康码")
        assert "正在办" in promised
        assert "回执" not in promised
        assert await service.rows("SELECT 1 FROM declarations") == []
        register.gate.set()
        await finished(service)
        told = await service.say("o_li", "我的码")
        (receipt,) = (await service.rows("SELECT receipt FROM declarations"))[0]
        assert "办好了" in told
        assert receipt in told
        assert told.index(receipt) < told.rindex("武汉健康码")
        assert "办好了" not in await service.say("o_li", "我的码")


async def finished(service: Service) -> None:
    for _ in range(500):
        if await service.rows("SELECT 1 FROM inbox WHERE state = 'pending'") == []:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the promise was not kept")
