"""The door over HTTP: who is let in, who isn't and why, and what each kind of message is answered."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import SecretStr

from bot.channels.wechat.push import Mode, Push, PushSender, to_xml
from config.settings import OfficialAccountSettings
from tests.service import AES_KEY, APP_ID, PATH, TOKEN, Service, running

OTHER_KEY = "zWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
MANY_BYTES = 70 * 1024
Make = Callable[[Service], Push]


def sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def safe(service: Service) -> Push:
    return service.sender.text("o_li", "36.5", at=service.clock.wire())


def with_query(push: Push, name: str, value: str | None) -> Push:
    kept = [pair for pair in push.query if pair[0] != name]
    return Push(tuple(kept if value is None else [*kept, (name, value)]), push.body)


def signed(service: Service, encrypt: str) -> Push:
    """Any ciphertext with a right signature."""
    stamp = str(int(service.clock.wire().timestamp()))
    query = (("timestamp", stamp), ("nonce", "1"), ("encrypt_type", "aes"))
    signature = ("msg_signature", sha1(TOKEN, stamp, "1", encrypt))
    return Push((*query, signature), f"<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode())


def badly_padded(service: Service) -> Push:
    """A block that the key opens, with a padding that the platform never writes."""
    key = b64decode(AES_KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return signed(service, b64encode(encryptor.update(b"\x63" * 64) + encryptor.finalize()).decode())


def of_another_account(service: Service) -> Push:
    other = PushSender("wx9999999999999999", TOKEN, AES_KEY)
    return other.text("o_li", "36.5", at=service.clock.wire())


def in_plain(service: Service) -> Push:
    return PushSender(APP_ID, TOKEN, mode="plain").text("o_li", "36.5", at=service.clock.wire())


def stale(service: Service) -> Push:
    return service.sender.text("o_li", "36.5", at=service.clock.wire() - timedelta(seconds=601))


def document(xml: str) -> Make:
    return lambda service: service.sender.seal_xml(xml, at=service.clock.wire())


REFUSALS: tuple[tuple[str, int, Make], ...] = (
    ("missing_signature", 403, lambda service: with_query(safe(service), "msg_signature", None)),
    ("wrong_signature", 403, lambda service: with_query(safe(service), "msg_signature", "0" * 40)),
    ("wrong_signature", 403, lambda service: with_query(safe(service), "nonce", "嗯")),
    ("wrong_mode", 403, in_plain),
    ("wrong_mode", 403, lambda service: with_query(safe(service), "encrypt_type", None)),
    ("stale_timestamp", 403, stale),
    ("bad_timestamp", 403, lambda service: signed_at(service, "yesterday")),
    ("body_too_large", 413, lambda service: Push(safe(service).query, b"<xml>" + b" " * MANY_BYTES)),
    ("doctype", 403, document('<!DOCTYPE xml [<!ENTITY a "b">]><xml><MsgType>text</MsgType></xml>')),
    ("doctype", 403, lambda service: Push(safe(service).query, b"<!DOCTYPE x SYSTEM 'x'><xml/>")),
    ("bad_base64", 403, lambda service: signed(service, "not base64!!")),
    ("bad_padding", 403, badly_padded),
    ("bad_length", 403, lambda service: signed(service, "AAAA")),
    ("wrong_app_id", 403, of_another_account),
    ("malformed_xml", 403, document("<xml><MsgType>text")),
    ("malformed_xml", 403, lambda service: Push(safe(service).query, b"\xff\xfe<xml")),
    ("malformed_xml", 403, document("<xml></xml>")),
    ("duplicate_query_key", 403, lambda service: Push((*safe(service).query, ("nonce", "2")), b"<xml/>")),
)


def signed_at(service: Service, timestamp: str) -> Push:
    encrypt = service.sender.encrypt(b"<xml></xml>")
    query = (("timestamp", timestamp), ("nonce", "1"), ("encrypt_type", "aes"))
    signature = ("msg_signature", sha1(TOKEN, timestamp, "1", encrypt))
    return Push((*query, signature), f"<xml><Encrypt>{encrypt}</Encrypt></xml>".encode())


async def test_everything_that_is_not_the_platforms_is_refused_counted_and_leaves_nothing(
    database_url: str,
) -> None:
    async with running(database_url) as service:
        for reason, status, make in REFUSALS:
            sample = f'yima_refusals_total{{door="wechat_official",reason="{reason}"}}'
            before = await service.metric(sample)
            assert await service.post(make(service)) == (status, b""), reason
            assert await service.metric(sample) == before + 1, reason
        assert not any((await service.stored()).values())


async def test_handshake_is_echoed_only_with_its_signature(database_url: str) -> None:
    async with running(database_url) as service:
        query = list(service.sender.handshake("1234567890", at=service.clock.wire()))
        shaken = await service.client.get(PATH, params=query)
        assert (shaken.status, shaken.content_type, await shaken.text()) == (200, "text/plain", "1234567890")
        forged = [(name, "0" * 40 if name == "signature" else value) for name, value in query]
        markup = list(service.sender.handshake("<script>", at=service.clock.wire()))
        for wrong in (forged, query[1:], [*query, query[0]], markup):
            assert (await service.client.get(PATH, params=wrong)).status == 403
        assert (await service.client.put(PATH, params=query)).status == 405


@pytest.mark.parametrize("mode", ["plain", "compat"])
async def test_plain_and_compat_accounts_are_answered_as_they_ask(database_url: str, mode: Mode) -> None:
    key = AES_KEY if mode == "compat" else ""
    channel = OfficialAccountSettings(
        app_id=APP_ID, token=SecretStr(TOKEN), aes_key=SecretStr(key), mode=mode
    )
    async with running(database_url, wechat_official=channel) as service:
        service.sender = PushSender(APP_ID, TOKEN, key or None, mode=mode)
        assert "同意" in await service.say("o_li", "你好")
        _, body = await service.post(service.sender.text("o_li", "同意", at=service.clock.wire()))
        assert (b"<Encrypt>" in body) == (mode == "compat")
        assert (await service.stored())["accounts"][0]["consent"] == "given"
        if mode == "plain":  # a channel without a key takes nothing encrypted
            encrypted = PushSender(APP_ID, TOKEN, AES_KEY).text("o_li", "36.5", at=service.clock.wire())
            assert (await service.post(encrypted))[0] == 403


async def test_key_before_the_current_one_still_opens_and_seals_while_it_is_changed(
    database_url: str,
) -> None:
    channel = OfficialAccountSettings(
        app_id=APP_ID,
        token=SecretStr(TOKEN),
        aes_key=SecretStr(OTHER_KEY),
        previous_aes_key=SecretStr(AES_KEY),
    )
    async with running(database_url, wechat_official=channel) as service:
        assert "同意" in await service.say("o_li", "你好")
        service.sender = PushSender(APP_ID, TOKEN, OTHER_KEY)
        assert "申报" in await service.say("o_li", "同意")
        service.sender = PushSender(APP_ID, TOKEN, secrets.token_hex(22)[:42] + "A")
        assert (await service.post(service.sender.text("o_li", "1", at=service.clock.wire())))[0] == 403


async def test_unknown_kinds_of_messages_are_taken_counted_and_not_answered(database_url: str) -> None:
    async with running(database_url) as service:
        wire = service.clock.wire()
        for kind, message_type in (("link", "link"), ("shortvideo", "shortvideo"), ("other", "hologram")):
            push = service.sender.message("o_li", message_type, {"Title": "x"}, at=wire)
            assert await service.post(push) == (200, b"success")
            sample = f'yima_unknown_messages_total{{channel="wechat_official",kind="{kind}"}}'
            assert await service.metric(sample) == 1
        event = service.sender.event("o_li", "TEMPLATESENDJOBFINISH", at=wire)
        assert await service.post(event) == (200, b"success")
        assert not any((await service.stored()).values())


async def test_every_kind_of_message_and_event_has_its_answer(database_url: str) -> None:
    async with running(database_url) as service:
        wire, sender = service.clock.wire(), service.sender
        assert "同意" in await service.event("o_li", "subscribe", "qrscene_42")
        await service.declare("o_li", codes="穗康码")
        assert "体温 36.8 °C" in await service.answer(sender.voice("o_li", "三十六度八。", at=wire))
        assert "没有转成文字" in await service.answer(sender.voice("o_li", None, at=wire))
        assert "没有转成文字" in await service.answer(sender.voice("o_li", "", at=wire))
        picture = await service.answer(sender.image("o_li", "http://127.0.0.1/picture", at=wire))
        assert "看不了图片" in picture
        shared = sender.location("o_li", "30.55", "114.30", "湖北省武汉市武昌区和平大道", at=wire)
        assert "武昌区" in await service.answer(shared)
        nowhere = sender.location("o_li", "0", "0", at=wire)
        assert "看不出" in await service.answer(nowhere)
        assert "穗康码" in await service.event("o_li", "CLICK", "CODES")
        assert "穗康码" in await service.event("o_li", "CLICK", "WHY")
        for event, key in (("CLICK", "another menu's"), ("SCAN", "42"), ("VIEW", "http://127.0.0.1/")):
            assert await service.event("o_li", event, key) == ""
        assert await service.event("o_li", "unsubscribe") == ""
        malformed = {"ToUserName": "gh", "FromUserName": "o_li", "CreateTime": "x", "MsgType": "text"}
        assert (await service.post(sender.seal_xml(to_xml(malformed), at=wire)))[0] == 403
        answered = 'yima_messages_total{channel="wechat_official",kind="voice",outcome="answered"}'
        assert await service.metric(answered) == 3


async def test_words_that_could_break_the_answer_come_back_harmless(database_url: str) -> None:
    async with running(database_url) as service:
        await service.talk("o_li", "你好", "同意", "申报")
        for text in ("]]><Content>x</Content>", "\x0b\x00 ", "", " " * 2000, "字" * 2000, "<!DOCTYPE xml>"):
            assert "姓名" in await service.say("o_li", text)
