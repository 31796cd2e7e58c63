"""Elsewhere a job that was down for a day sent everything of that day when it came back, true or not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.crowd import CUSTOM, names, standing
from tests.fakes.clock import FakeClock
from tests.phones import phones, platform, served


async def test_notices_that_grew_too_old_while_nobody_sent_are_not_sent_late(database_url: str) -> None:
    clock = FakeClock()
    texts = {openid: [f"to {openid}"] for openid in names(20)}
    async with platform(clock) as api:
        async with served(database_url, api, clock) as they:
            crowd = they.crowd()
            await crowd.join(*texts, "o_li")
            tonight = clock.now() + timedelta(hours=12)
            await crowd.queue(texts, due=3600, expires_at=tonight)
            await crowd.queue({"o_li": ["still true"]}, due=3600)
        clock.advance(timedelta(days=1))
        async with served(database_url, api, clock) as they:
            await they.drain()
            assert [(each.openid, each.content["text"]["content"]) for each in api.sent] == [
                ("o_li", "still true")
            ]
            assert api.calls[CUSTOM] == 1
            assert await standing(they.service.database) == Counter(
                {("sent", ""): 1, ("expired", "too_old"): 20}
            )


async def test_unasked_notices_of_a_day_that_nobody_sent_do_not_come_all_at_once(database_url: str) -> None:
    """What is not urgent keeps to three a day; the rest waits for the next, and its reason says so."""
    clock = FakeClock()
    async with phones(database_url, clock=clock) as they:
        crowd = they.crowd()
        await crowd.join("o_li", window_left=9)
        they.app.person("o_li").window.left = 9  # type: ignore[union-attr]  # it is open since she joined
        await they.api.down()
        for colour in ("red", "yellow", "green", "red", "yellow"):
            clock.advance(timedelta(minutes=1))
            await crowd.colour_changed("o_li", to=colour, urgent=False)
        clock.advance(timedelta(days=1))
        await they.api.up()
        for _ in range(3):
            await they.drain()
            clock.advance(timedelta(minutes=20))
        assert len(they.texts("o_li")) == 3
        assert await standing(they.service.database) == Counter({("sent", ""): 3, ("queued", "daily_cap"): 2})
