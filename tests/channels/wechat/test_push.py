"""The platform's side: it knows wechatpy's answers, and it retries like the platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.mini import MiniProgram, MiniSettings
from bot.channels.wechat.official import OfficialAccount, OfficialSettings
from bot.channels.wechat.push import BadAnswer, Mode, Push, PushSender, Query
from bot.message import Kind, Reply
from tests.channels.wechat.vectors import AES_KEY, W4, W6, Outbound
from tests.fakes.wechat_push import OUT_OF_ORDER, deliver

WIRE = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
APP_ID, TOKEN, KEY = "wx49f0ab532d5d035a", "a-token", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
SENDER = PushSender(APP_ID, TOKEN, KEY)
ACCOUNT = OfficialAccount(OfficialSettings(APP_ID, TOKEN, KEY))


def answer_of(push: Push, reply: Reply | None) -> bytes:
    opened = ACCOUNT.open(push.query, push.body, wire=WIRE, received_at=WIRE)
    return ACCOUNT.seal(reply, opened, wire=WIRE)


def test_wechatpy_opens_what_the_sender_pushes() -> None:
    push = SENDER.text("o_1", "您好😷", at=WIRE)
    query = dict(push.query)
    oracle = WeChatCrypto(TOKEN, KEY, APP_ID)
    xml = oracle.decrypt_message(push.body, query["msg_signature"], query["timestamp"], query["nonce"])
    assert "<Content><![CDATA[您好😷]]></Content>" in xml


@pytest.mark.parametrize("vector", [W4, W6], ids=["W4", "W6"])
def test_sender_decrypts_the_documented_answers(vector: Outbound) -> None:
    assert PushSender(vector.app_id, "AAAAA", AES_KEY).decrypt(vector.encrypt) == vector.message


TWO_REFUSALS = (("T1", "reject"), ("T2", "reject"))
PUSHES: list[tuple[Callable[[PushSender], Push], Kind]] = [
    (lambda sender: sender.text("o_1", "36.5", at=WIRE), Kind.TEXT),
    (lambda sender: sender.voice("o_1", "三十六度五", at=WIRE), Kind.VOICE),
    (lambda sender: sender.voice("o_1", None, at=WIRE), Kind.VOICE),
    (lambda sender: sender.image("o_1", "https://x.invalid/", at=WIRE), Kind.IMAGE),
    (lambda sender: sender.location("o_1", "30.5", "114.3", "武汉", at=WIRE), Kind.LOCATION),
    (lambda sender: sender.event("o_1", "subscribe", "qrscene_1", at=WIRE), Kind.FOLLOW),
    (lambda sender: sender.event("o_1", "unsubscribe", at=WIRE), Kind.UNFOLLOW),
    (lambda sender: sender.event("o_1", "CLICK", "punch_in", at=WIRE), Kind.MENU),
    (lambda sender: sender.event("o_1", "SCAN", "gate", at=WIRE, Ticket="t"), Kind.SCAN),
    (lambda sender: sender.event("o_1", "VIEW", "https://x.invalid/", at=WIRE), Kind.VIEW),
    (lambda sender: sender.template_report("o_1", "17", "failed:user block", at=WIRE), Kind.DELIVERY),
    (lambda sender: sender.page("o_1", "pages/codes", "我的码", at=WIRE), Kind.PAGE),
    (lambda sender: sender.enter("o_1", "codes", at=WIRE), Kind.ENTER),
    (lambda sender: sender.consents("o_1", [("T1", "accept")], at=WIRE), Kind.SUBSCRIPTION),
    (lambda sender: sender.consents("o_1", TWO_REFUSALS, at=WIRE, changed=True), Kind.SUBSCRIPTION),
    (lambda sender: sender.sent_reports("o_1", [("T1", "17", "43101")], at=WIRE), Kind.DELIVERY),
]


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
@pytest.mark.parametrize(("build", "kind"), PUSHES)
def test_every_push_is_understood_in_every_mode(
    build: Callable[[PushSender], Push], kind: Kind, mode: Mode
) -> None:
    account = OfficialAccount(OfficialSettings(APP_ID, TOKEN, KEY, mode="plain"))
    push = build(replace(SENDER, mode=mode))
    opened = account.open(push.query, push.body, wire=WIRE, received_at=WIRE)
    assert opened.incoming is not None
    assert (opened.incoming.kind, opened.incoming.account) == (kind, "o_1")


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
@pytest.mark.parametrize(("build", "kind"), PUSHES)
def test_every_json_push_is_understood_in_every_mode(
    build: Callable[[PushSender], Push], kind: Kind, mode: Mode
) -> None:
    mini = MiniProgram(MiniSettings(APP_ID, TOKEN, KEY, mode="plain"))
    push = build(replace(SENDER, mode=mode, format="json"))
    received = mini.open(push.query, push.body, wire=WIRE, received_at=WIRE)
    assert received.incoming is not None
    assert (received.incoming.kind, received.incoming.account) == (kind, "o_1")


def test_json_push_writes_numbers_and_a_list_of_one_as_the_platform_does() -> None:
    sender = replace(SENDER, mode="plain", format="json")
    message = json.loads(sender.text("o_1", "36.5", at=WIRE, msg_id="17").body)
    assert (message["MsgId"], message["CreateTime"]) == (17, int(WIRE.timestamp()))
    one = json.loads(sender.consents("o_1", [("T1", "accept")], at=WIRE).body)
    assert one["List"] == {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    assert one["CreateTime"] == str(int(WIRE.timestamp()))
    two = json.loads(sender.sent_reports("o_1", [("T1", "17", "0"), ("T2", "18", "43101")], at=WIRE).body)
    assert [(item["MsgID"], item["ErrorCode"]) for item in two["List"]] == [("17", "0"), ("18", "43101")]


def test_safe_json_push_shows_only_its_receiver() -> None:
    body = json.loads(replace(SENDER, format="json").text("o_1", "36.5", at=WIRE).body)
    assert body.keys() == {"ToUserName", "Encrypt"}
    assert body["ToUserName"] == SENDER.to_user


def test_compat_json_push_shows_the_message_beside_its_ciphertext() -> None:
    body = json.loads(replace(SENDER, format="json", mode="compat").text("o_1", "36.5", at=WIRE).body)
    assert (body["Content"], body["FromUserName"]) == ("36.5", "o_1")
    assert json.loads(SENDER.decrypt(body["Encrypt"]))["Content"] == "36.5"


@pytest.mark.parametrize("body", [b"{}", b"<xml/>", b'{"MsgType": "text"}'])
def test_passive_answer_of_a_mini_program_is_bad(body: bytes) -> None:
    sender = replace(SENDER, format="json")
    assert sender.answer(b"success") is None
    with pytest.raises(BadAnswer):
        sender.answer(body)


def test_safe_push_shows_only_its_receiver() -> None:
    body = SENDER.text("o_1", "36.5", at=WIRE).body
    assert SENDER.to_user.encode() in body
    assert b"o_1" not in body
    assert b"36.5" not in body


def test_answer_under_another_token_is_bad() -> None:
    sealed = answer_of(SENDER.text("o_1", "1", at=WIRE), Reply.of("2"))
    with pytest.raises(BadAnswer):
        replace(SENDER, token="another").answer(sealed)


@pytest.mark.parametrize(
    "body", [b"ok", b"{}", b"<xml/>", b"<html></html>", b"<xml><Encrypt>AAAA</Encrypt></xml>", b"\xff"]
)
def test_malformed_answer_is_bad_in_every_mode(body: bytes) -> None:
    for sender in (SENDER, replace(SENDER, mode="plain")):
        with pytest.raises(BadAnswer):
            sender.answer(body)


def test_plain_answer_to_an_encrypted_push_is_bad() -> None:
    plain = replace(SENDER, mode="plain")
    account = OfficialAccount(OfficialSettings(APP_ID, TOKEN, mode="plain"))
    push = plain.text("o_1", "1", at=WIRE)
    opened = account.open(push.query, push.body, wire=WIRE, received_at=WIRE)
    sealed = account.seal(Reply.of("2"), opened, wire=WIRE)
    assert plain.answer(sealed) is not None
    with pytest.raises(BadAnswer):
        SENDER.answer(sealed)


def test_overlong_answer_is_bad_as_on_the_platform() -> None:
    xml = "<xml><ToUserName>o</ToUserName><FromUserName>g</FromUserName><CreateTime>1</CreateTime>"
    xml += f"<MsgType>text</MsgType><Content>{'中' * 683}</Content></xml>"
    with pytest.raises(BadAnswer, match="length"):
        replace(SENDER, mode="plain").answer(xml.encode())


def test_sender_without_a_key_says_so() -> None:
    with pytest.raises(ValueError, match="needs an EncodingAESKey"):
        PushSender(APP_ID, TOKEN).text("o_1", "1", at=WIRE)


class Service:
    """Answers with a script, one entry a request; an exception is a connection that was cut."""

    def __init__(self, *script: tuple[int, bytes] | Exception) -> None:
        self.script = list(script)
        self.seen: list[bytes] = []

    async def __call__(self, query: Query, body: bytes) -> tuple[int, bytes]:
        self.seen.append(body)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_delivery_shows_what_was_answered() -> None:
    push = SENDER.text("o_1", "1", at=WIRE)
    delivery = await deliver(Service((200, answer_of(push, Reply.of("您好")))), push, SENDER)
    assert (delivery.attempts, delivery.shown, delivery.failed) == (1, "您好", False)


async def test_delivery_of_success_shows_nothing() -> None:
    delivery = await deliver(Service((200, b"success")), SENDER.text("o_1", "1", at=WIRE), SENDER)
    assert (delivery.status, delivery.shown, delivery.failed) == (200, None, False)


async def test_same_push_is_sent_again_until_it_is_answered() -> None:
    push = SENDER.text("o_1", "1", at=WIRE)
    service = Service((500, b""), TimeoutError(), ConnectionResetError(), (200, b"success"))
    delivery = await deliver(service, push, SENDER)
    assert (delivery.attempts, delivery.failed) == (4, False)
    assert service.seen == [push.body] * 4


async def test_delivery_gives_up_after_three_retries() -> None:
    service = Service(*[(500, b"")] * 5)
    delivery = await deliver(service, SENDER.text("o_1", "1", at=WIRE), SENDER)
    assert (delivery.attempts, delivery.shown, len(service.script)) == (4, OUT_OF_ORDER, 1)


async def test_bad_answer_shows_that_the_service_is_out_of_order() -> None:
    delivery = await deliver(Service((200, b"{}")), SENDER.text("o_1", "1", at=WIRE), SENDER)
    assert (delivery.attempts, delivery.failed) == (1, True)
