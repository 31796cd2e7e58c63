"""The platform is away, slow or broken: what was queued waits, arrives once and in order, and the door stays open."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from bot.channels.http import HttpCaller
from handlers.http.keys import DISPATCHER
from tests.crowd import CUSTOM, Crowd, names, standing, three_each
from tests.phones import Phones, phones

FAST = {"sends_per_second": 10_000}
NEW = "o_new"
MOST_TRIES_IN_TEN_MINUTES = (
    4  # after 10 s, 30 s and 2 min, each a fifth shorter at most; the next comes after 10 min
)


async def write_in(they: Phones, openid: str = NEW) -> None:
    """Somebody writes while the platform has trouble; their push is taken all the same."""
    they.app.happened(openid, "message", at=they.clock.wire())
    push = they.sender.text(openid, "你好", at=they.clock.wire())
    assert await they.deliver(push) == (200, b"success")


async def go_on_until_sent(they: Phones, *, minutes: int = 60) -> None:
    """Let time go by until nothing is queued any more."""
    for _ in range(minutes):
        await they.drain()
        if not await they.service.rows("SELECT 1 FROM notices WHERE state IN ('queued', 'sending')"):
            return
        they.pass_time(minutes=1)
    raise AssertionError(await standing(they.service.database))


async def away(they: Phones, *, minutes: int) -> None:
    """Time goes by while the platform can't be used."""
    for _ in range(minutes * 2):
        await they.drain()
        they.pass_time(seconds=30)


def assert_each_came_once_in_order(they: Phones, texts: dict[str, list[str]]) -> None:
    for openid, wanted in texts.items():
        assert they.texts(openid) == wanted


async def crowd_of(they: Phones, *openids: str) -> Crowd:
    crowd = they.crowd()
    await crowd.join(*openids)
    return crowd


async def failures(they: Phones) -> list[tuple[int, str]]:
    rows = await they.service.rows("SELECT failures, reason FROM notices WHERE failures > 0")
    return [(row[0], row[1]) for row in rows]


async def test_ten_minutes_without_the_platform_lose_nothing_and_send_nothing_twice(
    database_url: str,
) -> None:
    texts = three_each(*names(20))
    async with phones(database_url, mini=FAST) as they:
        crowd = await crowd_of(they, *texts)
        await they.api.down()
        await crowd.queue(texts)
        await away(they, minutes=5)
        await write_in(they)
        await away(they, minutes=5)
        assert they.api.sent == []
        tried = await failures(they)
        assert {reason for _, reason in tried} == {"connect"}
        assert max(times for times, _ in tried) <= MOST_TRIES_IN_TEN_MINUTES
        assert await they.service.rows("SELECT DISTINCT state FROM notices") == [("queued",)]
        await they.api.up()
        await go_on_until_sent(they)
        assert_each_came_once_in_order(they, texts)
        assert len(they.texts(NEW)) == 1
        assert len(they.api.sent) == 61


async def test_notice_that_failed_is_not_tried_before_its_time_although_the_platform_is_back(
    database_url: str,
) -> None:
    async with phones(database_url) as they:
        crowd = await crowd_of(they, "o_li")
        await they.api.down()
        await crowd.queue({"o_li": ["hello"]})
        await they.drain()
        await they.api.up()
        they.pass_time(seconds=7)
        await they.drain()
        assert they.api.sent == []
        they.pass_time(seconds=6)
        await they.drain()
        assert they.texts("o_li") == ["hello"]


async def test_pages_of_a_broken_gateway_are_no_answers_and_everything_comes_once(database_url: str) -> None:
    texts = three_each(*names(20))
    async with phones(database_url, mini=FAST) as they:
        crowd = await crowd_of(they, *texts)
        await write_in(they)  # by now there is a token
        await they.drain()
        they.api.faults.answer_html(502)
        await crowd.queue(texts)
        await write_in(they, "o_other")
        await away(they, minutes=3)
        assert len(they.api.sent) == 1
        assert {reason for _, reason in await failures(they)} == {"http_502"}
        they.api.faults.heal()
        await go_on_until_sent(they)
        assert_each_came_once_in_order(they, texts)
        assert len(they.api.sent) == 62


async def test_page_of_a_broken_gateway_instead_of_the_first_token_holds_everything_back(
    database_url: str,
) -> None:
    texts = three_each("o_li", "o_wang")
    async with phones(database_url) as they:
        crowd = await crowd_of(they, *texts)
        they.api.faults.answer_html(502)
        await crowd.queue(texts)
        await away(they, minutes=1)
        assert they.api.calls[CUSTOM] == 0
        they.api.faults.heal()
        await go_on_until_sent(they)
        assert_each_came_once_in_order(they, texts)


async def assert_slowness_holds_up_nobody_else(database_url: str, seconds: float) -> None:
    """All are under way before the first is answered, and the door answers meanwhile."""
    texts = {openid: [f"to {openid}"] for openid in names(30)}
    async with phones(database_url, mini=FAST) as they:
        crowd = await crowd_of(they, *texts)
        await crowd.queue({"o_0000": ["the token is there"]})
        await they.drain()
        they.api.faults.slow(seconds)
        await crowd.queue(texts)
        they.service.app[DISPATCHER].wake()
        await they.api.until(lambda: they.api.calls[CUSTOM] == 31)
        assert len(they.api.sent) == 1
        await write_in(they)
        assert len(they.api.sent) == 1
        await they.drain()
        assert_each_came_once_in_order(they, texts | {"o_0000": ["the token is there", "to o_0000"]})
        assert they.api.calls[CUSTOM] == len(they.api.sent) == 32
        assert await standing(they.service.database) == Counter({("sent", ""): 32})


async def test_slow_platform_holds_up_neither_other_people_nor_the_door(database_url: str) -> None:
    await assert_slowness_holds_up_nobody_else(database_url, 1.5)


@pytest.mark.slow
async def test_platform_that_takes_three_seconds_holds_up_nobody(database_url: str) -> None:
    await assert_slowness_holds_up_nobody_else(database_url, 3.0)


@pytest.mark.parametrize("fault", ["slow", "hang", "drop"])
async def test_answer_that_does_not_come_leaves_the_outcome_unknown_and_nothing_is_repeated(
    database_url: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """A shorter patience stands in for the ten seconds of the client."""
    monkeypatch.setattr("bot.platforms.HttpCaller", partial(HttpCaller, total_seconds=0.4))
    async with phones(database_url) as they:
        crowd = await crowd_of(they, "o_li", "o_wang")
        await crowd.queue({"o_wang": ["the token is there"]})
        await they.drain()
        if fault == "slow":
            they.api.faults.slow(1.0)
        elif fault == "hang":
            they.api.faults.hang(times=1, path=CUSTOM)
        else:
            they.api.faults.drop_after_write(times=1, path=CUSTOM)
        await crowd.queue({"o_li": ["hello"]})
        await they.drain()
        await they.api.until(lambda: they.texts("o_li") == ["hello"])
        they.api.faults.heal()
        await crowd.queue({"o_li": ["and goodbye"]})
        for _ in range(3):
            they.pass_time(hours=5)
            await they.drain()
        assert they.texts("o_li") == ["hello", "and goodbye"]
        assert they.api.calls[CUSTOM] == 3
        reason = "disconnected" if fault == "drop" else "timeout"
        assert await standing(they.service.database) == Counter({("sent", ""): 2, ("unknown", reason): 1})
        rows = await they.service.rows("SELECT window_left FROM accounts")
        assert sorted(left for (left,) in rows) == [3, 4]  # what may have arrived counts as well
