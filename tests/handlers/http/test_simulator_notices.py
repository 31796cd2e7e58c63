"""What came unasked is read in the order in which it was sent, from wherever the reader stopped."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.http.simulator_door import MESSAGES, Door


async def test_messages_are_read_once_behind_the_cursor_in_order_of_sending(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.sent(1, "第二", platform_id=f"{2000:020d}")
    await door.sent(1, "第一")
    first = await door.look("小王")
    assert [message["text"] for message in first["messages"]] == ["第一", "第二"]
    assert first["messages"][0]["notice"] == "result"
    await door.sent(1, "第三", platform_id=f"{3000:020d}")
    assert await door.words("小王", after=first["after"]) == ["第三"]


async def test_page_without_its_cursor_reads_everything_again(door: Door) -> None:
    await door.meet("小王", account=1)
    for word in ("一", "二"):
        await door.sent(1, word)
    assert await door.words("小王") == await door.words("小王") == ["一", "二"]


@pytest.mark.parametrize(
    "more",
    [
        {"state": "queued", "platform_id": None},
        {"state": "sending", "platform_id": None},
        {"state": "replaced"},
        {"state": "failed"},
        {"channel": "wechat_mini"},
        {"platform_id": None},
    ],
)
async def test_what_did_not_come_to_this_phone_is_not_shown(door: Door, more: dict[str, Any]) -> None:
    await door.meet("小王", account=1)
    await door.sent(1, "不该看到", **more)
    assert await door.words("小王") == []


async def test_notices_of_somebody_else_stay_theirs(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.meet("小李", account=2)
    await door.sent(2, "给小李的")
    assert await door.words("小王") == []
    assert await door.words("小李") == ["给小李的"]


async def test_notice_without_words_does_not_hide_the_next(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.sent(1, "", kind="never_heard_of")
    await door.sent(1, "", params_sealed=b"damaged")
    await door.sent(1, "好消息")
    assert await door.words("小王") == ["好消息"]


async def test_cursor_of_a_younger_database_hides_nothing(door: Door) -> None:
    await door.meet("小王", account=1)
    await door.sent(1, "变黄了")
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
