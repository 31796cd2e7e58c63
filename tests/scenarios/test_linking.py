"""One resident on two platforms through the signed door: asked on the newer, confirmed on the older, one from then on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.service import CODES, LI, Service, running

OLDER, NEWER = "o_older", "o_newer"


async def taken(service: Service) -> str:
    """Both have declared the same certificate; what the newer one is answered."""
    await service.declare(OLDER, codes="穗康码 粤康码", phone=LI["phone"])
    return await service.declare(NEWER, codes="国康码", phone=LI["phone"])


async def persons(service: Service) -> int:
    return len(await service.rows("SELECT DISTINCT person_id FROM accounts"))


async def test_resident_of_two_platforms_becomes_one_with_a_yes_on_the_older(database_url: str) -> None:
    async with running(database_url) as service:
        assert "回复“绑定”" in await taken(service)
        assert "回复“是我”" in await service.say(NEWER, "绑定")
        told = await service.say(OLDER, "我的码")
        assert "是您本人吗" in told
        assert LI["name"] not in told
        assert "同一个人" in await service.say(OLDER, "是我")
        seen = await service.say(NEWER, "我的码")
        assert "确认好了" in seen
        assert "穗康码" in seen
        assert "国康码" not in seen
        assert "回执" in await service.say(NEWER, "36.5")
        rows = await service.rows(
            "SELECT r.identity, count(*) FROM punch_ins p JOIN residents r ON r.resident_id = p.resident_id"
            " GROUP BY r.identity"
        )
        assert rows == [("verified", 1)]


async def test_no_on_the_older_platform_is_told_kindly_on_the_newer(database_url: str) -> None:
    async with running(database_url) as service:
        await taken(service)
        await service.say(NEWER, "绑定")
        assert "110" in await service.say(OLDER, "不是我")
        assert "没有合在一起" in await service.say(NEWER, "我的码")
        assert await persons(service) == 2


async def test_news_of_a_request_is_told_where_it_was_made(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await taken(service)
        await service.talk(NEWER, "绑定")
        await service.say(OLDER, "是我")
        assert "确认好了" not in await service.say(OLDER, "我的码")
        assert "确认好了" in await service.say(NEWER, "我的码")
        assert "确认好了" not in await service.say(NEWER, "我的码")


async def test_yes_after_a_day_is_too_late(database_url: str) -> None:
    clock = FakeClock()
    async with running(database_url, clock=clock) as service:
        await taken(service)
        await service.say(NEWER, "绑定")
        clock.advance(timedelta(hours=24))
        assert "过了 24 小时" in await service.say(OLDER, "是我")
        assert await persons(service) == 2


@pytest.mark.parametrize("first", [0, 1])
async def test_yes_and_no_at_once_have_one_effect(database_url: str, first: int) -> None:
    async with running(database_url) as service:
        await taken(service)
        await service.say(NEWER, "绑定")
        words = ("是我", "不是我")
        await asyncio.gather(service.say(OLDER, words[first]), service.say(OLDER, words[1 - first]))
        [(state,)] = await service.rows("SELECT state FROM link_requests")
        assert await persons(service) == (1 if state == "confirmed" else 2)


async def test_yes_while_the_newer_account_punches_in_loses_neither(database_url: str) -> None:
    async with running(database_url) as service:
        await taken(service)
        await service.say(NEWER, "绑定")
        joined, reported = await asyncio.gather(service.say(OLDER, "是我"), service.say(NEWER, "36.5"))
        assert "同一个人" in joined
        assert "回执" in reported
        assert await persons(service) == 1
        assert len(await service.rows("SELECT id FROM punch_ins")) == 1


async def test_codes_of_the_older_account_are_those_of_both(database_url: str) -> None:
    async with running(database_url) as service:
        await service.declare(OLDER, codes=CODES, phone=LI["phone"])
        await service.declare(NEWER, codes="国康码", phone=LI["phone"])
        await service.say(NEWER, "绑定")
        await service.say(OLDER, "是我")
        await service.say(NEWER, "36.5")
        assert await service.say(OLDER, "我的码") == await service.say(NEWER, "我的码")
