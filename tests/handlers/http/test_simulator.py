"""The simulator's door: messages, the clock, residents, and who is let in."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from typing import Any

import pytest

from bot.message import Kind
from bot.services.clock_offset import restore
from tests.fakes.clock import FakeClock
from tests.handlers.http.simulator_door import AT, KEYS, MESSAGES, Door

# ---- messages


async def test_posted_message_is_answered_by_the_conversation(door: Door) -> None:
    status, body = await door.say({"user": "小王", "text": "36.5"})
    assert status == 200
    assert body == {
        "replies": [
            {"kind": "text", "text": "小王: 36.5", "choices": []},
            {"kind": "choices", "text": "好吗？", "choices": [{"label": "是", "value": "yes"}]},
        ]
    }
    assert door.engine.taken[0].received_at == AT


async def test_menu_event_carries_its_item_to_the_conversation(door: Door) -> None:
    await door.say({"user": "小王", "kind": "menu", "event_key": "punch_in", "text": "打卡", "key": "k1"})
    taken = door.engine.taken[0]
    assert (taken.kind, taken.event_key, taken.text, taken.key) == (Kind.MENU, "punch_in", "打卡", "k1")


async def test_silence_of_the_conversation_is_an_empty_list(door: Door) -> None:
    assert await door.say({"user": "小王", "kind": "unfollow"}) == (200, {"replies": []})


REFUSED: list[tuple[Any, str]] = [
    ([], "not_an_object"),
    ({"text": "hello"}, "missing_user"),
    ({"user": "  ", "text": "hello"}, "missing_user"),
    ({"user": 7, "text": "hello"}, "bad_user"),
    ({"user": "x" * 129, "text": "hello"}, "bad_user"),
    ({"user": "x"}, "missing_text"),
    ({"user": "x", "text": " "}, "missing_text"),
    ({"user": "x", "text": ["hello"]}, "bad_text"),
    ({"user": "x", "text": "好" * 4097}, "bad_text"),
    ({"user": "x", "text": "hello", "key": "k" * 65}, "bad_key"),
    ({"user": "x", "kind": "image"}, "unknown_kind"),
    ({"user": "x", "kind": 1}, "bad_kind"),
    ({"user": "x", "kind": "menu", "event_key": None}, "bad_event_key"),
]


@pytest.mark.parametrize(("body", "reason"), REFUSED)
async def test_wrong_message_is_refused_with_a_clear_problem(door: Door, body: Any, reason: str) -> None:
    async with door.client.post(MESSAGES, json=body) as response:
        problem = await response.json()
        assert response.content_type == "application/problem+json"
    assert (response.status, problem["status"], problem["reason"]) == (400, 400, reason)
    assert " " in problem["detail"]  # a sentence, not the code again
    assert door.engine.taken == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"user": NaN}', b"[" * 5000], ids=range(5))
async def test_body_that_is_not_json_is_refused(door: Door, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with door.client.post(MESSAGES, data=body, headers=headers) as response:
        assert (response.status, (await response.json())["reason"]) == (400, "not_json")


async def test_body_beyond_the_cap_is_refused(door: Door) -> None:
    status, problem = await door.say({"user": "x", "text": "a" * 70_000})
    assert (status, problem["reason"]) == (413, "body_too_large")


async def test_body_beyond_the_cap_of_the_application_is_refused_alike(door: Door) -> None:
    headers = {"Content-Type": "application/json"}
    async with door.client.post(MESSAGES, data=io.BytesIO(b" " * 2_000_000), headers=headers) as response:
        assert (response.status, (await response.json())["reason"]) == (413, "body_too_large")


# ---- who is let in


@pytest.mark.parametrize("host", ["localhost:8080", "LOCALHOST", "127.0.0.1", "[::1]:8080"])
async def test_names_of_this_machine_are_let_in(door: Door, host: str) -> None:
    async with door.client.get("/simulator/clock", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize("path", ["/simulator/", "/simulator/clock", "/simulator/residents", MESSAGES])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "x@localhost"]
)
async def test_foreign_name_for_this_machine_is_refused(door: Door, path: str, host: str) -> None:
    async with door.client.get(path, headers={"Host": host}) as response:
        assert (response.status, (await response.json())["reason"]) == (403, "wrong_host")


@pytest.mark.parametrize("path", [MESSAGES, "/simulator/clock"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_post_that_a_foreign_form_could_make_is_refused(
    door: Door, path: str, content_type: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    body = b'{"user": "x", "text": "hello"}'
    async with door.client.post(path, data=body, headers=headers) as response:
        assert (response.status, (await response.json())["reason"]) == (415, "not_json_type")
    assert door.engine.taken == []


# ---- clock and residents


async def test_clock_moves_forward_and_the_move_is_kept(door: Door) -> None:
    assert await door.move({"days": 1, "hours": 2}) == (
        200,
        {"now": "2020-02-21T03:00:00+00:00", "offset_seconds": 93600, "zone": "Asia/Shanghai"},
    )
    after_restart = FakeClock(AT)
    await restore(door.database, after_restart)
    assert after_restart.now() == AT + timedelta(hours=26)
    async with door.client.get("/simulator/clock") as response:
        assert (await response.json())["offset_seconds"] == 93600


async def test_two_moves_at_once_are_both_kept(door: Door) -> None:
    await asyncio.gather(*(door.move({"hours": 1}) for _ in range(4)))
    after_restart = FakeClock(AT)
    await restore(door.database, after_restart)
    assert (door.clock.offset, after_restart.offset) == (timedelta(hours=4), timedelta(hours=4))


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        ({"hours": -1}, "backward"),
        ({"days": 1, "minutes": -5}, "backward"),
        ({"days": 401}, "too_far"),
        ({"days": 400, "minutes": 1}, "too_far"),
        ({"hours": 10**15}, "too_far"),
        ({"weeks": 1}, "bad_forward"),
        ({"hours": 1.5}, "bad_forward"),
        ({"hours": True}, "bad_forward"),
        ({"hours": "1"}, "bad_forward"),
        ({}, "bad_forward"),
        (None, "bad_forward"),
        (3600, "bad_forward"),
    ],
)
async def test_wrong_move_is_refused_and_time_stays(door: Door, forward: Any, reason: str) -> None:
    status, problem = await door.move(forward)
    assert (status, problem["reason"]) == (400, reason)
    assert door.clock.now() == AT


async def test_residents_are_listed_by_name_in_the_order_they_came(door: Door) -> None:
    await door.meet("小李", account=2)
    await door.meet("小王", account=1)
    await door.database.execute(
        "INSERT INTO accounts (id, person_id, channel, external_index, external_sealed, created_at)"
        " VALUES (3, 3, 'wechat_official', 'x', ?, ?), (4, 4, 'simulator', 'y', ?, ?)",
        [KEYS.seal("accounts.external", "openid"), AT, b"sealed by a lost key", AT],
    )
    async with door.client.get("/simulator/residents") as response:
        assert await response.json() == {"residents": [{"user": "小王"}, {"user": "小李"}]}
