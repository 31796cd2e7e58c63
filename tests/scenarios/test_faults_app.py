"""Trouble that concerns an app as a whole: its token, its quota, its secret, its platform's clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from pydantic import SecretStr

from handlers.http.keys import DISPATCHER
from tests.crowd import CUSTOM, TOKENS, names, standing, three_each
from tests.fakes.clock import FakeClock
from tests.phones import MINI_ID, MINI_SECRET, Phones, phones, platform, served

FAST = {"sends_per_second": 10_000}
FIVE_MINUTES = timedelta(minutes=5)
BREAKS_IN_AN_HOUR = 6  # of 1, 2, 4, 8, 16 and 30 minutes


async def somebody_else_forces_a_token(they: Phones) -> None:
    body = {
        "grant_type": "client_credential",
        "appid": MINI_ID,
        "secret": MINI_SECRET,
        "force_refresh": True,
    }
    async with aiohttp.ClientSession() as http, http.post(they.api.base_url + TOKENS, json=body) as response:
        assert "access_token" in await response.json(content_type=None)


async def somebody_else_ends_both_kinds(they: Phones) -> None:
    they.api.invalidate_tokens()


async def somebody_else_uses_the_old_kind(they: Phones) -> None:
    query = {"grant_type": "client_credential", "appid": MINI_ID, "secret": MINI_SECRET}
    address = they.api.base_url + "/cgi-bin/token"
    async with aiohttp.ClientSession() as http, http.get(address, params=query) as response:
        assert "access_token" in await response.json(content_type=None)


@pytest.mark.parametrize(
    ("happens", "most_tokens"),
    [
        (somebody_else_forces_a_token, 3),  # the first, theirs, and ours after it
        (somebody_else_ends_both_kinds, 3),
        (somebody_else_uses_the_old_kind, 1),
    ],
)
async def test_token_that_somebody_else_ends_in_the_middle_costs_no_message(
    database_url: str, happens: Callable[[Phones], Awaitable[None]], most_tokens: int
) -> None:
    texts = {openid: [f"to {openid}"] for openid in names(200)}
    async with phones(database_url, latency=0.002, mini=FAST) as they:
        crowd = they.crowd()
        await crowd.join(*texts)
        await crowd.queue(texts)
        they.service.app[DISPATCHER].wake()
        await they.api.until(lambda: len(they.api.sent) >= 80)
        await happens(they)
        await they.drain()
        assert {openid: they.texts(openid) for openid in texts} == texts
        # one claim each, so that what was refused was tried a second time at once and never a third
        assert await they.service.rows("SELECT DISTINCT state, attempts FROM notices") == [("sent", 1)]
        assert they.api.calls[CUSTOM] <= 200 + 64
        assert they.api.calls[TOKENS] <= most_tokens


async def test_token_that_ends_by_itself_is_renewed_before_and_no_send_notices(database_url: str) -> None:
    async with phones(database_url) as they:
        crowd = they.crowd()
        await crowd.join("o_li")
        for place in range(5):
            await crowd.queue({"o_li": [f"{place}"]})
            await they.drain()
            they.pass_time(hours=2)
        assert they.texts("o_li") == ["0", "1", "2", "3", "4"]
        assert they.api.calls[CUSTOM] == they.api.calls[TOKENS] == 5


async def test_quota_that_is_used_up_lets_everything_wait_for_midnight_in_beijing(database_url: str) -> None:
    texts, clock = three_each(*names(10)), FakeClock()
    async with phones(database_url, clock=clock, mini=FAST, official=True) as they:
        crowd, others = they.crowd(), they.crowd("wechat_official")
        await crowd.join(*texts)
        await others.join("o_follower")
        they.app.exhaust()
        await crowd.queue(texts)
        await crowd.queue({"o_0000": ["for today only"]}, expires_at=they.clock.now() + timedelta(hours=2))
        await others.queue({"o_follower": ["still here"]})
        await they.drain()
        assert they.texts("o_follower") == ["still here"]
        refused = they.api.calls[CUSTOM]
        they.pass_time(hours=1)
        await they.drain()
        assert they.api.calls[CUSTOM] == refused <= 11  # one each at most, and the follower's
        waiting = await standing(they.service.database)
        assert {reason for state, reason in waiting if state == "queued"} <= {
            "wechat_45009",
            "platform_paused",
        }
        clock.at = datetime(2020, 2, 20, 15, 59, tzinfo=UTC)
        await they.drain()
        assert they.api.calls[CUSTOM] == refused
        clock.at = datetime(2020, 2, 20, 16, 0, 1, tzinfo=UTC)  # one second after midnight
        await they.drain()
        assert {openid: they.texts(openid) for openid in texts} == texts
        assert await standing(they.service.database) == Counter({("sent", ""): 31, ("expired", "too_old"): 1})


async def test_wrong_secret_is_asked_about_ever_more_rarely_and_mends_with_a_restart(
    database_url: str,
) -> None:
    texts, clock = three_each(*names(5)), FakeClock()
    async with platform(clock) as api:
        wrong = {"secret": SecretStr("not-the-secret")}
        async with served(database_url, api, clock, mini=wrong) as they:
            crowd = they.crowd()
            await crowd.join(*texts)
            await crowd.queue(texts)
            for _ in range(60):
                await they.drain()
                they.pass_time(minutes=1)
            assert api.calls[TOKENS] <= BREAKS_IN_AN_HOUR
            assert api.calls[CUSTOM] == 0
            rows = await they.service.rows("SELECT DISTINCT state, reason FROM notices")
            assert set(rows) <= {("queued", "wechat_40125"), ("queued", "platform_broken")}
            ((why,),) = await they.service.rows("SELECT broken_why FROM platform_states")
            assert why.startswith("wechat_40125")
        async with served(database_url, api, clock) as they:
            they.pass_time(minutes=30)  # the break that is running, at the longest
            await they.drain()
            assert {openid: they.texts(openid) for openid in texts} == texts


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES])
async def test_platform_whose_clock_is_five_minutes_off_is_let_in_and_answered(
    database_url: str, ahead: timedelta
) -> None:
    async with phones(database_url, ahead=ahead) as they:
        for _ in range(3):  # over the end of a token, which is the platform's to tell
            at = they.clock.wire() + ahead
            they.app.happened("o_li", "message", at=at)
            assert await they.deliver(they.sender.text("o_li", "你好", at=at)) == (200, b"success")
            await they.drain()
            they.pass_time(hours=1, minutes=58)
        assert len(they.texts("o_li")) == 3
        assert they.api.calls[CUSTOM] == 3
        assert they.api.calls[TOKENS] <= 3


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES])
async def test_window_that_ends_by_another_clock_costs_at_most_one_refusal(
    database_url: str, ahead: timedelta
) -> None:
    """The platform counts from when it heard the message, which need not be when we did."""
    async with phones(database_url, ahead=ahead) as they:
        crowd = they.crowd()
        await crowd.join("o_li")  # heard at our time, which is another by the platform's clock
        they.pass_time(hours=47, minutes=57)
        await crowd.queue({"o_li": ["one", "two"]})
        await they.drain()
        await they.drain()
        in_time = ahead < timedelta(0)
        assert they.texts("o_li") == (["one", "two"] if in_time else [])
        assert they.api.calls[CUSTOM] == (2 if in_time else 1)
        found = {("sent", "")} if in_time else {("queued", "window_closed")}
        assert set(await standing(they.service.database)) == found


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES])
async def test_quota_that_begins_anew_by_another_clock_holds_nothing_back_for_a_day(
    database_url: str, ahead: timedelta
) -> None:
    clock = FakeClock()
    async with phones(database_url, clock=clock, ahead=ahead) as they:
        crowd = they.crowd()
        await crowd.join("o_li")
        they.app.exhaust()
        await crowd.queue({"o_li": ["hello"]})
        await they.drain()
        clock.at = datetime(2020, 2, 20, 16, 0, 1, tzinfo=UTC)
        await they.drain()
        they.pass_time(minutes=10)
        await they.drain()
        assert they.texts("o_li") == ["hello"]
        assert they.api.calls[CUSTOM] <= 3
