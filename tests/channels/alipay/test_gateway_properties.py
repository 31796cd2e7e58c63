"""Whatever arrives at the gateway is opened or refused with a reason, and whatever is opened was signed."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.alipay.gateway import AlipayGateway, Opened
from bot.errors import Refused
from tests.channels.alipay.door import (
    AES_KEY,
    APP_ID,
    CHECK,
    MESSAGE,
    RECEIVED_AT,
    SENDER,
    SETTINGS,
    WIRE,
    Sender,
    event_xml,
    milliseconds,
    sealed,
    text_xml,
)

GATEWAY = AlipayGateway(replace(SETTINGS, aes_key=AES_KEY, sign_types=("RSA2", "RSA")))
NAMES = st.sampled_from(
    [
        "service",
        "sign",
        "sign_type",
        "charset",
        "biz_content",
        "app_id",
        "msg_method",
        "notify_id",
        "encrypt_type",
    ]
)
OWN_NAMES = NAMES.filter(lambda name: name not in {"sign", "sign_type", "charset"})
WORDS = st.sampled_from([CHECK, MESSAGE, APP_ID, "RSA2", "AES", "utf-8", "GBK", milliseconds(WIRE)])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TYPED = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=60
).filter(lambda text: "]]>" not in text)


def outcome(body: bytes) -> Opened | str:
    try:
        opened = GATEWAY.open(body, wire=WIRE, received_at=RECEIVED_AT)
    except Refused as refused:
        GATEWAY.refuse(refused)
        return refused.reason
    assert GATEWAY.acknowledge(opened, wire=WIRE)[0].isascii()
    return opened


def is_a_reason(found: Opened | str) -> bool:
    return isinstance(found, str) and found.replace("_", "").isalpha()


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_with_a_reason(body: bytes) -> None:
    assert is_a_reason(outcome(body))


@given(st.lists(st.tuples(NAMES, WORDS | TEXTS), max_size=9))
def test_arbitrary_forms_are_refused_with_a_reason(pairs: list[tuple[str, str]]) -> None:
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in pairs)
    assert is_a_reason(outcome(body.encode()))


@given(TEXTS, st.sampled_from([CHECK, MESSAGE]))
def test_rightly_signed_rubbish_is_refused(content: str, service: str) -> None:
    body = Sender(charset="utf-8").form({"service": service, "biz_content": content, "app_id": APP_ID})
    assert is_a_reason(outcome(body))


@given(st.binary(max_size=60))
def test_rightly_signed_and_encrypted_rubbish_is_refused(content: bytes) -> None:
    parameters = {"service": MESSAGE, "encrypt_type": "AES", "biz_content": sealed(content)}
    assert is_a_reason(outcome(SENDER.form(parameters)))


@given(st.dictionaries(OWN_NAMES, WORDS, max_size=7), st.sampled_from(["utf-8", "GBK"]))
def test_any_signed_parameters_are_opened_or_refused(parameters: dict[str, str], charset: str) -> None:
    found = outcome(Sender(charset=charset).form(parameters))
    assert isinstance(found, Opened) or is_a_reason(found)


@given(TYPED, st.sampled_from(["utf-8", "gb18030"]), st.sampled_from([1, 2]))
def test_what_was_typed_arrives_as_it_was_typed(typed: str, charset: str, rule: int) -> None:
    found = outcome(Sender(rule=rule, charset=charset).message(text_xml(typed)))
    assert isinstance(found, Opened)
    assert found.incoming is not None
    assert found.incoming.text == typed


@given(TYPED, st.sampled_from(["follow", "unfollow", "enter", "click", "made_up"]))
def test_any_event_parameter_is_opened(action: str, event: str) -> None:
    assert isinstance(outcome(Sender(charset="utf-8").message(event_xml(event, action))), Opened)


@given(st.data())
def test_any_changed_byte_of_a_signed_form_is_refused(data: st.DataObject) -> None:
    body = SENDER.message(text_xml("咳嗽"))
    # not in the signature itself, whose last character has bits that mean nothing
    at = data.draw(st.integers(0, body.index(b"&sign=") - 1))
    changed = body[:at] + bytes([body[at] ^ data.draw(st.sampled_from([1, 2, 4, 8, 16]))]) + body[at + 1 :]
    assert is_a_reason(outcome(changed))
