"""Our push sender against a server on npm `wechat`, and pushes by `wechat-crypto` against our own door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from xml.etree import ElementTree

import pytest
import xmltodict
from aiohttp import ClientSession, ClientTimeout
from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.official import OfficialAccount, OfficialSettings
from bot.channels.wechat.push import Push, PushSender, Query
from bot.errors import Refused
from bot.message import Reply
from tests.fakes.wechat_push import Post, deliver, signed_again
from tests.peers.processes import Runner

WIRE = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
APP_ID, TOKEN = "wx49f0ab532d5d035a", "a-token"
KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
SETTINGS = OfficialSettings(APP_ID, TOKEN, KEY)
SAFE = PushSender(APP_ID, TOKEN, KEY)
PLAIN = PushSender(APP_ID, TOKEN, mode="plain")
SAID = ["36.5", "体温 36.5 ℃ 😀", "]]> <b>&amp;</b>", "码" * 300]


@pytest.fixture
async def post(node: Callable[..., Runner]) -> AsyncIterator[Post]:
    """Posts to the third party's server, which is told the console's settings."""
    settings = json.dumps({"token": TOKEN, "appid": APP_ID, "encodingAESKey": KEY})
    async with (
        node("wechat", "wechat-crypto").serve("wechat_server.cjs", settings) as server,
        ClientSession(timeout=ClientTimeout(total=10)) as http,
    ):
        url = f"http://127.0.0.1:{server.first['port']}/"

        async def send(query: Query, body: bytes) -> tuple[int, bytes]:
            async with http.post(url, params=list(query), data=body) as response:
                return response.status, await response.read()

        yield send


@pytest.mark.parametrize(
    "sender", [SAFE, replace(SAFE, mode="compat"), PLAIN], ids=["safe", "compat", "plain"]
)
async def test_foreign_server_answers_what_our_sender_pushes(post: Post, sender: PushSender) -> None:
    for said in SAID:
        push = sender.text("o_1", said, at=WIRE, msg_id="7")
        delivery = await deliver(post, push, sender)
        assert (delivery.attempts, delivery.shown) == (1, f"收到：{said.replace(']]>', ']] >')} / o_1 / 7")
        assert delivery.answer is not None
        assert delivery.answer["ToUserName"] == "o_1"


async def test_foreign_server_understands_every_kind_of_push(post: Post) -> None:
    pushes = {
        "语音：三十六度五": SAFE.voice("o_1", "三十六度五", at=WIRE),
        "图片：https://pictures.example/1": SAFE.image("o_1", "https://pictures.example/1", at=WIRE),
        "位置：30.25, 120.15 西湖": SAFE.location("o_1", "30.25", "120.15", "西湖", at=WIRE),
        "事件：subscribe": SAFE.event("o_1", "subscribe", "", at=WIRE),
        "事件：CLICK": SAFE.event("o_1", "CLICK", "punch_in", at=WIRE),
    }
    shown = [(await deliver(post, push, SAFE)).shown for push in pushes.values()]
    assert shown == list(pushes)


async def test_foreign_server_takes_a_redelivery_signed_anew(post: Post) -> None:
    push = SAFE.text("o_1", "36.5", at=WIRE, msg_id="7")
    again = signed_again(push, SAFE, at=WIRE + timedelta(seconds=5))
    assert (await deliver(post, again, SAFE)).shown == "收到：36.5 / o_1 / 7"


async def test_foreign_server_that_says_nothing_shows_nothing(post: Post) -> None:
    delivery = await deliver(post, SAFE.event("o_1", "unsubscribe", at=WIRE), SAFE)
    assert (delivery.status, delivery.shown) == (200, None)


@pytest.mark.parametrize("sender", [SAFE, PLAIN], ids=["safe", "plain"])
async def test_foreign_server_refuses_our_push_under_another_token(post: Post, sender: PushSender) -> None:
    wrong = replace(sender, token="another")
    delivery = await deliver(post, wrong.text("o_1", "36.5", at=WIRE), wrong)
    assert (delivery.attempts, delivery.status, delivery.failed) == (4, 401, True)


async def built(runner: Runner, message: str, **changed: str) -> Push:
    """A push that the third party encrypted and signed."""
    given = {"token": TOKEN, "key": KEY, "app_id": APP_ID, "openid": "o_1", "nonce": "415670741"}
    given |= {"timestamp": str(int(WIRE.timestamp())), "message": message, **changed}
    (push,) = await runner.ask("wechat_crypto.cjs", [{"do": "push", **given}])
    return Push(tuple((name, value) for name, value in push["query"]), push["body"].encode())


def text_xml(content: str) -> str:
    heads = "<ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[o_1]]></FromUserName>"
    heads += "<CreateTime>1582160400</CreateTime><MsgType><![CDATA[text]]></MsgType><MsgId>7</MsgId>"
    return f"<xml>{heads}<Content><![CDATA[{content}]]></Content></xml>"


def opened(push: Push) -> Any:
    return OfficialAccount(SETTINGS).open(push.query, push.body, wire=WIRE, received_at=WIRE)


@pytest.mark.parametrize("said", ["36.5", " 体温 36.5 ℃ 😀\n", "码" * 300])
async def test_our_account_opens_what_a_foreign_platform_pushes(
    node: Callable[..., Runner], said: str
) -> None:
    incoming = opened(await built(node("wechat-crypto"), text_xml(said))).incoming
    assert (incoming.text, incoming.account, incoming.key) == (said, "o_1", "m:7")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"token": "another"}, "wrong_signature"),
        ({"app_id": "wx_another"}, "wrong_app_id"),
        ({"key": "z" + KEY[1:]}, "bad_padding"),
    ],
)
async def test_our_account_refuses_a_foreign_push_that_is_not_for_it(
    node: Callable[..., Runner], changed: dict[str, str], reason: str
) -> None:
    push = await built(node("wechat-crypto"), text_xml("36.5"), **changed)
    with pytest.raises(Refused) as refused:
        opened(push)
    assert refused.value.reason == reason


async def test_foreign_platform_opens_what_our_account_answers(node: Callable[..., Runner]) -> None:
    runner = node("wechat-crypto")
    push = opened(await built(runner, text_xml("36.5")))
    sealed = OfficialAccount(SETTINGS).seal(Reply.of("打卡已保存 🟢"), push, wire=WIRE)
    fields = {element.tag: element.text or "" for element in ElementTree.fromstring(sealed)}
    parts = [fields["TimeStamp"], fields["Nonce"], fields["Encrypt"]]
    signed, told = await runner.ask(
        "wechat_crypto.cjs",
        [
            {"do": "sign", "token": TOKEN, "parts": parts},
            {"do": "decrypt", "key": KEY, "app_id": APP_ID, "encrypt": fields["Encrypt"]},
        ],
    )
    assert signed["signature"] == fields["MsgSignature"]
    assert ElementTree.fromstring(told["message"]).findtext("Content") == "打卡已保存 🟢"


@pytest.mark.parametrize("mode", ["compat", "safe"])
@pytest.mark.parametrize("count", [1, 2])
def test_foreign_library_opens_our_pushes_of_a_mini_program(
    wechatpy: None, mode: Literal["compat", "safe"], count: int
) -> None:
    sender = replace(SAFE, mode=mode, format="json")
    push = sender.consents("o_1", [("T_1", "accept")] * count, at=WIRE)
    query = dict(push.query)
    told = WeChatCrypto(TOKEN, KEY, APP_ID).decrypt_message(
        json.loads(push.body), query["msg_signature"], query["timestamp"], query["nonce"]
    )
    given = json.loads(told)
    assert (given["FromUserName"], given["Event"]) == ("o_1", "subscribe_msg_popup_event")
    assert isinstance(given["List"], dict if count == 1 else list)


def test_foreign_library_opens_our_consents_in_xml(wechatpy: None) -> None:
    push = SAFE.consents("o_1", [("T_1", "accept"), ("T_2", "reject")], at=WIRE)
    query = dict(push.query)
    told = WeChatCrypto(TOKEN, KEY, APP_ID).decrypt_message(
        push.body, query["msg_signature"], query["timestamp"], query["nonce"]
    )
    lists = xmltodict.parse(told)["xml"]["SubscribeMsgPopupEvent"]["List"]
    assert [(each["TemplateId"], each["SubscribeStatusString"]) for each in lists] == [
        ("T_1", "accept"),
        ("T_2", "reject"),
    ]
