"""The fake of Alipay's gateway refuses what the real one refuses, and signs what it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.fakes.alipay_gateway import BEIJING, TIMESTAMP, FakeAlipayGateway
from tests.fakes.alipay_signing import decrypt, encrypt, key_of, request_string, signature, verifies
from tests.fakes.clock import FakeClock

PLATFORM, APP = key_of("platform"), key_of("app")
APP_ID = "2021000000000001"
AES_KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="
SEND = "alipay.open.public.message.custom.send"
TEMPLATE = "alipay.open.app.mini.templatemessage.send"
LOGIN = "alipay.system.oauth.token"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def gateway(clock: FakeClock) -> AsyncIterator[FakeAlipayGateway]:
    fake = FakeAlipayGateway(
        app_id=APP_ID, app_public_key=APP.public_key(), platform_key=PLATFORM, clock=clock, aes_key=AES_KEY
    )
    async with fake:
        yield fake


def signed(gateway: FakeAlipayGateway, method: str, key: str = "app", **given: str) -> dict[str, str]:
    params = {
        "app_id": APP_ID,
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": gateway.clock.wire().astimezone(BEIJING).strftime(TIMESTAMP),
        "version": "1.0",
        **given,
    }
    return {**params, "sign": signature(key_of(key), request_string(params).encode(params["charset"]))}


def said(gateway: FakeAlipayGateway, params: dict[str, str]) -> Any:
    """The node of the answer, whatever its name."""
    return next(iter(json.loads(gateway.answer("", urlencode(params, encoding=params["charset"]))).values()))


def refused(gateway: FakeAlipayGateway, params: dict[str, str]) -> tuple[str, str]:
    node = said(gateway, params)
    return node["code"], node.get("sub_code", "")


def words(user: str, text: str = "你好", **given: str) -> str:
    return json.dumps({"to_user_id": user, "msg_type": "text", "text": {"content": text}, **given})


def filled(user: str, form: str, values: dict[str, str], *, as_text: bool = True) -> str:
    data: Any = {name: {"value": value} for name, value in values.items()}
    content = {"to_user_id": user, "form_id": form, "user_template_id": "T1", "page": "pages/i"}
    return json.dumps({**content, "data": json.dumps(data) if as_text else data})


async def test_login_code_is_good_once_and_for_three_minutes(
    gateway: FakeAlipayGateway, clock: FakeClock
) -> None:
    code, late = gateway.apis.authorize("2088"), gateway.apis.authorize("2088")
    asked = {"grant_type": "authorization_code", "code": code}
    answer = said(gateway, signed(gateway, LOGIN, **asked))
    assert (answer["user_id"], "code" in answer) == ("2088", False)
    assert refused(gateway, signed(gateway, LOGIN, **asked)) == ("40002", "isv.code-invalid")
    clock.advance(timedelta(minutes=3))
    assert refused(gateway, signed(gateway, LOGIN, **{**asked, "code": late})) == (
        "40002",
        "isv.code-invalid",
    )


async def test_newer_apps_are_told_the_open_id_only(gateway: FakeAlipayGateway) -> None:
    gateway.apis.open_ids = True
    asked = {"grant_type": "authorization_code", "code": gateway.apis.authorize("074a")}
    answer = said(gateway, signed(gateway, LOGIN, **asked))
    assert (answer["open_id"], "user_id" in answer) == ("074a", False)


async def test_login_code_inside_the_content_is_not_seen(gateway: FakeAlipayGateway) -> None:
    content = json.dumps({"grant_type": "authorization_code", "code": gateway.apis.authorize("2088")})
    assert refused(gateway, signed(gateway, LOGIN, biz_content=content))[1] == "isv.invalid-parameter"


@pytest.mark.parametrize(
    ("change", "sub_code"),
    [
        ({"app_id": "2021999"}, "isv.invalid-app-id"),
        ({"method": "alipay.no.such"}, "isv.invalid-method"),
        ({"format": "XML"}, "isv.invalid-format"),
        ({"sign_type": "RSA"}, "isv.invalid-signature-type"),
        ({"timestamp": "2020-02-20 01:00:00"}, "isv.invalid-timestamp"),  # the host's zone, not Beijing's
        ({"timestamp": "2020-02-20T09:00:00"}, "isv.invalid-timestamp"),
        ({"biz_content": "{"}, "isv.invalid-parameter"),
        ({"biz_content": "[]"}, "isv.invalid-parameter"),
        ({"encrypt_type": "DES", "biz_content": "x"}, "isv.invalid-encrypt-type"),
        ({"encrypt_type": "AES", "biz_content": "AAAA"}, "isv.decryption-error-unknown"),
    ],
)
async def test_wrong_request_is_refused_by_name(
    gateway: FakeAlipayGateway, change: dict[str, str], sub_code: str
) -> None:
    params = signed(gateway, **{"method": SEND, **change})
    assert refused(gateway, params) == ("40002", sub_code)


@pytest.mark.parametrize("name", ["method", "app_id", "timestamp", "version", "sign", "sign_type"])
async def test_missing_parameter_is_named(gateway: FakeAlipayGateway, name: str) -> None:
    params = signed(gateway, SEND)
    del params[name]
    sub_codes = {"sign": "isv.missing-signature", "sign_type": "isv.missing-signature-type"}
    assert refused(gateway, params) == ("40001", sub_codes.get(name, f"isv.missing-{name.replace('_', '-')}"))


async def test_signature_of_another_key_is_refused(gateway: FakeAlipayGateway) -> None:
    assert refused(gateway, signed(gateway, SEND, key="somebody"))[1] == "isv.invalid-signature"


async def test_sign_type_is_part_of_what_a_request_signs(gateway: FakeAlipayGateway) -> None:
    params = signed(gateway, SEND)
    params["sign"] = signature(APP, request_string({**params, "sign_type": ""}).encode())
    assert refused(gateway, params)[1] == "isv.invalid-signature"


async def test_name_that_stands_twice_is_refused(gateway: FakeAlipayGateway) -> None:
    params = signed(gateway, SEND)
    answer = json.loads(gateway.answer("method=alipay.other", urlencode(params)))
    assert answer["error_response"]["sub_code"] == "isv.invalid-parameter"


@pytest.mark.parametrize(("minutes", "taken"), [(5, True), (-5, True), (11, False)])
async def test_platform_clock_may_be_a_little_off(
    gateway: FakeAlipayGateway, minutes: int, taken: bool
) -> None:
    gateway.clock_off = timedelta(minutes=minutes)
    assert ("timestamp" not in refused(gateway, signed(gateway, SEND))[1]) is taken


async def test_error_of_the_gateway_is_unsigned(gateway: FakeAlipayGateway) -> None:
    answer = json.loads(gateway.answer("", urlencode(signed(gateway, "alipay.no.such"))))
    assert list(answer) == ["error_response"]
    gateway.signs_errors = True
    assert list(json.loads(gateway.answer("", urlencode(signed(gateway, "alipay.no.such"))))) == [
        "error_response",
        "sign",
    ]


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
async def test_answer_is_signed_over_its_very_bytes(gateway: FakeAlipayGateway, charset: str) -> None:
    gateway.apis.follow("2088")
    raw = gateway.answer("", urlencode(signed(gateway, SEND, biz_content=words("2088"), charset=charset)))
    name = f'{{"{SEND.replace(".", "_")}_response":'.encode()
    node, _, rest = raw.removeprefix(name).partition(b',"sign":"')
    assert verifies(PLATFORM.public_key(), node, rest.removesuffix(b'"}').decode())
    assert b"\\/" in node
    assert "}{" in json.loads(node.decode(charset))["unknown_to_clients"]
    assert json.dumps(json.loads(node.decode(charset))).encode() != node


async def test_sealed_request_gets_a_sealed_answer(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    sealed = encrypt(words("2088", "一切正常").encode(), AES_KEY)
    raw = gateway.answer("", urlencode(signed(gateway, SEND, biz_content=sealed, encrypt_type="AES")))
    answer = json.loads(raw)
    node = answer[f"{SEND.replace('.', '_')}_response"]
    assert verifies(PLATFORM.public_key(), f'"{node}"'.encode(), answer["sign"])
    assert json.loads(decrypt(node, AES_KEY))["code"] == "10000"
    assert gateway.sent[0].text == "一切正常"


async def test_message_needs_a_follower(gateway: FakeAlipayGateway) -> None:
    asked = signed(gateway, SEND, biz_content=words("2088"))
    assert refused(gateway, asked) == ("40004", "PUB.MSG_SD_NOFOLLOW")
    gateway.apis.follow("2088")
    assert refused(gateway, asked)[0] == "10000"
    gateway.apis.unfollow("2088")
    assert refused(gateway, asked) == ("40004", "PUB.MSG_SD_NOFOLLOW")
    assert [message.to for message in gateway.sent] == ["2088"]


@pytest.mark.parametrize(
    ("contact", "given", "minutes"),
    [
        ("follow", {"event_type": "follow"}, 5),
        ("click", {"event_type": "click"}, 5),
        ("chat", {"chat": "1"}, 48 * 60),
        ("chat", {}, 48 * 60),
    ],
)
async def test_window_closes_to_the_minute(
    gateway: FakeAlipayGateway, clock: FakeClock, contact: str, given: dict[str, str], minutes: int
) -> None:
    gateway.apis.follow("2088")
    clock.advance(timedelta(days=1))
    gateway.apis.contact("2088", contact)
    clock.advance(timedelta(minutes=minutes, seconds=-1))
    assert refused(gateway, signed(gateway, SEND, biz_content=words("2088", **given)))[0] == "10000"
    clock.advance(timedelta(seconds=1))
    late = refused(gateway, signed(gateway, SEND, biz_content=words("2088", **given)))
    assert late == ("40004", "MSG_SD_OVER_TIME")


async def test_opening_the_chat_allows_one_message(gateway: FakeAlipayGateway, clock: FakeClock) -> None:
    gateway.apis.follow("2088")
    clock.advance(timedelta(hours=1))
    gateway.apis.contact("2088", "enter")
    asked = signed(gateway, SEND, biz_content=words("2088", event_type="enter_ppchat"))
    assert refused(gateway, asked)[0] == "10000"
    assert refused(gateway, asked) == ("40004", "MSG_SD_OVER_TIME")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"to_user_id": "2088", "msg_type": "text", "text": {"content": ""}},
        {"to_user_id": "2088", "msg_type": "voice"},
        {"to_user_id": "2088", "msg_type": "image-text", "articles": []},
    ],
)
async def test_message_without_its_parts_is_refused(
    gateway: FakeAlipayGateway, content: dict[str, Any]
) -> None:
    asked = signed(gateway, SEND, biz_content=json.dumps(content))
    assert refused(gateway, asked) == ("40002", "isv.invalid-parameter")


@pytest.mark.parametrize("as_text", [True, False])
async def test_template_goes_out_once_per_form(gateway: FakeAlipayGateway, as_text: bool) -> None:
    gateway.apis.add_template("T1", "keyword1", "keyword2")
    form = gateway.apis.submit_form("2088")
    values = {"keyword1": "杭州健康码", "keyword2": "由绿变黄"}
    asked = signed(gateway, TEMPLATE, biz_content=filled("2088", form, values, as_text=as_text))
    assert refused(gateway, asked)[0] == "10000"
    assert (gateway.sent[0].values, gateway.sent[0].template_id) == (values, "T1")
    assert refused(gateway, asked) == ("40004", "FORM_ID_OVER_TIME")


async def test_form_ends_after_seven_days(gateway: FakeAlipayGateway, clock: FakeClock) -> None:
    gateway.apis.add_template("T1", "keyword1")
    form = gateway.apis.submit_form("2088")
    clock.advance(timedelta(days=7))
    asked = signed(gateway, TEMPLATE, biz_content=filled("2088", form, {"keyword1": "x"}))
    assert refused(gateway, asked) == ("40004", "FORM_ID_OVER_TIME")


@pytest.mark.parametrize(
    ("user", "values", "sub_code"),
    [
        ("2088", {"keyword1": "五" * 51}, "USER_KEYWORD_LENGTH_ERROR"),
        ("2088", {"keyword2": "x"}, "USER_TEMPLATE_ILLEGAL"),
        ("2099", {"keyword1": "x"}, "FORM_ID_NOT_MATCH_APPID"),
    ],
)
async def test_wrong_template_spends_no_form(
    gateway: FakeAlipayGateway, user: str, values: dict[str, str], sub_code: str
) -> None:
    gateway.apis.add_template("T1", "keyword1")
    form = gateway.apis.submit_form("2088")
    asked = signed(gateway, TEMPLATE, biz_content=filled(user, form, values))
    assert refused(gateway, asked) == ("40004", sub_code)
    right = signed(gateway, TEMPLATE, biz_content=filled("2088", form, {"keyword1": "五" * 50}))
    assert refused(gateway, right)[0] == "10000"


# over the wire


async def post(gateway: FakeAlipayGateway, seconds: float = 5) -> tuple[int, bytes]:
    params = signed(gateway, SEND, biz_content=words("2088"))
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(gateway.url, data=params) as got,
    ):
        return got.status, await got.read()


async def test_request_over_the_wire_is_answered(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    status, body = await post(gateway)
    assert (status, b'"code":"10000"' in body) == (200, True)
    assert gateway.calls == [SEND]


async def test_gateway_that_is_down_refuses_connections_until_it_is_up(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    url = gateway.url
    await gateway.down()
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(gateway)
    await gateway.up()
    assert gateway.url == url
    assert (await post(gateway))[0] == 200


async def test_proxy_page_replaces_as_many_answers_as_asked(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    gateway.answer_html(502, times=1)
    assert await post(gateway) == (502, b"<html>Bad Gateway</html>")
    assert gateway.sent == []
    assert (await post(gateway))[0] == 200


@pytest.mark.parametrize(("after", "arrived"), [(False, 0), (True, 1)])
async def test_hanging_gateway_may_have_delivered(
    gateway: FakeAlipayGateway, after: bool, arrived: int
) -> None:
    gateway.apis.follow("2088")
    gateway.hang(times=1, after=after)
    with pytest.raises(TimeoutError):
        await post(gateway, seconds=0.2)
    assert len(gateway.sent) == arrived


async def test_connection_is_cut_after_the_message_has_arrived(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    gateway.drop_after_write(times=1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(gateway)
    assert len(gateway.sent) == 1
    assert (await post(gateway))[0] == 200


async def test_slow_gateway_still_answers(gateway: FakeAlipayGateway) -> None:
    gateway.slow(0.01)
    assert (await post(gateway))[0] == 200
    gateway.heal()
    assert (await post(gateway))[0] == 200


async def test_demanded_refusal_is_signed_and_ends(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    gateway.fail_with("40005", "isv.app-call-limited", times=2)
    asked = signed(gateway, SEND, biz_content=words("2088"))
    for _ in range(2):
        answer = json.loads((await post(gateway))[1])
        assert list(answer) == [f"{SEND.replace('.', '_')}_response", "sign"]
    assert refused(gateway, asked)[0] == "10000"


async def test_forged_answer_does_not_verify(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("2088")
    gateway.forge(times=1)
    body = (await post(gateway))[1]
    node, _, rest = body.partition(b":")[2].partition(b',"sign":"')
    assert not verifies(PLATFORM.public_key(), node, rest.removesuffix(b'"}').decode())


async def test_refusal_of_a_sealed_request_is_sealed_too(gateway: FakeAlipayGateway) -> None:
    sealed = encrypt(words("2088").encode(), AES_KEY)
    answer = said(gateway, signed(gateway, SEND, biz_content=sealed, encrypt_type="AES"))
    assert json.loads(decrypt(answer, AES_KEY))["sub_code"] == "PUB.MSG_SD_NOFOLLOW"


async def test_message_may_name_its_person_by_open_id(gateway: FakeAlipayGateway) -> None:
    gateway.apis.follow("074a")
    content = json.dumps({"open_id": "074a", "msg_type": "text", "text": {"content": "你好"}})
    assert refused(gateway, signed(gateway, SEND, biz_content=content))[0] == "10000"
