"""Elsewhere a second report on one day reset the count of days in a row, or was counted as one more day."""

from __future__ import annotations

from datetime import timedelta

from bot.town import publish_town_levels
from tests.fakes.clock import FakeClock
from tests.service import Service, running


async def colour(service: Service) -> str:
    ((found,),) = await service.rows("SELECT colour FROM health_codes WHERE scheme = 'community'")
    return str(found)


async def test_second_punch_in_on_one_day_neither_breaks_nor_lengthens_the_streak(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await publish_town_levels(service.app)
        await service.declare("o_li", codes="社区电子通行证")
        await service.say("o_li", "36.8 咳嗽")
        assert await colour(service) == "yellow"
        for day in (1, 2, 3):
            clock.advance(timedelta(days=1))
            assert await colour(service) == "yellow", day
            await service.talk("o_li", "36.5 没有症状", "36.6 没有症状")
            if day < 3:
                clock.advance(timedelta(minutes=5))
                assert f"连续 {day}/3 天" in await service.say("o_li", "为什么")
        assert await colour(service) == "green"


async def test_fever_later_on_the_day_breaks_the_streak(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await publish_town_levels(service.app)
        await service.declare("o_li", codes="社区电子通行证")
        await service.say("o_li", "36.8 咳嗽")
        for texts in (("36.5 没有症状",), ("36.5 没有症状", "36.6 咳嗽"), ("36.5 没有症状",)):
            clock.advance(timedelta(days=1))
            await service.talk("o_li", *texts)
        assert await colour(service) == "yellow"
