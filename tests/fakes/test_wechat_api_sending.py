"""Windows, counts, consents and contents: whom the fake platform lets one write to."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.fakes.clock import FakeClock
from tests.fakes.conftest import MINI, OFFICIAL, Caller
from tests.fakes.wechat_api import App, FakeWeChatApi
from tests.fakes.wechat_api_world import Happening, Media

CUSTOM = "/cgi-bin/message/custom/send"
TYPING = "/cgi-bin/message/custom/typing"
SUBSCRIBE = "/cgi-bin/message/subscribe/send"
TEMPLATE = "/cgi-bin/message/template/send"
MINI_DATA = {
    "thing3": {"value": "健康码"},
    "time2": {"value": "2020-02-20 09:00"},
    "enum4": {"value": "黄色"},
}
OFFICIAL_DATA = {"thing1": {"value": "健康码"}, "time2": {"value": "2020年2月20日 09:00"}}


def reminder(openid: str = "o_1", **changed: Any) -> dict[str, Any]:
    return {
        "touser": openid,
        "template_id": "T_MINI",
        "page": "pages/index?x=1",
        "data": MINI_DATA,
        **changed,
    }


def template(openid: str = "o_1", **changed: Any) -> dict[str, Any]:
    return {"touser": openid, "template_id": "T_OFFICIAL", "data": OFFICIAL_DATA, **changed}


async def codes_of(caller: Caller, count: int, app: dict[str, str]) -> list[int]:
    return [(await caller.text("o_1", app=app))["errcode"] for _ in range(count)]


@pytest.mark.parametrize("credentials", [OFFICIAL, MINI], ids=["official", "mini"])
async def test_message_opens_five_sends_within_two_days(
    caller: Caller, clock: FakeClock, credentials: dict[str, str]
) -> None:
    caller.api.apps[credentials["appid"]].happened("o_1", "message", at=clock.wire())
    clock.advance(timedelta(hours=47, minutes=59))
    assert await codes_of(caller, 6, credentials) == [0, 0, 0, 0, 0, 45047]
    clock.advance(timedelta(minutes=1))
    assert await codes_of(caller, 1, credentials) == [45015]


@pytest.mark.parametrize("what", ["follow", "scan", "click"])
async def test_official_event_opens_three_sends_within_a_minute(
    caller: Caller, official: App, clock: FakeClock, what: Happening
) -> None:
    official.happened("o_1", what, at=clock.wire())
    assert await codes_of(caller, 4, OFFICIAL) == [0, 0, 0, 45047]
    clock.advance(timedelta(minutes=1))
    assert await codes_of(caller, 1, OFFICIAL) == [45015]


async def test_entering_the_mini_chat_opens_two_sends_within_a_minute(
    caller: Caller, mini: App, clock: FakeClock
) -> None:
    mini.happened("o_1", "enter", at=clock.wire())
    assert await codes_of(caller, 3, MINI) == [0, 0, 45047]
    clock.advance(timedelta(minutes=1))
    assert await codes_of(caller, 1, MINI) == [45015]


async def test_new_action_renews_window_and_count(caller: Caller, official: App, clock: FakeClock) -> None:
    official.happened("o_1", "message", at=clock.wire())
    await codes_of(caller, 5, OFFICIAL)
    official.happened("o_1", "message", at=clock.wire())
    assert await codes_of(caller, 6, OFFICIAL) == [0, 0, 0, 0, 0, 45047]


async def test_window_that_ends_first_is_spent_first(caller: Caller, mini: App, clock: FakeClock) -> None:
    mini.happened("o_1", "message", at=clock.wire())
    mini.happened("o_1", "enter", at=clock.wire())
    await codes_of(caller, 2, MINI)
    window, moment = mini.people["o_1"].window, mini.people["o_1"].moment
    assert window is not None
    assert moment is not None
    assert (window.left, moment.left) == (5, 0)


async def test_event_of_the_other_kind_of_app_opens_nothing(
    caller: Caller, mini: App, clock: FakeClock
) -> None:
    mini.happened("o_1", "click", at=clock.wire())
    assert await codes_of(caller, 1, MINI) == [45015]


async def test_what_was_sent_is_on_the_phone_with_its_instant(
    caller: Caller, official: App, clock: FakeClock
) -> None:
    official.happened("o_1", "message", at=clock.wire())
    await caller.text("o_1", "您的码🟢")
    (received,) = caller.api.received_by("o_1")
    assert (received.kind, received.at) == ("custom", clock.wire())
    assert received.content == {"msgtype": "text", "text": {"content": "您的码🟢"}}


@pytest.mark.parametrize("configured", [43004, 45015])
async def test_somebody_who_left_gets_no_customer_service(
    caller: Caller, official: App, clock: FakeClock, configured: int
) -> None:
    official.unfollowed_errcode = configured
    official.happened("o_1", "message", at=clock.wire())
    official.unfollow("o_1")
    assert await codes_of(caller, 1, OFFICIAL) == [configured]
    official.happened("o_1", "follow", at=clock.wire())
    assert await codes_of(caller, 1, OFFICIAL) == [0]


@pytest.mark.parametrize("path", [CUSTOM, TYPING, TEMPLATE])
async def test_unknown_and_black_listed_recipients_are_refused(
    caller: Caller, official: App, path: str
) -> None:
    official.person("o_black").on_black_list = True
    body = {"msgtype": "text", "text": {"content": "1"}, "template_id": "T_OFFICIAL", "data": OFFICIAL_DATA}
    assert (await caller.say(path, {"touser": "o_none", **body}))["errcode"] == 40003
    assert (await caller.say(path, {"touser": "o_black", **body}))["errcode"] == 43019


@pytest.mark.parametrize(
    ("part", "errcode"),
    [
        ({"msgtype": "text", "text": {"content": " "}}, 44004),
        ({"msgtype": "text"}, 44004),
        ({"msgtype": "text", "text": {"content": "码" * 682 + "abc"}}, 45002),
        ({"msgtype": "text", "text": {"content": "码" * 682 + "ab"}}, 0),
        ({"msgtype": "link", "link": {"title": "t"}}, 40008),
        ({"msgtype": "image", "image": {"media_id": "M_none"}}, 40007),
        ({"msgtype": "image", "image": {"media_id": "M_1"}}, 0),
        ({"msgtype": "news", "news": {"articles": [{}, {}]}}, 45008),
    ],
)
async def test_contents_that_no_message_may_have_are_refused(
    caller: Caller, official: App, clock: FakeClock, part: dict[str, Any], errcode: int
) -> None:
    official.media["M_1"] = Media(b"jpeg")
    official.happened("o_1", "message", at=clock.wire())
    assert (await caller.say(CUSTOM, {"touser": "o_1", **part}))["errcode"] == errcode
    assert len(caller.api.sent) == (errcode == 0)


async def test_typing_needs_a_recent_contact_and_is_shown_once(
    caller: Caller, mini: App, clock: FakeClock
) -> None:
    typing = {"touser": "o_1", "command": "Typing"}
    mini.person("o_1")
    assert (await caller.say(TYPING, typing, MINI))["errcode"] == 45080
    mini.happened("o_1", "message", at=clock.wire())
    codes = [(await caller.say(TYPING, typing, MINI))["errcode"] for _ in range(2)]
    codes.append((await caller.say(TYPING, {**typing, "command": "CancelTyping"}, MINI))["errcode"])
    codes.append((await caller.say(TYPING, typing, MINI))["errcode"])
    await caller.text("o_1", app=MINI)
    codes.append((await caller.say(TYPING, typing, MINI))["errcode"])
    assert codes == [0, 45081, 0, 0, 0]
    clock.advance(timedelta(seconds=31))
    assert (await caller.say(TYPING, typing, MINI))["errcode"] == 45080
    assert (await caller.say(TYPING, {**typing, "command": "Dance"}, MINI))["errcode"] == 45072


async def test_each_consent_allows_one_subscription_message(caller: Caller, mini: App) -> None:
    mini.accept("o_1", "T_MINI", 2)
    answers = [await caller.say(SUBSCRIBE, reminder(), MINI) for _ in range(3)]
    assert [answer["errcode"] for answer in answers] == [0, 0, 43101]
    assert [each.msgid for each in caller.api.sent] == [answer["msgid"] for answer in answers[:2]]


async def test_rejecting_takes_all_consents_back(caller: Caller, mini: App) -> None:
    mini.accept("o_1", "T_MINI", 2, always=True)
    mini.reject("o_1", "T_MINI")
    assert (await caller.say(SUBSCRIBE, reminder(), MINI))["errcode"] == 43101


async def test_standing_consent_is_never_used_up(caller: Caller, mini: App) -> None:
    mini.accept("o_1", "T_MINI", 0, always=True)
    assert [(await caller.say(SUBSCRIBE, reminder(), MINI))["errcode"] for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"touser": "o_none"}, 40003),
        ({"template_id": "T_none"}, 40037),
        ({"page": "pages/none"}, 41030),
        ({"page": ""}, 0),
        ({"miniprogram_state": "beta"}, 40097),
        ({"lang": "fr"}, 40097),
        ({"data": {}}, 47003),
        ({"data": None}, 47003),
        ({"data": {**MINI_DATA, "thing3": {"value": "坏词"}}}, 45168),
    ],
)
async def test_wrong_subscription_messages_are_refused_by_name(
    caller: Caller, mini: App, changed: dict[str, Any], errcode: int
) -> None:
    mini.sensitive_words = frozenset({"坏词"})
    mini.accept("o_1", "T_MINI")
    assert (await caller.say(SUBSCRIBE, reminder(**changed), MINI))["errcode"] == errcode
    assert mini.people["o_1"].subscriptions["T_MINI"] == (errcode != 0)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("thing3", "", "argument invalid! data.thing3.value is emtpy"),
        ("thing3", "一" * 21, "argument invalid! data.thing3.value invalid"),
        ("time2", "明天", "argument invalid! data.time2.value invalid"),
        ("enum4", "蓝色", "argument invalid! data.enum4.value invalid"),
        ("thing9", "多余", "argument invalid! data.thing9.value invalid"),
    ],
)
async def test_wrong_field_is_named_in_the_refusal(
    caller: Caller, mini: App, name: str, value: str, words: str
) -> None:
    mini.accept("o_1", "T_MINI")
    answer = await caller.say(SUBSCRIBE, reminder(data={**MINI_DATA, name: {"value": value}}), MINI)
    assert answer["errcode"] == 47003
    assert answer["errmsg"].startswith(words)


async def test_banned_capability_refuses_every_subscription_message(caller: Caller, mini: App) -> None:
    mini.subscriptions_banned = True
    mini.accept("o_1", "T_MINI")
    assert (await caller.say(SUBSCRIBE, reminder(), MINI))["errcode"] == 43107


async def test_second_message_to_somebody_in_flight_is_refused(caller: Caller, mini: App) -> None:
    mini.accept("o_1", "T_MINI", 2)
    mini.accept("o_2", "T_MINI", 2)
    token = await caller.token(MINI)
    caller.api.latency = 0.2
    answers = await asyncio.gather(
        *(caller.post(SUBSCRIBE, reminder(openid), access_token=token) for openid in ("o_1", "o_1", "o_2"))
    )
    assert sorted(answer["errcode"] for answer in answers) == [0, 0, 43108]
    assert answers[2]["errcode"] == 0
    assert (await caller.post(SUBSCRIBE, reminder(), access_token=token))["errcode"] == 0


async def test_subscription_messages_are_for_mini_programs_alone(caller: Caller, official: App) -> None:
    assert (await caller.say(SUBSCRIBE, reminder()))["errcode"] == 48001
    assert (await caller.say(TEMPLATE, template(), MINI))["errcode"] == 48001


async def test_template_needs_no_window_but_a_follower(caller: Caller, official: App) -> None:
    official.person("o_1")
    sent = await caller.say(TEMPLATE, template())
    assert (sent["errcode"], sent["msgid"]) == (0, caller.api.sent[0].msgid)
    official.unfollow("o_1")
    assert (await caller.say(TEMPLATE, template()))["errcode"] == 43004


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"template_id": "T_none"}, 40037),
        ({"client_msg_id": "x" * 33}, 45067),
        ({"client_msg_id": "x" * 32}, 0),
        ({"data": {"thing1": {"value": "1"}}}, 47003),
    ],
)
async def test_wrong_template_messages_are_refused_by_name(
    caller: Caller, official: App, changed: dict[str, Any], errcode: int
) -> None:
    official.person("o_1")
    assert (await caller.say(TEMPLATE, template(**changed)))["errcode"] == errcode


async def test_same_client_msg_id_within_ten_minutes_is_sent_once(
    caller: Caller, official: App, clock: FakeClock
) -> None:
    official.person("o_1")
    official.person("o_2")
    first = await caller.say(TEMPLATE, template(client_msg_id="n-1"))
    again = await caller.say(TEMPLATE, template(client_msg_id="n-1"))
    assert (again["errcode"], again["msgid"]) == (45065, first["msgid"])
    assert (await caller.say(TEMPLATE, template("o_2", client_msg_id="n-1")))["errcode"] == 0
    clock.advance(timedelta(minutes=10))
    assert (await caller.say(TEMPLATE, template(client_msg_id="n-1")))["errcode"] == 0
    assert len(caller.api.received_by("o_1")) == 2


async def test_template_that_somebody_rejects_is_reported_and_not_shown(
    caller: Caller, official: App
) -> None:
    official.person("o_1").rejects_templates = True
    answer = await caller.say(TEMPLATE, template())
    (report,) = official.reports
    assert (answer["errcode"], report.msgid, report.arrived) == (0, answer["msgid"], False)
    assert caller.api.sent == []


async def test_quiet_mode_keeps_only_who_and_a_digest(official: App, clock: FakeClock) -> None:
    async with FakeWeChatApi(
        official, clock=clock.wire, record=False, digest=lambda body: body["text"]["content"]
    ) as api:
        official.happened("o_1", "message", at=clock.wire())
        await _send_bare(api, official, clock, "一", "二")
        assert api.digests == [("o_1", "一"), ("o_1", "二")]
        assert api.sent == []


async def test_digest_without_a_rule_tells_different_bodies_apart(official: App, clock: FakeClock) -> None:
    async with FakeWeChatApi(official, clock=clock.wire, record=False) as api:
        official.happened("o_1", "message", at=clock.wire())
        await _send_bare(api, official, clock, "一", "二", "一")
        first, second, third = (digest for _, digest in api.digests)
        assert first == third != second


async def _send_bare(api: FakeWeChatApi, app: App, clock: FakeClock, *texts: str) -> None:
    token, _ = app.tokens.fetch_stable(clock.wire().timestamp())
    async with ClientSession() as http:
        for text in texts:
            body = {"touser": "o_1", "msgtype": "text", "text": {"content": text}}
            async with http.post(
                f"{api.base_url}{CUSTOM}", json=body, params={"access_token": token}
            ) as response:
                assert (await response.json())["errcode"] == 0
