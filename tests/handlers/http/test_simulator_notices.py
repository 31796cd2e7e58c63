"""What comes unasked to a simulated phone: delivered once, read again in order."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.handlers.http.simulator_door import AT, MESSAGES, Door


async def test_due_notice_is_delivered_once_and_marked(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.queue(1, "变黄了")
    found = await door.look("小王")
    assert found["messages"] == [
        {
            "id": "1",
            "kind": "text",
            "text": "变黄了",
            "choices": [],
            "notice": "told",
            "at": "2020-02-20T01:00:00+00:00",
        }
    ]
    assert await door.words("小王", found["after"]) == []
    rows = await door.database.fetch("SELECT state, channel, attempts FROM notices")
    assert [tuple(row) for row in rows] == [("sent", "simulator", 1)]


async def test_page_without_its_cursor_reads_everything_again_in_order(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.queue(1, "第二", not_before=AT - timedelta(minutes=1))
    await door.queue(1, "第一", not_before=AT - timedelta(minutes=2))
    first = await door.look("小王")
    await door.queue(1, "第三", not_before=AT - timedelta(minutes=9))
    assert await door.words("小王", first["after"]) == ["第三"]
    assert await door.words("小王") == ["第一", "第二", "第三"]


async def test_notice_waits_until_its_time_has_come(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.queue(1, "稍后", not_before=AT + timedelta(minutes=10))
    assert await door.words("小王") == []
    await door.move({"minutes": 10})
    assert await door.words("小王") == ["稍后"]


@pytest.mark.parametrize("more", [{"expires_at": AT}, {"state": "replaced"}, {"state": "sending"}])
async def test_notice_that_is_no_longer_meant_is_not_delivered(door: Door, more: dict[str, Any]) -> None:
    await door.meet("小王", account=1)
    await door.queue(1, "过时", **more)
    assert await door.words("小王") == []
    assert await door.states() == [more.get("state", "queued")]


async def test_notices_of_somebody_else_stay_theirs(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.meet("小李", account=2)
    await door.queue(2, "给小李")
    assert await door.words("小王") == []
    assert await door.words("小李") == ["给小李"]


async def test_two_looks_at_once_deliver_a_notice_once(door: Door) -> None:
    await door.meet("小王", account=1)
    for number in range(5):
        await door.queue(1, str(number))
    looks = await asyncio.gather(*(door.look("小王") for _ in range(6)))
    assert all([message["text"] for message in look["messages"]] == list("01234") for look in looks)
    rows = await door.database.fetch("SELECT attempts FROM notices")
    assert [row[0] for row in rows] == [1] * 5


async def test_account_that_left_gets_nothing_new(door: Door) -> None:
    await door.meet("小王", account=1, following=False)
    await door.queue(1, "变黄了")
    assert await door.words("小王") == []
    assert await door.states() == ["queued"]


async def test_notice_without_words_does_not_keep_back_the_next(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.queue(1, "", kind="never_heard_of")
    await door.queue(1, "", params_sealed=b"damaged")
    await door.queue(1, "好消息")
    assert await door.words("小王") == ["好消息"]
    assert await door.states() == ["failed", "failed", "sent"]


async def test_cursor_of_a_younger_database_hides_nothing(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.queue(1, "变黄了")
    assert await door.words("小王", after=str(10**17 - 1)) == ["变黄了"]


async def test_unknown_resident_has_heard_nothing(door: Door) -> None:
    assert await door.look("陌生人", after="5") == {"messages": [], "after": "0"}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "missing_user"),
        ({"user": " "}, "missing_user"),
        ({"user": "x" * 129}, "bad_user"),
        ({"user": "x", "after": "-1"}, "bad_after"),
        ({"user": "x", "after": "１"}, "bad_after"),
        ({"user": "x", "after": "9" * 40}, "bad_after"),
        ({"user": "x", "after": "yesterday"}, "bad_after"),
    ],
)
async def test_wrong_look_is_refused(door: Door, query: dict[str, str], reason: str) -> None:
    async with door.client.get(MESSAGES, params=query) as response:
        assert (response.status, (await response.json())["reason"]) == (400, reason)
