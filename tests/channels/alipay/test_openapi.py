"""Requests as the platform gets them, and secrets that stay where they are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.alipay.answers import AnswerUnusable, PlatformRefused
from bot.channels.alipay.openapi import AlipayApi, is_user_id
from bot.channels.http import CallFailed
from bot.errors import Misconfigured
from tests.channels.alipay.door import AES_KEY, APP_ID, OTHERS, USER
from tests.channels.alipay.platform import SETTINGS, TAKEN, Said, ScriptedPlatform, api_of, refusal
from tests.fakes.clock import FakeClock

OPEN_ID = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5"
SECURED = replace(SETTINGS, aes_key=AES_KEY)


async def test_what_every_call_has_is_in_the_query_in_beijing_time() -> None:
    platform = ScriptedPlatform()
    await api_of(platform, FakeClock()).send_text(USER, "好", chat=True)
    (call,) = platform.calls
    assert {name: value for name, value in call.query.items() if name != "sign"} == {
        "app_id": APP_ID,
        "method": "alipay.open.public.message.custom.send",
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": "2020-02-20 09:00:00",
        "version": "1.0",
    }
    assert list(call.form) == ["biz_content"]


async def test_time_of_a_request_is_real_time() -> None:
    class Shifted(FakeClock):
        def now(self) -> Any:
            return self.at + timedelta(days=30)

    platform = ScriptedPlatform()
    await api_of(platform, Shifted()).send_text(USER, "好", chat=True)
    assert platform.calls[0].query["timestamp"] == "2020-02-20 09:00:00"


async def test_text_is_sent_to_a_user_id_or_an_open_id() -> None:
    platform = ScriptedPlatform()
    api = api_of(platform, FakeClock())
    await api.send_text(USER, '您好 "}/\\', chat=True)
    await api.send_text(OPEN_ID, "b", chat=False)
    text = {"msg_type": "text", "text": {"content": '您好 "}/\\'}}
    assert platform.calls[0].content == {"to_user_id": USER, **text, "chat": "1"}
    assert platform.calls[1].content == {"open_id": OPEN_ID, "msg_type": "text", "text": {"content": "b"}}


async def test_template_is_filled_with_text_of_json() -> None:
    platform = ScriptedPlatform()
    api = api_of(platform, FakeClock())
    for address in (USER, OPEN_ID):
        await api.send_template(
            address, "T1", {"keyword1": "绿码", "keyword2": "“"}, form="F1", page="pages/i?x=1"
        )
    common = {"form_id": "F1", "user_template_id": "T1", "page": "pages/i?x=1"}
    data = platform.calls[0].content.pop("data")
    first, second = platform.calls[0].content, platform.calls[1].content
    assert json.loads(data) == {"keyword1": {"value": "绿码"}, "keyword2": {"value": "“"}}
    assert first == {"to_user_id": USER, **common, "data": data}
    assert second == {"to_open_id": OPEN_ID, **common, "data": data}


async def test_code_is_exchanged_by_parameters_of_its_own() -> None:
    platform = ScriptedPlatform(Said({"user_id": USER, "access_token": "secret"}))
    answer = await api_of(platform, FakeClock(), SECURED).exchange_code("code+1/=")
    assert answer["user_id"] == USER
    assert platform.calls[0].method == "alipay.system.oauth.token"
    assert platform.calls[0].form == {"grant_type": "authorization_code", "code": "code+1/="}
    assert "encrypt_type" not in platform.calls[0].query


async def test_content_is_encrypted_first_and_signed_then() -> None:
    platform = ScriptedPlatform(replace(TAKEN, encrypted=True))
    await api_of(platform, FakeClock(), SECURED).send_text(USER, "密", chat=True)
    (call,) = platform.calls
    assert call.query["encrypt_type"] == "AES"
    assert "密" not in call.form["biz_content"]
    assert call.content["text"] == {"content": "密"}


async def test_half_a_character_is_sent_as_a_question_mark() -> None:
    platform = ScriptedPlatform()
    await api_of(platform, FakeClock()).send_text(USER, "a\ud83d", chat=True)
    assert platform.calls[0].content["text"] == {"content": "a?"}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (refusal("40004", "X"), PlatformRefused),
        (replace(TAKEN, key=OTHERS), AnswerUnusable),
        (replace(TAKEN, key=None), AnswerUnusable),
        (b"<html>", AnswerUnusable),
        (CallFailed("http_502", written=True, status=502), CallFailed),
    ],
)
async def test_every_failure_is_told_by_its_class(said: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        await api_of(ScriptedPlatform(said), FakeClock()).send_text(USER, "好", chat=True)


async def test_closing_lets_go_of_the_connections() -> None:
    platform = ScriptedPlatform()
    await api_of(platform, FakeClock()).close()
    assert platform.closed


@pytest.mark.parametrize(
    ("address", "known"),
    [
        (USER, True),
        (OPEN_ID, False),
        ("2088", False),
        ("1088000000000001", False),
        ("2088００００００００００01", False),
    ],
)
def test_user_ids_are_told_from_open_ids(address: str, known: bool) -> None:
    assert is_user_id(address) is known


@pytest.mark.parametrize(
    ("wrong", "variable"),
    [
        ({"app_id": ""}, "APP_ID"),
        ({"gateway_url": ""}, "GATEWAY_URL"),
        ({"private_key": "secret"}, "PRIVATE_KEY_FILE"),
        ({"alipay_public_key": "secret"}, "ALIPAY_PUBLIC_KEY_FILE"),
        ({"aes_key": "secret"}, "AES_KEY"),
    ],
)
def test_wrong_settings_are_named_and_never_shown(wrong: dict[str, str], variable: str) -> None:
    with pytest.raises(Misconfigured, match=f"YIMA_ALIPAY__{variable}") as refused:
        AlipayApi(ScriptedPlatform(), replace(SETTINGS, **wrong), clock=FakeClock())  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


def test_secrets_never_show_in_the_representation_of_settings() -> None:
    shown = repr(SECURED)
    assert AES_KEY not in shown
    assert "PRIVATE" not in shown
    assert "PUBLIC" not in shown
