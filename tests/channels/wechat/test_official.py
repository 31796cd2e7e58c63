"""The door of the official account: what is let in in which mode, how it is answered, and its settings."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from wechatpy.crypto import WeChatCrypto

from bot.channels.wechat.official import OfficialAccount, OfficialSettings
from bot.channels.wechat.push import Mode, Push, PushSender, to_xml
from bot.errors import Misconfigured, Refused
from bot.message import Consent, Kind, Reply
from tests.channels.wechat import vectors
from tests.channels.wechat.door import (
    APP_ID,
    KEY,
    OTHER_KEY,
    PLAIN,
    RECEIVED_AT,
    SAFE,
    SENDER,
    TOKEN,
    WIRE,
    opened_by,
    plain_text,
    reason,
    safe_text,
    said,
    with_parameter,
)

# the handshake


def test_documented_handshake_is_answered_with_its_echo() -> None:
    account = OfficialAccount(replace(SAFE, token="AAAAA"))
    query = [
        ("signature", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("timestamp", "1714036504"),
        ("nonce", "1514711492"),
        ("echostr", "4375120948345356249"),
    ]
    assert account.handshake(query) == "4375120948345356249"


@pytest.mark.parametrize("settings", [SAFE, PLAIN], ids=["safe", "plain"])
def test_handshake_is_the_same_in_every_mode(settings: OfficialSettings) -> None:
    assert OfficialAccount(settings).handshake(SENDER.handshake("123", at=WIRE)) == "123"


def test_handshake_under_another_token_is_refused() -> None:
    query = PushSender(APP_ID, "another", KEY).handshake("123", at=WIRE)
    with pytest.raises(Refused, match="wrong_signature"):
        OfficialAccount(SAFE).handshake(query)


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
def test_handshake_without_its_signature_is_refused(name: str) -> None:
    query = [(key, value) for key, value in SENDER.handshake("123", at=WIRE) if key != name]
    with pytest.raises(Refused, match="missing_signature"):
        OfficialAccount(SAFE).handshake(query)


def test_handshake_with_a_key_twice_is_refused() -> None:
    with pytest.raises(Refused, match="duplicate_query_key"):
        OfficialAccount(SAFE).handshake([*SENDER.handshake("123", at=WIRE), ("echostr", "456")])


@pytest.mark.parametrize("echo", ["", "<script>", "a\nb", "x" * 513])
def test_handshake_with_an_echo_that_could_be_a_page_is_refused(echo: str) -> None:
    with pytest.raises(Refused, match="bad_echo"):
        OfficialAccount(SAFE).handshake(SENDER.handshake(echo, at=WIRE))


# what is let in


def test_opened_message_carries_business_time_and_the_senders_stamp() -> None:
    incoming = opened_by(SAFE, SENDER.text("o_1", "体温36度8 没有症状😷", at=WIRE, msg_id="7")).incoming
    assert incoming is not None
    assert (incoming.channel, incoming.account, incoming.key) == ("wechat_official", "o_1", "m:7")
    assert (incoming.kind, incoming.text) == (Kind.TEXT, "体温36度8 没有症状😷")
    assert (incoming.received_at, incoming.sent_at) == (RECEIVED_AT, WIRE)


MATRIX: list[tuple[Mode, str | None, Mode, str | None]] = [
    ("plain", None, "plain", None),
    ("plain", None, "compat", "wrong_mode"),
    ("plain", None, "safe", "wrong_mode"),
    ("plain", KEY, "plain", None),
    ("plain", KEY, "compat", None),
    ("plain", KEY, "safe", None),
    ("compat", KEY, "plain", "wrong_mode"),
    ("compat", KEY, "compat", None),
    ("compat", KEY, "safe", None),
    ("safe", KEY, "plain", "wrong_mode"),
    ("safe", KEY, "compat", None),
    ("safe", KEY, "safe", None),
]


@pytest.mark.parametrize(("mode", "key", "pushed", "refused"), MATRIX)
def test_each_mode_lets_in_what_it_says(
    mode: Mode, key: str | None, pushed: Mode, refused: str | None
) -> None:
    settings = OfficialSettings(APP_ID, TOKEN, key, mode=mode)
    push = replace(SENDER, mode=pushed).text("o_1", "36.5", at=WIRE)
    if refused is None:
        assert said(opened_by(settings, push)) == "36.5"
    else:
        assert reason(settings, push) == refused


@pytest.mark.parametrize("form", ["raw", ""])
def test_plain_push_that_names_its_form_is_let_in(form: str) -> None:
    assert said(opened_by(PLAIN, with_parameter(plain_text(), "encrypt_type", form))) == "36.5"


def test_compat_push_is_read_from_its_encrypted_half_only() -> None:
    push = replace(SENDER, mode="compat").text("o_1", "36.5", at=WIRE)
    forged = Push(push.query, push.body.replace(b"36.5", b"39.9").replace(b"o_1", b"o_2"))
    opened = opened_by(SAFE, forged)
    assert forged.body != push.body
    assert opened.incoming is not None
    assert (opened.incoming.account, opened.incoming.text) == ("o_1", "36.5")


def test_safe_push_needs_no_plain_signature() -> None:
    assert said(opened_by(SAFE, with_parameter(safe_text(), "signature", None))) == "36.5"


def test_message_encrypted_by_wechatpy_is_opened() -> None:
    xml = to_xml(
        {"ToUserName": "gh", "FromUserName": "o", "CreateTime": "1", "MsgType": "text", "Content": "好"}
    )
    timestamp = str(int(WIRE.timestamp()))
    body = WeChatCrypto(TOKEN, KEY, APP_ID).encrypt_message(xml, "n", timestamp)
    signature = body.split("<MsgSignature><![CDATA[")[1][:40]
    query = (("encrypt_type", "aes"), ("timestamp", timestamp), ("nonce", "n"), ("msg_signature", signature))
    assert said(opened_by(SAFE, Push(query, body.encode()))) == "好"


def documented_push(body: str | None = None) -> Push:
    w5 = vectors.W5
    query = (
        ("signature", w5.signature),
        ("timestamp", w5.timestamp),
        ("nonce", w5.nonce),
        ("encrypt_type", "aes"),
        ("msg_signature", w5.msg_signature),
    )
    whole = f"<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[{w5.encrypt}]]></Encrypt></xml>"
    return Push(query, (body or whole).encode())


def test_documented_push_is_opened_as_a_kind_without_an_answer() -> None:
    settings = OfficialSettings(vectors.W5.app_id, vectors.TOKEN, vectors.AES_KEY)
    wire = datetime.fromtimestamp(int(vectors.W5.timestamp), UTC)
    opened = opened_by(settings, documented_push(), wire=wire)
    assert (opened.incoming, opened.kind) == (None, "event_other")
    assert OfficialAccount(settings).seal(None, opened, wire=wire) == b"success"


def test_documented_plain_push_passes_its_signature_and_fails_as_json() -> None:
    query = (
        ("signature", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ("timestamp", "1714037059"),
        ("nonce", "486452656"),
    )
    wire = datetime.fromtimestamp(1714037059, UTC)
    push = Push(query, b'{"ToUserName":"gh_97417a04a28d","MsgType":"event","Event":"debug_demo"}')
    assert reason(replace(PLAIN, token="AAAAA"), push, wire=wire) == "malformed_xml"


def test_report_about_notices_reaches_the_official_account_too() -> None:
    incoming = opened_by(SAFE, SENDER.consents("o_1", [("T1", "accept")], at=WIRE)).incoming
    assert incoming is not None
    assert (incoming.channel, incoming.kind) == ("wechat_official", Kind.SUBSCRIPTION)
    assert incoming.consents == (Consent("T1", given=True),)


# keys


def test_previous_key_still_opens_and_seals_the_answer() -> None:
    account = OfficialAccount(replace(SAFE, aes_key=OTHER_KEY, previous_aes_key=KEY))
    push = safe_text()
    opened = account.open(push.query, push.body, wire=WIRE, received_at=RECEIVED_AT)
    answer = SENDER.answer(account.seal(Reply.of("收到"), opened, wire=WIRE))
    assert answer is not None
    assert answer["Content"] == "收到"


def test_current_key_seals_the_answer_beside_a_previous_one() -> None:
    account = OfficialAccount(replace(SAFE, previous_aes_key=OTHER_KEY))
    push = safe_text()
    opened = account.open(push.query, push.body, wire=WIRE, received_at=RECEIVED_AT)
    answer = SENDER.answer(account.seal(Reply.of("收到"), opened, wire=WIRE))
    assert answer is not None
    assert answer["FromUserName"] == SENDER.to_user


def test_push_under_an_unknown_key_is_refused() -> None:
    push = PushSender(APP_ID, TOKEN, "B" * 43).text("o_1", "36.5" * 20, at=WIRE)
    settings = replace(SAFE, previous_aes_key=OTHER_KEY)
    assert reason(settings, push) in {"bad_padding", "bad_length", "wrong_app_id"}


# settings


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"app_id": ""}, "YIMA_WECHAT_OFFICIAL__APP_ID"),
    ({"token": ""}, "YIMA_WECHAT_OFFICIAL__TOKEN"),
    ({"aes_key": None}, "YIMA_WECHAT_OFFICIAL__AES_KEY"),
    ({"aes_key": "short"}, "YIMA_WECHAT_OFFICIAL__AES_KEY"),
    ({"previous_aes_key": "short"}, "YIMA_WECHAT_OFFICIAL__PREVIOUS_AES_KEY"),
    ({"mode": "plain", "aes_key": None, "previous_aes_key": KEY}, "YIMA_WECHAT_OFFICIAL__AES_KEY"),
    ({"mode": "open"}, "YIMA_WECHAT_OFFICIAL__MODE"),
    ({"window_seconds": 0}, "YIMA_WECHAT_OFFICIAL__WINDOW_SECONDS"),
]


@pytest.mark.parametrize(("changes", "variable"), WRONG)
def test_wrong_setting_stops_the_start_and_is_named(changes: dict[str, Any], variable: str) -> None:
    with pytest.raises(Misconfigured, match=variable):
        OfficialAccount(replace(SAFE, **changes))


def test_secrets_and_accounts_do_not_show_in_representations() -> None:
    shown = repr(SAFE) + repr(opened_by(SAFE, safe_text()).seal)
    assert not any(secret in shown for secret in (TOKEN, KEY, "o_1"))


# answers


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
def test_answer_travels_as_the_message_did(mode: Mode) -> None:
    sender = replace(SENDER, mode=mode)
    account = OfficialAccount(replace(SAFE, mode=mode))
    push = sender.text("o_1", "打卡", at=WIRE)
    opened = account.open(push.query, push.body, wire=WIRE, received_at=RECEIVED_AT)
    body = account.seal(Reply.of("今天的体温是多少？"), opened, wire=WIRE)
    answer = sender.answer(body)
    assert answer is not None
    assert (answer["ToUserName"], answer["FromUserName"]) == ("o_1", sender.to_user)
    assert (answer["MsgType"], answer["Content"]) == ("text", "今天的体温是多少？")
    assert answer["CreateTime"] == str(int(WIRE.timestamp()))
    assert ("打卡" in body.decode(), "今天" in body.decode()) == (False, mode == "plain")
    assert account.content_type(body) == "application/xml"


@pytest.mark.parametrize("reply", [None, Reply(()), Reply.of("")], ids=["none", "no parts", "no words"])
def test_nothing_to_say_is_success_without_encryption(reply: Reply | None) -> None:
    account = OfficialAccount(SAFE)
    body = account.seal(reply, opened_by(SAFE, safe_text()), wire=WIRE)
    assert body == b"success"
    assert account.content_type(body) == "text/plain"


def test_overlong_answer_is_cut_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    account = OfficialAccount(SAFE)
    opened = opened_by(SAFE, safe_text())
    with caplog.at_level(logging.WARNING):
        answer = SENDER.answer(account.seal(Reply.of("一行字\n" * 300), opened, wire=WIRE))
    assert answer is not None
    assert len(answer["Content"].encode()) <= account.limit_bytes
    assert answer["Content"].endswith("一行字\n……")
    assert account.cut_replies == 1
    assert [record.__dict__["action"] for record in caplog.records] == ["cut_reply"]


def test_sealing_again_says_the_same_under_another_nonce() -> None:
    account, opened = OfficialAccount(SAFE), opened_by(SAFE, safe_text())
    first, second = (account.seal(Reply.of("收到"), opened, wire=WIRE) for _ in range(2))
    assert first != second
    assert SENDER.answer(first) == SENDER.answer(second)
