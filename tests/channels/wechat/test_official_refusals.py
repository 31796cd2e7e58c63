"""Every refusal at the door of the official account, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.channels.wechat.official import BODY_LIMIT
from bot.channels.wechat.push import Push
from tests.channels.wechat.door import (
    PLAIN,
    PLAIN_SENDER,
    SAFE,
    SENDER,
    WIRE,
    opened_by,
    plain_text,
    reason,
    safe_text,
    said,
    signed,
    with_parameter,
)


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_safe_push_without_its_signature_is_refused(name: str) -> None:
    assert reason(SAFE, with_parameter(safe_text(), name, None)) == "missing_signature"


def test_safe_push_with_an_empty_signature_is_refused() -> None:
    assert reason(SAFE, with_parameter(safe_text(), "msg_signature", "")) == "missing_signature"


@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
def test_plain_push_without_its_signature_is_refused(name: str) -> None:
    assert reason(PLAIN, with_parameter(plain_text(), name, None)) == "missing_signature"


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_safe_push_with_a_changed_parameter_is_refused(name: str) -> None:
    assert reason(SAFE, with_parameter(safe_text(), name, "1582160401")) == "wrong_signature"


def test_plain_push_with_a_wrong_signature_is_refused() -> None:
    assert reason(PLAIN, with_parameter(plain_text(), "signature", "0" * 40)) == "wrong_signature"


def test_plain_signature_in_place_of_the_message_signature_is_refused() -> None:
    push = safe_text()
    assert (
        reason(SAFE, with_parameter(push, "msg_signature", dict(push.query)["signature"]))
        == "wrong_signature"
    )


def test_changed_ciphertext_is_refused_by_its_signature() -> None:
    push = safe_text()
    body = push.body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[AAAA")
    assert reason(SAFE, Push(push.query, body)) == "wrong_signature"


def test_downgrade_to_plain_is_refused_where_a_key_is_set() -> None:
    assert reason(SAFE, plain_text()) == "wrong_mode"


def test_downgrade_by_dropping_the_encryption_mark_is_refused() -> None:
    assert reason(SAFE, with_parameter(safe_text(), "encrypt_type", None)) == "wrong_mode"


def test_plain_body_behind_an_encryption_mark_is_refused() -> None:
    marked = with_parameter(plain_text(), "encrypt_type", "aes")
    assert reason(SAFE, with_parameter(marked, "msg_signature", "0" * 40)) == "wrong_mode"


@pytest.mark.parametrize("form", ["AES", "rsa", "aes,raw", " "])
def test_unknown_encryption_form_is_refused(form: str) -> None:
    assert reason(SAFE, with_parameter(safe_text(), "encrypt_type", form)) == "wrong_mode"
    assert reason(PLAIN, with_parameter(plain_text(), "encrypt_type", form)) == "wrong_mode"


@pytest.mark.parametrize("seconds", [-601, 601])
def test_push_outside_of_the_window_is_stale(seconds: int) -> None:
    wire = WIRE + timedelta(seconds=seconds)
    assert reason(SAFE, safe_text(), wire=wire) == "stale_timestamp"
    assert reason(PLAIN, plain_text(), wire=wire) == "stale_timestamp"


def test_push_at_the_edge_of_the_configured_window_is_fresh() -> None:
    narrow = replace(SAFE, window_seconds=5)
    assert said(opened_by(narrow, safe_text(), wire=WIRE + timedelta(seconds=5))) == "36.5"
    assert reason(narrow, safe_text(), wire=WIRE + timedelta(seconds=6)) == "stale_timestamp"


def test_signed_timestamp_that_is_no_number_is_refused() -> None:
    assert reason(SAFE, signed("AAAA", "yesterday")) == "bad_timestamp"


@pytest.mark.parametrize("encrypt", ["AAA", "AAAA\n", "中文", "A*AA"])
def test_signed_ciphertext_that_is_no_base64_is_refused(encrypt: str) -> None:
    assert reason(SAFE, signed(encrypt)) == "bad_base64"


@pytest.mark.parametrize("encrypt", ["", "AAAA"])
def test_signed_ciphertext_of_a_broken_length_is_refused(encrypt: str) -> None:
    assert reason(SAFE, signed(encrypt)) == "bad_length"


def test_signed_ciphertext_with_broken_padding_is_refused() -> None:
    cut = SENDER.encrypt(b"m" * 100)[:-44] + "=="
    assert reason(SAFE, signed(cut[: len(cut) // 64 * 64])) == "bad_padding"


def test_message_for_another_app_id_is_refused() -> None:
    push = replace(SENDER, app_id="wx0000000000000000").text("o_1", "36.5", at=WIRE)
    assert reason(SAFE, push) == "wrong_app_id"


def test_body_at_the_limit_is_read_and_beyond_it_is_too_large() -> None:
    heads = {"ToUserName": "g", "FromUserName": "o", "CreateTime": "1", "MsgType": "text", "Content": ""}
    empty = PLAIN_SENDER.seal(heads, at=WIRE)
    room = BODY_LIMIT - len(empty.body)
    assert len(said(opened_by(PLAIN, PLAIN_SENDER.seal(heads | {"Content": "x" * room}, at=WIRE)))) == room
    push = PLAIN_SENDER.seal(heads | {"Content": "x" * (room + 1)}, at=WIRE)
    assert reason(PLAIN, push) == "body_too_large"


DOCTYPE = '<!DOCTYPE xml [<!ENTITY a "b">]><xml><MsgType>text</MsgType></xml>'


def test_doctype_is_refused_inside_and_outside_of_the_encryption() -> None:
    assert reason(SAFE, SENDER.seal_xml(DOCTYPE, at=WIRE)) == "doctype"
    assert reason(PLAIN, PLAIN_SENDER.seal_xml(DOCTYPE, at=WIRE)) == "doctype"
    assert reason(SAFE, Push(safe_text().query, b"<!DOCTYPE xml>" + safe_text().body)) == "doctype"


@pytest.mark.parametrize(
    "xml", ["<xml>", "", "hello", "<xml><MsgType>text</MsgType></xml>", '{"MsgType":"text"}']
)
def test_malformed_xml_is_refused_inside_and_outside(xml: str) -> None:
    assert reason(SAFE, SENDER.seal_xml(xml, at=WIRE)) == "malformed_xml"
    assert reason(PLAIN, PLAIN_SENDER.seal_xml(xml, at=WIRE)) == "malformed_xml"


def test_malformed_envelope_is_refused() -> None:
    assert reason(SAFE, Push(safe_text().query, b"<xml><Encrypt>AAAA")) == "malformed_xml"


def test_envelope_with_two_ciphertexts_is_refused() -> None:
    push = safe_text()
    doubled = push.body.replace(b"<xml>", b"<xml><Encrypt>AAAA</Encrypt>")
    assert reason(SAFE, Push(push.query, doubled)) == "malformed_xml"


@pytest.mark.parametrize("name", ["msg_signature", "nonce", "openid"])
def test_duplicate_query_key_is_refused(name: str) -> None:
    push = safe_text()
    assert reason(SAFE, Push((*push.query, (name, "1")), push.body)) == "duplicate_query_key"
