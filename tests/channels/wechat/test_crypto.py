"""Signature and frame: the documented answers, the refusals, and wechatpy as oracle."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto, WeChatCrypto

from bot.channels.wechat.crypto import MessageKey, check_signature, decode_ciphertext, sign
from bot.errors import Misconfigured, Refused
from tests.channels.wechat import vectors
from tests.channels.wechat.vectors import AES_KEY, TOKEN, W3, W4, W5, W6, Inbound, Outbound

APP_ID = b"wx49f0ab532d5d035a"
OTHER_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
KEY = MessageKey(AES_KEY)


def encrypt_raw(framed: bytes) -> bytes:
    """The bytes under the test key, without any frame or padding of their own."""
    raw = base64.b64decode(AES_KEY + "=")
    encryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).encryptor()
    return encryptor.update(framed) + encryptor.finalize()


def padded(framed: bytes) -> bytes:
    count = 32 - len(framed) % 32
    return framed + bytes([count]) * count


def reason_of_decrypting(ciphertext: bytes) -> str:
    with pytest.raises(Refused) as refused:
        KEY.decrypt(ciphertext, APP_ID)
    return refused.value.reason


def test_get_signature_of_the_documents_first_example() -> None:
    assert sign(TOKEN, "1714036504", "1514711492") == "f464b24fc39322e44b38aa78f5edd27bd1441696"


def test_plain_signature_of_the_documents_second_example() -> None:
    assert sign(TOKEN, "1714037059", "486452656") == "899cf89e464efb63f54ddac96b0a0a235f53aa78"


def test_library_check_signature_vector_is_accepted() -> None:
    check_signature("f21891de399b4e33a1a93c9a7b8a8fffb5a443ff", "test", "1410685589", "test")


@pytest.mark.parametrize("vector", [W3, W5], ids=["W3", "W5"])
def test_documented_inbound_signatures_are_reproduced(vector: Inbound) -> None:
    assert sign(TOKEN, vector.timestamp, vector.nonce) == vector.signature
    assert sign(TOKEN, vector.timestamp, vector.nonce, vector.encrypt) == vector.msg_signature


@pytest.mark.parametrize("vector", [W3, W5], ids=["W3", "W5"])
def test_documented_inbound_message_is_decrypted(vector: Inbound) -> None:
    message = KEY.decrypt(decode_ciphertext(vector.encrypt), vector.app_id.encode())
    assert len(message) == vector.length
    assert b"debug_demo" in message


@pytest.mark.parametrize("vector", [W3, W5], ids=["W3", "W5"])
def test_documented_inbound_message_is_encrypted_to_the_same_bytes(vector: Inbound) -> None:
    app_id = vector.app_id.encode()
    message = KEY.decrypt(decode_ciphertext(vector.encrypt), app_id)
    assert KEY.encrypt(message, app_id, prefix=vector.prefix).decode() == vector.encrypt


@pytest.mark.parametrize("vector", [W4, W6], ids=["W4", "W6"])
def test_documented_answer_is_encrypted_to_the_same_bytes(vector: Outbound) -> None:
    encrypt = KEY.encrypt(vector.message, vector.app_id.encode(), prefix=vector.prefix).decode()
    assert encrypt == vector.encrypt
    assert sign(TOKEN, vector.timestamp, vector.nonce, encrypt) == vector.signature


@pytest.mark.parametrize("vector", [W4, W6], ids=["W4", "W6"])
def test_documented_answer_is_decrypted_again(vector: Outbound) -> None:
    assert KEY.decrypt(decode_ciphertext(vector.encrypt), vector.app_id.encode()) == vector.message


def test_library_vector_is_verified_and_decrypted() -> None:
    check_signature(
        vectors.LIBRARY_SIGNATURE,
        vectors.LIBRARY_TOKEN,
        vectors.LIBRARY_TIMESTAMP,
        vectors.LIBRARY_NONCE,
        vectors.LIBRARY_ENCRYPT,
    )
    ciphertext = decode_ciphertext(vectors.LIBRARY_ENCRYPT)
    message = MessageKey(vectors.LIBRARY_AES_KEY).decrypt(ciphertext, vectors.LIBRARY_APP_ID.encode())
    assert b"<Content><![CDATA[test]]></Content>" in message


@given(st.text())
def test_every_text_survives_the_round_trip(text: str) -> None:
    message = text.encode("utf-8", "surrogatepass")
    assert KEY.decrypt(decode_ciphertext(KEY.encrypt(message, APP_ID).decode()), APP_ID) == message


@pytest.mark.parametrize("length", range(201))
def test_every_length_over_the_padding_boundaries_survives(length: int) -> None:
    message = b"x" * length
    encrypt = KEY.encrypt(message, APP_ID)
    assert len(base64.b64decode(encrypt)) % 32 == 0
    assert KEY.decrypt(decode_ciphertext(encrypt.decode()), APP_ID) == message


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_wechatpy_decrypts_what_is_encrypted_here(text: str) -> None:
    oracle = PrpCrypto(base64.b64decode(AES_KEY + "="))
    assert oracle.decrypt(KEY.encrypt(text.encode(), APP_ID), APP_ID.decode()) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_wechatpy_encrypts_is_decrypted_here(text: str) -> None:
    oracle = PrpCrypto(base64.b64decode(AES_KEY + "="))
    encrypt = oracle.encrypt(text, APP_ID.decode()).decode()
    assert KEY.decrypt(decode_ciphertext(encrypt), APP_ID) == text.encode()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=4, max_size=4))
def test_signature_equals_that_of_wechatpy(parts: list[str]) -> None:
    from wechatpy.crypto import _get_signature

    assert sign(*parts) == _get_signature(*parts)


def test_wechatpy_reads_an_answer_with_our_signature() -> None:
    encrypt = KEY.encrypt("您好".encode(), APP_ID).decode()
    oracle = WeChatCrypto(TOKEN, AES_KEY, APP_ID.decode())
    assert oracle.decrypt_message({"Encrypt": encrypt}, sign(TOKEN, "1", "2", encrypt), "1", "2") == "您好"


def test_two_encryptions_of_one_message_differ() -> None:
    assert KEY.encrypt(b"same", APP_ID) != KEY.encrypt(b"same", APP_ID)


@pytest.mark.parametrize("given_signature", ["0" * 40, "", "签名", "\ud800", "A" * 10_000])
def test_wrong_signature_of_any_form_is_refused(given_signature: str) -> None:
    with pytest.raises(Refused, match="wrong_signature"):
        check_signature(given_signature, TOKEN, "1", "2")


@pytest.mark.parametrize(
    "encrypt", ["A", "AAA", "AA=A", "AAAA\n", "AA AA", "中文字符", "AAA_", "AAAA=", "=AAA", "AA==AAAA"]
)
def test_anything_but_strict_base64_is_refused(encrypt: str) -> None:
    with pytest.raises(Refused, match="bad_base64"):
        decode_ciphertext(encrypt)


@pytest.mark.parametrize("ciphertext", [b"", b"x", b"x" * 15, b"x" * 33])
def test_ciphertext_that_is_no_whole_block_is_refused(ciphertext: bytes) -> None:
    assert reason_of_decrypting(ciphertext) == "bad_length"


@pytest.mark.parametrize("tail", [b"\x00", b"\x21", b"\xff", b"\x02\x03\x03", b"\x01\x02"])
def test_padding_that_is_out_of_range_or_uneven_is_refused(tail: bytes) -> None:
    framed = b"r" * 16 + b"\x00\x00\x00\x01m" + APP_ID
    filled = framed + b"z" * (64 - len(framed) - len(tail)) + tail
    assert reason_of_decrypting(encrypt_raw(filled)) == "bad_padding"


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x00\x00\x01\x00", b"\x00\x00\x00\x14"])
def test_length_field_beyond_the_end_is_refused(length: bytes) -> None:
    framed = padded(b"r" * 16 + length + b"m" + APP_ID)
    assert reason_of_decrypting(encrypt_raw(framed)) == "bad_length"


@pytest.mark.parametrize("framed", [b"", b"r" * 16, b"r" * 19])
def test_frame_without_a_whole_head_is_refused(framed: bytes) -> None:
    assert reason_of_decrypting(encrypt_raw(padded(framed))) == "bad_length"


@pytest.mark.parametrize("app_id", [b"", b"wx0000000000000000", APP_ID + b"x", APP_ID[:-1]])
def test_message_for_another_app_id_is_refused(app_id: bytes) -> None:
    assert reason_of_decrypting(base64.b64decode(KEY.encrypt(b"m", app_id))) == "wrong_app_id"


def test_message_under_another_key_is_refused() -> None:
    ciphertext = base64.b64decode(MessageKey(OTHER_KEY).encrypt(b"m" * 100, APP_ID, prefix=b"0" * 16))
    assert reason_of_decrypting(ciphertext) in {"bad_padding", "bad_length", "wrong_app_id"}


@given(st.binary(max_size=400))
def test_arbitrary_ciphertext_is_refused_and_nothing_else(ciphertext: bytes) -> None:
    with pytest.raises(Refused):
        KEY.decrypt(ciphertext, APP_ID)


@given(st.binary(max_size=200))
def test_arbitrary_frames_are_opened_or_refused(framed: bytes) -> None:
    try:
        message = KEY.decrypt(encrypt_raw(padded(framed)), APP_ID)
    except Refused:
        return
    assert framed[20:] == message + APP_ID


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "-", "密" * 43])
def test_key_of_another_form_stops_the_start_without_its_value(key: str) -> None:
    with pytest.raises(Misconfigured, match="YIMA_KEY must be the 43 characters") as stopped:
        MessageKey(key, "YIMA_KEY")
    assert not key or key not in str(stopped.value)


def test_key_does_not_show_in_its_representation() -> None:
    assert OTHER_KEY not in repr(MessageKey(OTHER_KEY))
