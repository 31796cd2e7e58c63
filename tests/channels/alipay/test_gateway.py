"""What the gateway lets in, and the bytes with which it answers."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.alipay.gateway import AlipayGateway, CheckFailed, content_type
from bot.errors import Misconfigured, Refused
from bot.message import Kind
from tests.channels.alipay.door import (
    AES_KEY,
    APP_ID,
    GATEWAY,
    OTHERS,
    OURS,
    SENDER,
    SETTINGS,
    USER,
    WIRE,
    Sender,
    bare,
    encode,
    event_xml,
    opened,
    public_pem,
    reason,
    sealed,
    text_xml,
    verify,
)

WRAPPER = re.compile(
    rb'<\?xml version="1.0" encoding="([A-Z0-9-]+)"\?><alipay><response>(.*)</response>'
    rb"<sign>([A-Za-z0-9+/=]+)</sign><sign_type>RSA2</sign_type></alipay>"
)
SECURED = AlipayGateway(replace(SETTINGS, aes_key=AES_KEY))
PUBLIC_KEY = bare(public_pem(OURS))
CHARSETS = ["GBK", "UTF-8", "GB18030"]


def unwrapped(body: bytes) -> tuple[str, str]:
    """Charset and content of a signed answer, whose signature is right."""
    found = WRAPPER.fullmatch(body)
    assert found is not None
    verify(OURS, found[2], found[3].decode())
    return found[1].decode(), found[2].decode()


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("rule", [1, 2])
def test_passed_check_is_answered_with_our_signed_public_key(charset: str, rule: int) -> None:
    found = opened(Sender(rule=rule, charset=charset).check())
    body, kind = GATEWAY.acknowledge(found, wire=WIRE)
    inner = f"<success>true</success><biz_content>{PUBLIC_KEY}</biz_content>"
    assert (found.kind, found.incoming, found.key) == ("check", None, "")
    assert unwrapped(body) == (charset, inner)
    assert kind == f"text/xml; charset={charset}"


@pytest.mark.parametrize("charset", CHARSETS)
def test_failed_check_is_told_so_in_a_signed_answer(charset: str) -> None:
    with pytest.raises(CheckFailed) as refused:
        opened(Sender(charset=charset, key=OTHERS).check())
    inner = f"<success>false</success><error_code>VERIFY_FAILED</error_code><biz_content>{PUBLIC_KEY}</biz_content>"
    assert refused.value.reason == "wrong_signature"
    assert unwrapped(GATEWAY.refuse(refused.value)) == (charset, inner)
    assert content_type(refused.value.charset) == f"text/xml; charset={charset}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (SENDER.check("2021000000000002"), "wrong_app_id"),
        (SENDER.form({"service": "alipay.service.check", "biz_content": "<XML>"}), "malformed_xml"),
        (SENDER.form({"service": "alipay.service.check"}), "malformed_xml"),
        (b"service=alipay.service.check", "missing_signature"),
        (Sender(sign_type="RSA").check(), "wrong_sign_type"),
    ],
)
def test_every_wrong_check_is_a_failed_check(body: bytes, why: str) -> None:
    with pytest.raises(CheckFailed) as refused:
        opened(body)
    assert refused.value.reason == why


def test_other_refusals_are_answered_with_nothing() -> None:
    with pytest.raises(Refused) as refused:
        opened(Sender(key=OTHERS).message(text_xml()))
    assert GATEWAY.refuse(refused.value) == b""


def test_check_made_years_ago_is_still_a_check() -> None:
    assert opened(SENDER.check(), wire=WIRE + timedelta(days=1000)).kind == "check"


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("rule", [1, 2])
def test_message_is_read_in_its_charset_and_acknowledged_in_it(charset: str, rule: int) -> None:
    found = opened(Sender(rule=rule, charset=charset).message(text_xml("咳嗽，37.5度")))
    assert found.incoming is not None
    assert (found.incoming.text, found.kind) == ("咳嗽，37.5度", "text")
    body, kind = GATEWAY.acknowledge(found, wire=WIRE + timedelta(milliseconds=5))
    inner = (
        f"<XML><ToUserId><![CDATA[{USER}]]></ToUserId><AppId><![CDATA[{APP_ID}]]></AppId>"
        "<CreateTime>1582160400005</CreateTime><MsgType><![CDATA[ack]]></MsgType></XML>"
    )
    assert unwrapped(body) == (charset, inner)
    assert kind == f"text/xml; charset={charset}"


def test_message_of_an_unknown_kind_is_acknowledged_too() -> None:
    body, _ = GATEWAY.acknowledge(opened(SENDER.message(event_xml("made_up"))), wire=WIRE)
    assert USER in unwrapped(body)[1]


def test_message_without_a_charset_is_read_as_gbk() -> None:
    parameters = SENDER.signed(
        {"service": "alipay.mobile.public.message.notify", "biz_content": text_xml("中")}
    )
    del parameters["charset"]
    body = Sender(charset="GBK").form({**parameters, "charset": ""})
    found = opened(body)
    assert found.incoming is not None
    assert (found.incoming.text, found.charset.name) == ("中", "GBK")


def test_weak_signatures_count_only_where_they_are_configured() -> None:
    weak = Sender(sign_type="RSA").message(text_xml())
    assert reason(weak) == "wrong_sign_type"
    lenient = AlipayGateway(replace(SETTINGS, sign_types=("RSA2", "RSA")))
    assert opened(weak, gateway=lenient).kind == "text"


def test_every_changed_parameter_is_refused() -> None:
    signed = SENDER.signed(
        {"service": "alipay.mobile.public.message.notify", "biz_content": text_xml(), "version": "1.0"}
    )
    for name in ("service", "biz_content", "version", "charset"):
        other = "GB18030" if name == "charset" else f"{signed[name]}x"
        assert reason(encode({**signed, name: other}, "GBK")) == "wrong_signature"


@pytest.mark.parametrize("seconds", [-601, 601])
def test_message_outside_of_the_window_is_stale(seconds: int) -> None:
    assert reason(SENDER.message(text_xml()), wire=WIRE + timedelta(seconds=seconds)) == "stale_timestamp"


def test_message_at_the_edge_of_the_configured_window_is_fresh() -> None:
    narrow = AlipayGateway(replace(SETTINGS, window_seconds=5))
    body = SENDER.message(text_xml())
    assert opened(body, gateway=narrow, wire=WIRE + timedelta(seconds=5)).kind == "text"
    assert reason(body, gateway=narrow, wire=WIRE + timedelta(seconds=6)) == "stale_timestamp"


def test_message_for_another_app_is_refused() -> None:
    assert reason(SENDER.message(text_xml(AppId="2021000000000002"))) == "wrong_app_id"
    assert reason(SENDER.message(text_xml(AppId=""))) == "wrong_app_id"
    parameters = {"service": "alipay.mobile.public.message.notify", "biz_content": text_xml()}
    assert reason(SENDER.form({**parameters, "app_id": "2021000000000002"})) == "wrong_app_id"
    assert opened(SENDER.form({**parameters, "app_id": APP_ID})).kind == "text"


def test_bombs_are_refused_inside_of_a_right_signature() -> None:
    bomb = '<!DOCTYPE XML [<!ENTITY a "aaaa">]><XML><Text><Content>&a;</Content></Text></XML>'
    assert reason(SENDER.message(bomb)) == "doctype"


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("alipay.open.auth.userauth.cancelled", "notification_userauth_cancelled"),
        ("alipay.open.auth.appauth.cancelled", "notification_appauth_cancelled"),
        ("alipay.open.mini.version.audit.passed", "notification_version_passed"),
        ("alipay.open.made.up", "notification_other"),
    ],
)
def test_notification_is_counted_by_name_and_taken_with_a_word(method: str, kind: str) -> None:
    found = opened(SENDER.notification(method))
    assert (found.incoming, found.kind, found.key) == (None, kind, "n:2020022000000001")
    assert GATEWAY.acknowledge(found, wire=WIRE) == (b"success", "text/plain")


def test_encrypted_notification_is_verified_and_then_opened() -> None:
    content = sealed('{"user_id":"2088"}'.encode("gbk"))
    body = SENDER.notification(biz_content=content, encrypt_type="AES")
    assert opened(body, gateway=SECURED).kind == "notification_userauth_cancelled"
    assert reason(
        Sender(key=OTHERS).notification(biz_content=content, encrypt_type="AES"), gateway=SECURED
    ) == ("wrong_signature")


def test_encrypted_message_is_opened_like_a_plain_one() -> None:
    biz_content = sealed(text_xml("中文").encode("gbk"))
    parameters = {
        "service": "alipay.mobile.public.message.notify",
        "encrypt_type": "AES",
        "biz_content": biz_content,
    }
    found = opened(SENDER.form(parameters), gateway=SECURED)
    assert found.incoming is not None
    assert (found.incoming.kind, found.incoming.text) == (Kind.TEXT, "中文")


def test_unreadable_encryption_is_refused_for_one_reason_each() -> None:
    for content in ("", "AAAA", sealed(b"{}")[:-4]):
        body = SENDER.notification(biz_content=content, encrypt_type="AES")
        assert reason(body, gateway=SECURED) == "bad_ciphertext"
    garbled = SENDER.notification(biz_content=sealed(b"\xff\xff"), encrypt_type="AES")
    assert reason(garbled, gateway=SECURED) == "wrong_charset"
    assert reason(SENDER.notification(encrypt_type="DES"), gateway=SECURED) == "wrong_mode"
    assert reason(SENDER.notification(encrypt_type="AES")) == "wrong_mode"


def test_notification_is_taken_as_long_as_it_is_repeated() -> None:
    body = SENDER.notification()
    assert opened(body, wire=WIRE + timedelta(hours=25)).kind == "notification_userauth_cancelled"
    assert reason(body, wire=WIRE + timedelta(hours=26, seconds=1)) == "stale_timestamp"
    assert reason(body, wire=WIRE - timedelta(seconds=601)) == "stale_timestamp"
    assert reason(SENDER.notification(utc_timestamp="soon")) == "bad_timestamp"


def test_notification_without_a_time_is_known_by_its_id() -> None:
    assert opened(SENDER.notification(utc_timestamp=""), wire=WIRE + timedelta(days=9)).key


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"notify_id": ""}, "missing_notify_id"),
        ({"notify_id": "a b"}, "missing_notify_id"),
        ({"notify_id": "x" * 129}, "missing_notify_id"),
        ({"biz_content": "{"}, "malformed_json"),
        ({"biz_content": "[]"}, "malformed_json"),
        ({"biz_content": "[" * 20_000}, "malformed_json"),
        ({"biz_content": '{"app_id":"2021000000000002"}'}, "wrong_app_id"),
        ({"app_id": "2021000000000002"}, "wrong_app_id"),
        ({"app_id": "", "biz_content": '{"app_id":7}'}, "wrong_app_id"),
    ],
)
def test_notification_that_is_not_whole_is_refused(more: dict[str, Any], why: str) -> None:
    assert reason(SENDER.notification(**more)) == why


def test_other_services_are_taken_with_a_word_and_nothings_are_refused() -> None:
    found = opened(SENDER.form({"service": "alipay.open.servicemarket.order.notify", "app_id": APP_ID}))
    assert (found.kind, found.incoming) == ("service_other", None)
    assert GATEWAY.acknowledge(found, wire=WIRE) == (b"success", "text/plain")
    assert reason(SENDER.form({"service": "alipay.made.up", "app_id": "2021"})) == "wrong_app_id"
    assert reason(SENDER.form({"app_id": APP_ID})) == "missing_service"


@pytest.mark.parametrize(
    ("wrong", "variable"),
    [
        ({"app_id": ""}, "APP_ID"),
        ({"app_id": "2021]]>"}, "APP_ID"),
        ({"private_key": "secret"}, "PRIVATE_KEY_FILE"),
        ({"alipay_public_key": "secret"}, "ALIPAY_PUBLIC_KEY_FILE"),
        ({"aes_key": "secret"}, "AES_KEY"),
        ({"sign_types": ("secret",)}, "SIGN_TYPES"),
        ({"window_seconds": 0}, "WINDOW_SECONDS"),
    ],
)
def test_wrong_settings_are_named_and_never_shown(wrong: dict[str, Any], variable: str) -> None:
    with pytest.raises(Misconfigured, match=f"YIMA_ALIPAY__{variable}") as refused:
        AlipayGateway(replace(SETTINGS, **wrong))
    assert "secret" not in str(refused.value)


def test_secrets_never_show_in_the_representation_of_settings() -> None:
    shown = repr(replace(SETTINGS, aes_key=AES_KEY))
    assert shown == f"AlipayGatewaySettings(app_id='{APP_ID}', sign_types=('RSA2',), window_seconds=600)"
