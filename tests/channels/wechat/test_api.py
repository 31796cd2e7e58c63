"""The calls: what each sends, what becomes of every failure, and what rests afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.channels.outbound import SendFailed, Sent, Trouble
from bot.channels.wechat.api import CUSTOM, MEDIA, MENU, SUBSCRIBE, TEMPLATE, TYPING, Filled, WeChatApi
from bot.channels.wechat.api_errors import MEANINGS, Halt
from tests.channels.scripted import Respond, Scripted, half_an_answer, hang_up, page
from tests.channels.test_http import closed_port
from tests.channels.wechat.api_rig import OK, OPENID, Rig, error, token_text

Send = Callable[[WeChatApi], Awaitable[Sent]]
FILLED = Filled("T1", {"thing1": "健康码变了", "time2": "2020-02-20 09:00"}, "pages/codes?x=1")
KEY = "notice-12"
JPEG = b"\xff\xd8\xff\xe0 a picture"


def custom(api: WeChatApi) -> Awaitable[Sent]:
    return api.send_custom(OPENID, "你好 😀")


def subscribe(api: WeChatApi) -> Awaitable[Sent]:
    return api.send_subscribe(OPENID, FILLED, state="trial", language="zh_CN")


def template(api: WeChatApi) -> Awaitable[Sent]:
    return api.send_template(OPENID, FILLED, key=KEY, page_of="wx2")


async def refused(call: Awaitable[Any]) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await call
    return caught.value


async def test_custom_send_is_a_text_to_one_person(rig: Rig) -> None:
    assert await custom(rig.api()) == Sent("")
    call = rig.platform.asked(CUSTOM)[0]
    assert call.raw == '{"touser":"o-somebody","msgtype":"text","text":{"content":"你好 😀"}}'.encode()
    assert call.query == {"access_token": token_text(1)}


async def test_subscribe_send_carries_page_state_and_language(rig: Rig) -> None:
    rig.script(SUBSCRIBE, OK | {"msgid": 77})
    assert await subscribe(rig.api()) == Sent("77")
    assert rig.platform.asked(SUBSCRIBE)[0].body == {
        "touser": OPENID,
        "template_id": "T1",
        "page": "pages/codes?x=1",
        "miniprogram_state": "trial",
        "lang": "zh_CN",
        "data": {"thing1": {"value": "健康码变了"}, "time2": {"value": "2020-02-20 09:00"}},
    }


@pytest.mark.parametrize(
    ("where", "page_of", "expected"),
    [
        ("pages/codes?x=1", "wx2", {"miniprogram": {"appid": "wx2", "pagepath": "pages/codes?x=1"}}),
        ("pages/codes", None, {}),
        ("https://yima.example/codes", "wx2", {"url": "https://yima.example/codes"}),
        ("", "wx2", {}),
    ],
)
async def test_template_send_carries_its_key_and_where_it_leads(
    rig: Rig, where: str, page_of: str | None, expected: dict[str, Any]
) -> None:
    rig.script(TEMPLATE, OK | {"msgid": 200228332})
    filled = Filled("T1", {"first": "x"}, where)
    assert await rig.api().send_template(OPENID, filled, key=KEY, page_of=page_of) == Sent("200228332")
    assert rig.platform.asked(TEMPLATE)[0].body == {
        "touser": OPENID,
        "template_id": "T1",
        "client_msg_id": KEY,
        "data": {"first": {"value": "x"}},
        **expected,
    }


async def test_template_that_was_sent_before_counts_as_sent(rig: Rig) -> None:
    rig.script(TEMPLATE, error(45065))
    assert await template(rig.api()) == Sent()


async def test_template_without_an_answer_is_sent_again_at_once_under_the_same_key(rig: Rig) -> None:
    rig.script(TEMPLATE, hang_up, error(45065))
    assert await template(rig.api()) == Sent()
    assert [call.body["client_msg_id"] for call in rig.platform.asked(TEMPLATE)] == [KEY] * 2


async def test_template_without_an_answer_twice_may_have_arrived(rig: Rig) -> None:
    rig.script(TEMPLATE, hang_up, hang_up, OK)
    with pytest.raises(SendFailed) as caught:
        await template(rig.api())
    assert caught.value.trouble is Trouble.UNKNOWN
    assert rig.count(TEMPLATE) == 2


async def test_key_that_is_too_long_is_never_sent(rig: Rig) -> None:
    with pytest.raises(ValueError, match="at most 32"):
        await rig.api().send_template(OPENID, FILLED, key="x" * 33)
    assert rig.fetched == 0


@pytest.mark.parametrize(("on", "command"), [(True, "Typing"), (False, "CancelTyping")])
async def test_typing_sign_comes_and_goes(rig: Rig, on: bool, command: str) -> None:
    rig.script(TYPING, OK)
    await rig.api().typing(OPENID, on=on)
    assert rig.platform.asked(TYPING)[0].body == {"touser": OPENID, "command": command}


async def test_menu_is_pushed_as_it_is(rig: Rig) -> None:
    rig.script(MENU, OK)
    menu = {"button": [{"type": "click", "name": "打卡", "key": "PUNCH_IN"}]}
    await rig.api().push_menu(menu)
    assert rig.platform.asked(MENU)[0].body == menu


FAILURES: list[tuple[Scripted, str, bool]] = [
    # what came back, its reason, and whether the message may have arrived
    (page(502), "http_502", False),
    (page(500, b"{}"), "http_500", False),
    (page(200), "not_json", False),
    (page(504), "http_504", True),
    (page(200, b""), "empty", True),
    (page(200, b'{"errcode":'), "cut_short", True),
    (page(200, b'{"error": "of a gateway"}'), "bad_answer", True),
    (hang_up, "disconnected", True),
    (half_an_answer, "disconnected", True),
]


@pytest.mark.parametrize(("answer", "reason", "may_have_arrived"), FAILURES)
@pytest.mark.parametrize("send", [custom, subscribe, template])
async def test_failure_is_unknown_only_where_it_may_have_arrived(
    rig: Rig, send: Send, answer: Scripted, reason: str, may_have_arrived: bool
) -> None:
    for path in (CUSTOM, SUBSCRIBE, TEMPLATE):
        rig.script(path, answer)
    failed = await refused(send(rig.api()))
    unknown = may_have_arrived
    assert (failed.trouble, failed.reason) == (Trouble.UNKNOWN if unknown else Trouble.RETRY, reason)
    # the token and one send; a template's key lets it be repeated at once
    assert len(rig.platform.calls) == (3 if unknown and send is template else 2)


@pytest.mark.parametrize(("send", "trouble"), [(custom, Trouble.UNKNOWN), (template, Trouble.UNKNOWN)])
async def test_answer_that_takes_too_long_leaves_it_unknown(rig: Rig, send: Send, trouble: Trouble) -> None:
    rig.script(CUSTOM, rig.platform.never)
    rig.script(TEMPLATE, rig.platform.never)
    api = rig.api(total_seconds=0.3)
    failed = await refused(send(api))
    assert (failed.trouble, failed.reason) == (trouble, "timeout")


async def test_refused_connection_can_be_tried_again(rig: Rig) -> None:
    await custom(rig.api())  # so that there is a token
    rig.clock.advance(timedelta(seconds=1))
    failed = await refused(custom(rig.api("other", base=f"http://127.0.0.1:{closed_port()}")))
    assert (failed.trouble, failed.reason) == (Trouble.RETRY, "connect")


@pytest.mark.parametrize("code", [code for code, meaning in MEANINGS.items() if not meaning.renew])
async def test_other_codes_are_never_tried_a_second_time(rig: Rig, code: int) -> None:
    rig.script(CUSTOM, error(code))
    failed = await refused(custom(rig.api()))
    assert (failed.trouble, failed.reason) == (MEANINGS[code].trouble, f"wechat_{code}")
    assert (rig.fetched, rig.sent) == (1, 1)
    if failed.trouble in (Trouble.QUOTA, Trouble.PERMISSION):
        assert failed.retry_after  # so that whoever asks knows when to come back


async def test_minute_limit_pauses_the_app_for_a_minute(rig: Rig) -> None:
    rig.script(CUSTOM, error(45011), OK)
    api = rig.api()
    first = await refused(custom(api))
    assert (first.trouble, first.retry_after) == (Trouble.RETRY, 60)
    rig.clock.advance(timedelta(seconds=20))
    for client in (api, rig.api("other")):
        resting = await refused(custom(client))
        assert (resting.trouble, resting.reason) == (Trouble.QUOTA, "wechat_45011")
        assert resting.retry_after == 40
    assert rig.sent == 1
    rig.clock.advance(timedelta(seconds=40))
    await custom(api)
    assert rig.sent == 2


async def test_daily_limit_pauses_the_app_until_midnight_in_beijing(rig: Rig) -> None:
    rig.script(CUSTOM, error(45009), OK)
    api = rig.api()
    failed = await refused(custom(api))  # at nine in the morning there
    assert (failed.trouble, failed.retry_after) == (Trouble.QUOTA, 15 * 3600)
    rig.clock.advance(timedelta(hours=15) - timedelta(seconds=1))
    assert (await refused(custom(api))).trouble == Trouble.QUOTA
    rig.clock.advance(timedelta(seconds=1))
    await custom(api)
    assert rig.sent == 2


async def test_wrong_template_rests_alone(rig: Rig) -> None:
    rig.script(SUBSCRIBE, error(40037), OK)
    api = rig.api()
    assert (await refused(subscribe(api))).retry_after == 600
    again = await refused(subscribe(api))
    assert (again.trouble, again.reason) == (Trouble.PERMISSION, "wechat_40037")
    await custom(api)
    await api.send_subscribe(OPENID, Filled("T2", {}), state="formal", language="zh_CN")
    assert rig.count(SUBSCRIBE) == 2
    rig.clock.advance(timedelta(minutes=10))
    await subscribe(api)
    assert rig.count(SUBSCRIBE) == 3


async def test_forbidden_interface_rests_alone(rig: Rig) -> None:
    rig.script(SUBSCRIBE, error(43107))
    api = rig.api()
    await refused(subscribe(api))
    other = api.send_subscribe(OPENID, Filled("T2", {}), state="formal", language="zh_CN")
    assert (await refused(other)).reason == "wechat_43107"
    await custom(api)
    assert (rig.count(SUBSCRIBE), rig.sent) == (1, 1)


WRONG_SETUP = [code for code, each in MEANINGS.items() if each.halt == Halt.BREAK and not each.renew]


@pytest.mark.parametrize("code", WRONG_SETUP)
async def test_wrong_setup_stops_the_whole_app(rig: Rig, code: int) -> None:
    rig.script(CUSTOM, error(code))
    api = rig.api()
    assert (await refused(custom(api))).retry_after == 60
    assert (await refused(template(api))).reason == f"wechat_{code}"
    assert (rig.sent, rig.count(TEMPLATE)) == (1, 0)


@pytest.mark.parametrize("answer", [OK, error(43101), error(47003)])
async def test_break_is_mended_by_any_answer_about_the_message(rig: Rig, answer: Scripted) -> None:
    rig.script(CUSTOM, error(40164), error(40164), answer, error(40164))
    api = rig.api()
    rests = []
    for _ in range(4):
        try:
            await custom(api)
        except SendFailed as failed:
            rests.append(failed.retry_after)
            rig.clock.advance(timedelta(seconds=failed.retry_after or 0))
    assert [rest for rest in rests if rest] == [60, 120, 60]


async def test_refusal_names_the_field_of_a_template(rig: Rig) -> None:
    rig.script(SUBSCRIBE, error(47003, "argument invalid! data.thing3.value is emtpy"))
    failed = await refused(subscribe(rig.api()))
    assert (failed.trouble, failed.field_name) == (Trouble.CONTENT, "thing3")


def picture(body: bytes = JPEG, content_type: str = "image/jpeg") -> Respond:
    async def respond(request: web.Request) -> web.StreamResponse:
        head = {"Content-disposition": 'attachment; filename="M.jpg"'}
        return web.Response(body=body, content_type=content_type, headers=head)

    return respond


async def test_picture_is_downloaded(rig: Rig) -> None:
    rig.script(MEDIA, picture())
    media = await rig.api().download_media("M 1+2")
    assert (media.content, media.content_type) == (JPEG, "image/jpeg")
    assert JPEG not in repr(media).encode()
    assert rig.platform.asked(MEDIA)[0].query == {"access_token": token_text(1), "media_id": "M 1+2"}


@pytest.mark.parametrize(
    ("answer", "trouble", "reason"),
    [
        ({"video_url": "http://somewhere/v.mp4"}, Trouble.CONTENT, "media_elsewhere"),
        (picture(b'{"errcode":40007,"errmsg":"x"}'), Trouble.CONTENT, "wechat_40007"),
        (picture(b' {"errcode":40007}', "application/octet-stream"), Trouble.CONTENT, "wechat_40007"),
        (picture(JPEG, "text/html"), Trouble.CONTENT, "media_type"),
        (picture(b"<html>", "image/jpeg"), Trouble.CONTENT, "media_type"),
        (picture(JPEG, "image/png"), Trouble.CONTENT, "media_type"),
        (picture(JPEG + b"x" * 50), Trouble.CONTENT, "media_too_large"),
        (page(502), Trouble.RETRY, "http_502"),
        (hang_up, Trouble.RETRY, "disconnected"),
    ],
)
async def test_media_that_is_refused_has_its_reason(
    rig: Rig, answer: Scripted, trouble: Trouble, reason: str
) -> None:
    rig.script(MEDIA, answer)
    failed = await refused(rig.api().download_media("M", limit=40))
    assert (failed.trouble, failed.reason) == (trouble, reason)


async def test_download_renews_a_refused_token_once(rig: Rig) -> None:
    rig.script(MEDIA, picture(b'{"errcode":40001}'), picture())
    assert (await rig.api().download_media("M")).content == JPEG
    assert [call.query["access_token"] for call in rig.platform.asked(MEDIA)] == [
        token_text(1),
        token_text(2),
    ]
