"""The platform's side of Alipay's callbacks does what its documentation says."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from tests.fakes.alipay_notifier import (
    MESSAGE_RETRIES,
    NOTICE_RETRIES,
    AlipayNotifier,
    BadAcknowledgement,
    Push,
)
from tests.fakes.alipay_signing import decrypt, key_of, notice_string, public_base64, signature, verifies
from tests.fakes.clock import FakeClock

PLATFORM, APP = key_of("platform"), key_of("app")
AES_KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="


def notifier(**given: object) -> AlipayNotifier:
    settings: dict[str, object] = {
        "app_id": "2021000000000001",
        "platform_key": PLATFORM,
        "app_public_key": APP.public_key(),
        "clock": FakeClock(),
    }
    return AlipayNotifier(**{**settings, **given})  # type: ignore[arg-type]  # what a test varies


def received(push: Push, charset: str) -> dict[str, str]:
    return dict(
        parse_qsl(push.body.decode("ascii"), keep_blank_values=True, encoding=charset, errors="strict")
    )


def acknowledgement(inner: str, *, charset: str = "GBK", key: str = "app", declared: str = "") -> bytes:
    content = inner.encode(charset)
    signed = signature(key_of(key), content)
    head = f'<?xml version="1.0" encoding="{declared or charset}"?><alipay><response>'.encode()
    return head + content + f"</response><sign>{signed}</sign><sign_type>RSA2</sign_type></alipay>".encode()


def test_sign_string_is_the_one_of_the_documents() -> None:
    params = {
        "app_id": "2021",
        "method": "m",
        "sign_type": "RSA2",
        "empty": "",
        "b": "2",
        "a": "1 +中",
        "sign": "x",
    }
    assert notice_string(params, 2) == "a=1 +中&app_id=2021&b=2&method=m&sign_type=RSA2"
    assert notice_string(params, 1) == "a=1 +中&app_id=2021&b=2&method=m"


@pytest.mark.parametrize("charset", ["GBK", "UTF-8"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sign_type", ["RSA2", "RSA"])
def test_signature_covers_the_bytes_of_the_charset(charset: str, version: int, sign_type: str) -> None:
    push = notifier(charset=charset, version=version, sign_type=sign_type).text(
        "2088", "我今天 36.5 度 & 没有咳嗽"
    )
    params = received(push, charset)
    content = notice_string(params, version).encode(charset)
    assert "我今天 36.5 度 & 没有咳嗽" in params["biz_content"]
    assert verifies(PLATFORM.public_key(), content, params["sign"], sign_type)
    other = notice_string(params, 3 - version).encode(charset)
    assert not verifies(PLATFORM.public_key(), other, params["sign"], sign_type)


def test_text_outside_of_the_charset_is_signed_as_it_is_sent() -> None:
    params = received(notifier().text("2088", "好😷"), "GBK")
    assert "好?" in params["biz_content"]
    assert verifies(PLATFORM.public_key(), notice_string(params, 2).encode("GBK"), params["sign"])


def test_every_message_names_its_person_and_its_time() -> None:
    fake = notifier()
    for push in (
        fake.text("2088", "你好"),
        fake.image("2088", "M1"),
        fake.follow("2088", scene="gate"),
        fake.unfollow("2088"),
        fake.enter("2088"),
        fake.click("2088", "codes"),
    ):
        xml = push.params["biz_content"]
        assert "<FromAlipayUserId><![CDATA[2088]]></FromAlipayUserId>" in xml
        assert "<CreateTime><![CDATA[1582160400000]]></CreateTime>" in xml


def test_text_cannot_close_its_own_element() -> None:
    xml = notifier().text("2088", "]]><MsgType>").params["biz_content"]
    assert "]]]]><![CDATA[><MsgType>" in xml


def test_sealed_notification_signs_what_is_sealed() -> None:
    push = notifier(charset="UTF-8", aes_key=AES_KEY, version=1).notification(
        "a.b", {"名": 1}, notify_id="n1"
    )
    params = received(push, "UTF-8")
    assert params["encrypt_type"] == "AES"
    assert json.loads(decrypt(params["biz_content"], AES_KEY)) == {"名": 1}
    assert verifies(PLATFORM.public_key(), notice_string(params, 1).encode(), params["sign"])


def test_answer_to_a_check_is_read_after_its_signature() -> None:
    inner = f"<success>true</success><biz_content>{public_base64(APP.public_key())}</biz_content>"
    said = notifier().read(acknowledgement(inner))
    assert said.success
    assert said.public_key == public_base64(APP.public_key())


def test_failed_check_says_its_code() -> None:
    said = notifier().read(acknowledgement("<success>false</success><error_code>VERIFY_FAILED</error_code>"))
    assert (said.success, said.error_code) == (False, "VERIFY_FAILED")


def test_answer_to_a_message_shows_its_fields() -> None:
    inner = "<XML><ToUserId><![CDATA[2088]]></ToUserId><MsgType><![CDATA[ack]]></MsgType></XML>"
    assert notifier().read(acknowledgement(inner)).fields == {"ToUserId": "2088", "MsgType": "ack"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"success", "not an answer"),
        (acknowledgement("<success>true</success>", key="somebody else"), "wrong signature"),
        (acknowledgement("<success>true</success>").replace(b"true", b"TRUE"), "wrong signature"),
        (acknowledgement("<success>true</success>", declared="UTF-8"), "another charset"),
        (acknowledgement("<success>yes</success>"), "neither true nor false"),
        (acknowledgement("<success>true</success><biz_content>AAAA</biz_content>"), "another public key"),
    ],
)
def test_wrong_answer_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(BadAcknowledgement, match=reason):
        notifier().read(body)


async def test_notification_is_repeated_on_its_schedule_until_success() -> None:
    clock, bodies = FakeClock(), []
    began = clock.at

    async def post(push: Push) -> tuple[int, bytes]:
        bodies.append(push.body)
        if len(bodies) == 1:
            raise TimeoutError
        return 200, b"success" if len(bodies) == 4 else b"fail"

    async def wait(pause: timedelta) -> None:
        clock.advance(pause)

    fake = notifier(clock=clock)
    delivery = await fake.deliver(post, fake.notification("a.b", {}), wait)
    assert (delivery.attempts, delivery.accepted) == (4, True)
    assert clock.at - began == timedelta(minutes=24)
    assert len(set(bodies)) == 1


@pytest.mark.parametrize("answer", [(500, b"success"), (200, b"success\n"), (200, b"ok")])
async def test_notification_without_success_is_given_up_after_eight_times(answer: tuple[int, bytes]) -> None:
    waited: list[timedelta] = []

    async def post(push: Push) -> tuple[int, bytes]:
        return answer

    async def wait(pause: timedelta) -> None:
        waited.append(pause)

    fake = notifier()
    delivery = await fake.deliver(post, fake.notification("a.b", {}), wait)
    assert (delivery.attempts, delivery.accepted) == (8, False)
    assert waited == list(NOTICE_RETRIES)
    assert sum(waited, timedelta(0)) == timedelta(hours=24, minutes=24)


async def test_message_is_repeated_like_those_of_other_platforms() -> None:
    async def post(push: Push) -> tuple[int, bytes]:
        return 503, b""

    async def wait(pause: timedelta) -> None:
        assert pause == timedelta(0)

    fake = notifier()
    assert (await fake.deliver(post, fake.text("2088", "你好"), wait)).attempts == 1 + len(MESSAGE_RETRIES)


async def test_check_is_not_passed_by_a_bare_success() -> None:
    fake = notifier()
    assert not fake.accepts(fake.check(), 200, b"success")
    assert fake.accepts(fake.text("2088", "你好"), 200, b"success")
