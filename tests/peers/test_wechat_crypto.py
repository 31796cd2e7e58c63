"""Our message cryptography and that of five third parties: each opens what the other sealed, byte for byte."""

from __future__ import annotations

import random
from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from wechatpy.crypto import PrpCrypto
from wechatpy.utils import WeChatSigner

from bot.channels.wechat.crypto import MessageKey, decode_ciphertext, sign
from bot.channels.wechat.push import PushSender
from tests.channels.wechat.vectors import AES_KEY, TOKEN, W3, W4, W5, W6, Inbound, Outbound

PEERS = ("wechatpy", "werobot", "weworkapi", "wechat-crypto", "@wecom/crypto")
APP_ID = "wx49f0ab532d5d035a"
KEY_TEXT = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
KEY = MessageKey(KEY_TEXT)
CHARACTERS = ["码", "健", "a", "0", " ", "\n", "<", "&", "é", "🟢", "👨‍👩‍👧", "\u200b", "]]>"]
LONGEST = 200

Ask = Callable[[Sequence[dict[str, Any]]], Awaitable[list[dict[str, str]]]]


@pytest.fixture(params=PEERS)
def ask(request: pytest.FixtureRequest) -> Ask:
    """One peer, which answers `sign`, `encrypt` and `decrypt`."""
    if request.param == "wechatpy":
        request.getfixturevalue("wechatpy")
        return _ask_wechatpy
    if request.param in {"werobot", "weworkapi"}:
        runner = request.getfixturevalue("environment")(request.param)
        return lambda questions: runner.ask(f"{request.param}_crypto.py", questions)
    runner = request.getfixturevalue("node")(request.param)
    script = "wechat_crypto.cjs" if request.param == "wechat-crypto" else "wecom_crypto.mjs"
    return lambda questions: runner.ask(script, questions)


async def _ask_wechatpy(questions: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    return [_wechatpy_answer(question) for question in questions]


def _wechatpy_answer(question: dict[str, Any]) -> dict[str, str]:
    if question["do"] == "sign":
        signer = WeChatSigner()
        signer.add_data(question["token"], *question["parts"])
        return {"signature": signer.signature}
    cipher = PrpCrypto(b64decode(question["key"] + "="))
    if question["do"] == "decrypt":
        return {"message": cipher.decrypt(question["encrypt"], question["app_id"])}
    if question.get("prefix"):
        cipher.get_random_string = lambda: question["prefix"]
    return {"encrypt": cipher.encrypt(question["message"], question["app_id"]).decode()}


def messages() -> list[str]:
    """One message of every length in bytes, so that every padding occurs: 1 and 32 too."""
    chosen = random.Random(20200220)  # the same messages in every run
    made = []
    for length in range(LONGEST + 1):
        text = ""
        while len(text.encode()) < length:
            fitting = [each for each in CHARACTERS if len((text + each).encode()) <= length]
            text += chosen.choice(fitting)
        made.append(text)
    return made


def question(do: str, **given: Any) -> dict[str, Any]:
    return {"do": do, "token": TOKEN, "key": KEY_TEXT, "app_id": APP_ID, **given}


async def test_peer_opens_what_we_encrypt_at_every_length(ask: Ask) -> None:
    said = messages()
    sealed = [KEY.encrypt(message.encode(), APP_ID.encode()).decode() for message in said]
    answers = await ask([question("decrypt", encrypt=encrypt) for encrypt in sealed])
    assert [answer["message"] for answer in answers] == said


async def test_we_open_what_the_peer_encrypts_at_every_length(ask: Ask) -> None:
    said = messages()
    answers = await ask([question("encrypt", message=message) for message in said])
    opened = [KEY.decrypt(decode_ciphertext(answer["encrypt"]), APP_ID.encode()) for answer in answers]
    assert [message.decode() for message in opened] == said


async def test_peer_encrypts_to_the_same_bytes_with_the_same_prefix(ask: Ask) -> None:
    said, prefix = messages(), "0123456789abcdef"
    answers = await ask([question("encrypt", message=message, prefix=prefix) for message in said])
    ours = [
        KEY.encrypt(message.encode(), APP_ID.encode(), prefix=prefix.encode()).decode() for message in said
    ]
    assert [answer["encrypt"] for answer in answers] == ours


async def test_peer_and_push_sender_open_each_other(ask: Ask) -> None:
    """The platform's side has code of its own; it is held to the same third parties."""
    sender, said = PushSender(APP_ID, TOKEN, KEY_TEXT), messages()[::7]
    sealed = [sender.encrypt(message.encode()) for message in said]
    theirs = await ask([question("decrypt", encrypt=encrypt) for encrypt in sealed])
    answers = await ask([question("encrypt", message=message) for message in said])
    assert [answer["message"] for answer in theirs] == said
    assert [sender.decrypt(answer["encrypt"]).decode() for answer in answers] == said


async def test_signatures_are_the_same_for_any_parts(ask: Ask) -> None:
    chosen = random.Random(7)
    parts = [
        (
            str(chosen.randrange(2**31)),
            str(chosen.randrange(10**10)),
            "".join(chosen.choices("+/=Az09", k=24)),
        )
        for _ in range(50)
    ]
    answers = await ask([question("sign", parts=each) for each in parts])
    assert [answer["signature"] for answer in answers] == [sign(TOKEN, *each) for each in parts]


async def test_documented_signatures_without_a_body_are_the_same(ask: Ask) -> None:
    first, second = await ask(
        [
            question("sign", parts=["1714036504", "1514711492"]),
            question("sign", parts=["1714037059", "486452656"]),
        ]
    )
    assert first["signature"] == "f464b24fc39322e44b38aa78f5edd27bd1441696"  # W1
    assert second["signature"] == "899cf89e464efb63f54ddac96b0a0a235f53aa78"  # W2


@pytest.mark.parametrize("vector", [W3, W5], ids=["W3", "W5"])
async def test_documented_push_means_the_same_to_both(ask: Ask, vector: Inbound) -> None:
    known: dict[str, Any] = {"key": AES_KEY, "app_id": vector.app_id}
    ours = MessageKey(AES_KEY).decrypt(decode_ciphertext(vector.encrypt), vector.app_id.encode())
    signed, opened, sealed = await ask(
        [
            question("sign", parts=[vector.timestamp, vector.nonce, vector.encrypt]),
            question("decrypt", encrypt=vector.encrypt, **known),
            question("encrypt", message=ours.decode(), prefix=vector.prefix.decode(), **known),
        ]
    )
    assert signed["signature"] == vector.msg_signature
    assert opened["message"].encode() == ours
    assert sealed["encrypt"] == vector.encrypt


@pytest.mark.parametrize("vector", [W4, W6], ids=["W4", "W6"])
async def test_documented_answer_is_the_same_from_both(ask: Ask, vector: Outbound) -> None:
    known: dict[str, Any] = {"key": AES_KEY, "app_id": vector.app_id}
    signed, opened, sealed = await ask(
        [
            question("sign", parts=[vector.timestamp, vector.nonce, vector.encrypt]),
            question("decrypt", encrypt=vector.encrypt, **known),
            question("encrypt", message=vector.message.decode(), prefix=vector.prefix.decode(), **known),
        ]
    )
    ours = MessageKey(AES_KEY).encrypt(vector.message, vector.app_id.encode(), prefix=vector.prefix)
    assert signed["signature"] == vector.signature
    assert opened["message"].encode() == vector.message
    assert sealed["encrypt"] == vector.encrypt == ours.decode()
