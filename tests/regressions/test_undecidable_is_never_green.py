"""Elsewhere no applicable rule, or a fact that nobody had entered, came out as "no risk"."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.core.rules import RuleBooks
from bot.town import publish_town_levels
from tests.fakes.clock import FakeClock
from tests.service import running


async def test_scheme_without_a_rule_book_is_grey_and_says_so(database_url: str) -> None:
    async with running(database_url) as service:
        await publish_town_levels(service.app)
        service.tools.world.rulebooks = RuleBooks(())
        told = await service.declare("o_li")
        assert told.count("⚪") == 6
        assert "🟢" not in told
        assert "现在没有生效的规则" in await service.say("o_li", "为什么")
        punched = await service.say("o_li", "36.5")
        assert "🟢" not in punched
        assert "打卡已保存" in punched


async def test_day_before_the_first_rule_book_decides_nothing(database_url: str) -> None:
    clock = FakeClock(datetime(2019, 12, 1, 1, 0, tzinfo=UTC))
    async with running(database_url, clock=clock) as service:
        await publish_town_levels(service.app)
        assert "🟢" not in await service.declare("o_li")
        assert {row[0] for row in await service.rows("SELECT state FROM health_codes")} == {"undecided"}


async def test_unknown_risk_level_is_not_a_low_one(database_url: str) -> None:
    async with running(database_url) as service:
        told = await service.declare("o_li", codes="粤康码 穗康码")
        assert told.count("⚪") == 2
        assert "🟢" not in told
        assert "风险等级" in await service.say("o_li", "我的码")
