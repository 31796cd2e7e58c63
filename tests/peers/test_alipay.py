"""Third parties keep Alipay's fakes and the channel honest: the official Node client, Node, OpenSSL, and a Python client.

The real clock is used: their timestamps are their own.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from bot.channels.alipay.form import read_form
from bot.channels.alipay.openapi import AlipayApi, AlipayApiSettings
from bot.channels.alipay.signing import OnePublicKey, Signer, Verifier
from bot.channels.http import HttpCaller
from bot.clock import Clock
from bot.errors import Refused
from tests.fakes.alipay_gateway import AWKWARD, BEIJING, TIMESTAMP, FakeAlipayGateway
from tests.fakes.alipay_notifier import AlipayNotifier, Push
from tests.fakes.alipay_signing import (
    encrypt,
    key_of,
    notice_string,
    private_pem,
    public_base64,
    public_pem,
    request_string,
    signature,
)
from tests.peers.processes import Runner

PLATFORM, APP = key_of("platform"), key_of("app")
APP_ID = "2021000000000001"
AES_KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="
SEND = "alipay.open.public.message.custom.send"
TEMPLATE = "alipay.open.app.mini.templatemessage.send"
LOGIN = "alipay.system.oauth.token"
WORDS = '今天 36.5 度 & 没有 "咳嗽" } {/\\ +'
HASHES = {"RSA2": "sha256", "RSA": "sha1"}

Node = Callable[..., Runner]
Environment = Callable[[str], Runner]


@pytest.fixture
async def gateway() -> AsyncIterator[FakeAlipayGateway]:
    fake = FakeAlipayGateway(
        app_id=APP_ID, app_public_key=APP.public_key(), platform_key=PLATFORM, clock=Clock(), aes_key=AES_KEY
    )
    async with fake:
        fake.apis.follow("2088000000000001")
        fake.apis.add_template("T1", "keyword1")
        yield fake


def config(**given: str) -> dict[str, str]:
    return {
        "appId": APP_ID,
        "privateKey": private_pem(APP),
        "alipayPublicKey": public_base64(PLATFORM.public_key()),
        "encryptKey": AES_KEY,
        **given,
    }


def call(
    gateway: FakeAlipayGateway, method: str, params: Mapping[str, Any], **options: bool
) -> dict[str, Any]:
    return {
        "config": config(gateway=gateway.url),
        "method": method,
        "params": params,
        "options": {"validateSign": True, **options},
    }


def words(user: str = "2088000000000001") -> dict[str, Any]:
    return {"to_user_id": user, "msg_type": "text", "text": {"content": WORDS}, "chat": "1"}


def own_request(given: Mapping[str, str]) -> dict[str, str]:
    params = {
        "app_id": APP_ID,
        "method": SEND,
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": Clock().wire().astimezone(BEIJING).strftime(TIMESTAMP),
        "version": "1.0",
        **given,
    }
    return {**params, "sign": signature(APP, request_string(params).encode())}


# the official client and the fake gateway


async def test_official_client_sends_and_verifies_the_answer(gateway: FakeAlipayGateway, node: Node) -> None:
    gateway.apis.contact("2088000000000001", "chat")
    [said] = await node("alipay-sdk").ask("alipay_client.mjs", [call(gateway, SEND, {"bizContent": words()})])
    assert said["node"]["code"] == "10000"
    assert said["node"]["unknown_to_clients"] == AWKWARD
    assert [message.text for message in gateway.sent] == [WORDS]


async def test_official_client_logs_in_once_per_code(gateway: FakeAlipayGateway, node: Node) -> None:
    code = gateway.apis.authorize("2088000000000001")
    gateway.signs_errors = False
    asked = call(gateway, LOGIN, {"grantType": "authorization_code", "code": code})
    again = {**asked, "options": {"validateSign": False}}
    first, second = await node("alipay-sdk").ask("alipay_client.mjs", [asked, again])
    assert first["node"]["user_id"] == "2088000000000001"
    assert second["node"]["sub_code"] == "isv.code-invalid"


async def test_official_client_fills_a_template(gateway: FakeAlipayGateway, node: Node) -> None:
    content = {
        "to_user_id": "2088000000000001",
        "form_id": gateway.apis.submit_form("2088000000000001"),
        "user_template_id": "T1",
        "page": "pages/codes",
        "data": json.dumps({"keyword1": {"value": "由绿变黄"}}, ensure_ascii=False),
    }
    asked = call(gateway, TEMPLATE, {"bizContent": content})
    first, second = await node("alipay-sdk").ask("alipay_client.mjs", [asked, asked])
    assert first["node"]["code"] == "10000"
    assert (second["node"]["code"], second["node"]["sub_code"]) == ("40004", "FORM_ID_OVER_TIME")
    assert gateway.sent[0].values == {"keyword1": "由绿变黄"}


async def test_official_client_sees_a_refusal_and_its_signature(
    gateway: FakeAlipayGateway, node: Node
) -> None:
    asked = call(gateway, SEND, {"bizContent": words("2088000000000009")})
    [said] = await node("alipay-sdk").ask("alipay_client.mjs", [asked])
    assert said["node"]["sub_code"] == "PUB.MSG_SD_NOFOLLOW"
    assert said["node"]["sub_msg"].endswith(AWKWARD)


async def test_official_client_refuses_a_forged_answer(gateway: FakeAlipayGateway, node: Node) -> None:
    gateway.forge()
    asked = call(gateway, SEND, {"bizContent": words()})
    [said] = await node("alipay-sdk").ask("alipay_client.mjs", [asked])
    assert said["error"] == "AlipayRequestError"
    assert "验签失败" in said["message"]


async def test_official_client_calls_a_proxy_page_an_error(gateway: FakeAlipayGateway, node: Node) -> None:
    gateway.answer_html(502)
    [said] = await node("alipay-sdk").ask("alipay_client.mjs", [call(gateway, SEND, {"bizContent": words()})])
    assert said["error"] == "AlipayRequestError"
    assert "502" in said["message"]


async def test_official_client_seals_and_opens(gateway: FakeAlipayGateway, node: Node) -> None:
    gateway.apis.contact("2088000000000001", "chat")
    # it looks for the braces of a node before it verifies, and a sealed node has none: so without its check
    asked = call(
        gateway, SEND, {"bizContent": words(), "needEncrypt": True}, needEncrypt=True, validateSign=False
    )
    [said] = await node("alipay-sdk").ask("alipay_client.mjs", [asked])
    assert said["node"]["code"] == "10000"
    assert gateway.sent[0].text == WORDS


async def test_official_verifier_takes_the_signature_of_a_sealed_node(
    gateway: FakeAlipayGateway, node: Node
) -> None:
    gateway.apis.contact("2088000000000001", "chat")
    params = own_request(
        {"biz_content": encrypt(json.dumps(words()).encode(), AES_KEY), "encrypt_type": "AES"}
    )
    answer = json.loads(gateway.answer("", urlencode(params)))
    sealed = answer[f"{SEND.replace('.', '_')}_response"]
    asked = {"act": "rsaCheck", "config": config(), "content": f'"{sealed}"', "signature": answer["sign"]}
    opened = {"act": "decrypt", "config": config(), "sealed": sealed}
    verified, text = await node("alipay-sdk").ask(
        "alipay_notify.mjs", [{**asked, "signType": "RSA2"}, opened]
    )
    assert verified
    assert json.loads(text)["code"] == "10000"


# our client and the fake gateway


@pytest.mark.parametrize("aes_key", ["", AES_KEY])
async def test_client_of_the_service_and_the_fake_agree(gateway: FakeAlipayGateway, aes_key: str) -> None:
    settings = AlipayApiSettings(
        app_id=APP_ID,
        private_key=private_pem(APP),
        alipay_public_key=public_pem(PLATFORM.public_key()),
        gateway_url=gateway.url,
        aes_key=aes_key,
    )
    api = AlipayApi(HttpCaller(total_seconds=5, connect_seconds=5, connections=2), settings, clock=Clock())
    gateway.apis.contact("2088000000000001", "chat")
    try:
        who = await api.exchange_code(gateway.apis.authorize("2088000000000001"))
        await api.send_text("2088000000000001", WORDS, chat=True)
    finally:
        await api.close()
    assert who["user_id"] == "2088000000000001"
    assert gateway.sent[0].text == WORDS


# callbacks


def notifier(**given: Any) -> AlipayNotifier:
    return AlipayNotifier(
        **{
            "app_id": APP_ID,
            "platform_key": PLATFORM,
            "app_public_key": APP.public_key(),
            "clock": Clock(),
            "charset": "UTF-8",
            **given,
        }
    )


def pushes(fake: AlipayNotifier) -> list[Push]:
    return [
        fake.check(),
        fake.text("2088", WORDS),
        fake.follow("2088", scene="gate"),
        fake.notification("alipay.some.changed", {"名": WORDS}),
    ]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sign_type", ["RSA2", "RSA"])
@pytest.mark.parametrize("aes_key", ["", AES_KEY])
async def test_official_verifier_takes_what_the_fake_signs(
    node: Node, version: int, sign_type: str, aes_key: str
) -> None:
    sent = pushes(notifier(version=version, sign_type=sign_type, aes_key=aes_key))
    forms = [dict(parse_qsl(push.body.decode(), keep_blank_values=True)) for push in sent]
    changed = [{**form, "biz_content": form["biz_content"] + " "} for form in forms]
    asked = [{"act": "verify", "config": config(), "params": form} for form in [*forms, *changed]]
    answers = await node("alipay-sdk").ask("alipay_notify.mjs", asked)
    assert [said["raw"] for said in answers] == [True] * len(forms) + [False] * len(changed)
    # the older function decodes each value once more, which changes those with a percent sign only
    assert [said["plain"] for said in answers] == [True] * len(forms) + [False] * len(changed)


def refusal(body: bytes, *sign_types: str) -> str:
    """Why the channel refuses a form; "" if it takes it."""
    verifier = Verifier(OnePublicKey(PLATFORM.public_key()), sign_types)
    try:
        verifier.check_form(read_form(body).raw)
    except Refused as error:
        return error.reason
    return ""


CASES = [
    (charset, version, sign_type)
    for charset in ("GBK", "UTF-8")
    for version in (1, 2)
    for sign_type in ("RSA2", "RSA")
]


def unsigned(charset: str, sign_type: str) -> dict[str, str]:
    biz = f"<XML><MsgType>text</MsgType><Text><Content>{WORDS}</Content></Text></XML>"
    service = "alipay.mobile.public.message.notify"
    return {"service": service, "charset": charset, "sign_type": sign_type, "empty": "", "biz_content": biz}


@pytest.mark.parametrize(("charset", "version", "sign_type"), CASES)
async def test_channel_takes_what_node_signs(node: Node, charset: str, version: int, sign_type: str) -> None:
    params = unsigned(charset, sign_type)
    content = notice_string(params, version).encode(charset)
    asked = {"key": private_pem(PLATFORM), "content": base64.b64encode(content).decode()}
    algorithm = f"RSA-{HASHES[sign_type].upper()}"
    [signed] = await node("alipay-sdk").ask(
        "alipay_notify.mjs", [{"act": "sign", **asked, "algorithm": algorithm}]
    )
    check_channel(charset, {**params, "sign": signed}, sign_type)


@pytest.mark.parametrize(("charset", "version", "sign_type"), CASES)
def test_channel_takes_what_openssl_signs(tmp_path: Path, charset: str, version: int, sign_type: str) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not on the path")
    params = unsigned(charset, sign_type)
    key, content = tmp_path / "key.pem", notice_string(params, version).encode(charset)
    key.write_text(private_pem(PLATFORM))
    command = (openssl, "dgst", f"-{HASHES[sign_type]}", "-sign", str(key))
    signed = subprocess.run(command, input=content, capture_output=True, check=True, timeout=30).stdout
    check_channel(charset, {**params, "sign": base64.b64encode(signed).decode()}, sign_type)


def check_channel(charset: str, params: Mapping[str, str], sign_type: str) -> None:
    body = notifier(charset=charset).form(params).body
    assert refusal(body, "RSA2", "RSA") == ""
    assert refusal(body, "RSA2") == ("" if sign_type == "RSA2" else "wrong_sign_type")
    changed = notifier(charset=charset).form({**params, "service": "alipay.service.check"}).body
    assert refusal(changed, "RSA2", "RSA") == "wrong_signature"


# the Python client


def python_question(act: str, **given: Any) -> dict[str, Any]:
    """PEM of the app's private and the platform's public key, as its constructor wants them."""
    keys = {"private_key": private_pem(APP), "public_key": public_pem(PLATFORM.public_key())}
    return {"act": act, "app_id": APP_ID, **keys, **given}


@pytest.mark.parametrize("sign_type", ["RSA2", "RSA"])
async def test_python_client_signs_requests_as_the_service_does(
    environment: Environment, sign_type: str
) -> None:
    params = {
        "app_id": APP_ID,
        "method": SEND,
        "charset": "utf-8",
        "sign_type": sign_type,
        "timestamp": "2020-02-20 09:00:00",
        "version": "1.0",
        "biz_content": json.dumps(words(), ensure_ascii=False, separators=(",", ":")),
    }
    [said] = await environment("python-alipay-sdk").ask(
        "alipay_sdk.py", [python_question("sign", params=params, sign_type=sign_type)]
    )
    assert dict(parse_qsl(said))["sign"] == Signer(APP, (sign_type,)).sign_request(params)


async def test_python_client_gets_a_message_through_the_fake(
    gateway: FakeAlipayGateway, environment: Environment
) -> None:
    gateway.apis.contact("2088000000000001", "chat")
    asked = python_question("call", gateway=gateway.url, method=SEND, content=words())
    [said] = await environment("python-alipay-sdk").ask("alipay_sdk.py", [asked])
    assert [message.text for message in gateway.sent] == [WORDS]
    # its reader ends a node at the first brace, also at one inside a string
    assert said == {"error": "AliPayValidationError"}


async def test_python_client_verifies_the_first_rule_only(environment: Environment) -> None:
    asked = []
    for version in (1, 2):
        params = dict(notifier(version=version).notification("a.b", {"名": WORDS}).params)
        asked.append(python_question("verify", signature=params.pop("sign"), params=params))
    forged = {**asked[0], "params": {**asked[0]["params"], "notify_id": "other"}}
    answers = await environment("python-alipay-sdk").ask("alipay_sdk.py", [*asked, forged])
    assert answers == [True, False, False]


async def test_channel_takes_what_the_python_client_signs(environment: Environment) -> None:
    params = {name: value for name, value in unsigned("UTF-8", "RSA2").items() if value}
    signed_params = {name: value for name, value in params.items() if name != "sign_type"}
    asked = {**python_question("sign", params=signed_params), "private_key": private_pem(PLATFORM)}
    [said] = await environment("python-alipay-sdk").ask("alipay_sdk.py", [asked])
    check_channel("UTF-8", {**params, "sign": dict(parse_qsl(said))["sign"]}, "RSA2")
