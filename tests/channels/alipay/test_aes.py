"""Content encryption: both directions, and one refusal for everything that isn't right."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.alipay.aes import ContentCipher
from bot.errors import Misconfigured, Refused
from tests.channels.alipay.door import AES_KEY, sealed

CIPHER = ContentCipher(AES_KEY)
OTHER_KEY = b64encode(bytes(16)).decode()


def refused(content: bytes) -> str:
    with pytest.raises(Refused) as error:
        CIPHER.decrypt(content)
    return error.value.reason


@given(st.binary(max_size=100))
def test_both_sides_of_the_encryption_agree(content: bytes) -> None:
    assert CIPHER.encrypt(content) == sealed(content)
    assert CIPHER.decrypt(sealed(content).encode()) == content


@given(st.binary(max_size=100))
def test_arbitrary_ciphertext_is_refused(content: bytes) -> None:
    assert refused(content) == "bad_ciphertext"


@pytest.mark.parametrize("content", [b"", b"AAAA", b"A" * 24, b"A" * 22 + b"==\n", b"*", "中".encode()])
def test_broken_ciphertext_is_refused(content: bytes) -> None:
    assert refused(content) == "bad_ciphertext"


def test_ciphertext_of_another_key_is_refused() -> None:
    assert refused(sealed(b"{}", OTHER_KEY).encode()) == "bad_ciphertext"


def test_cut_and_changed_ciphertext_is_refused() -> None:
    raw = b64decode(sealed(b"m" * 40))
    for changed in (raw[:-16], raw[:-1], raw[:-1] + bytes([raw[-1] ^ 1])):
        assert refused(b64encode(changed)) == "bad_ciphertext"


@pytest.mark.parametrize("key", ["", "short", AES_KEY[:-4], f"{AES_KEY[:-2]}AA", "*" * 24, "中文"])
def test_wrong_key_is_named_by_its_setting_alone(key: str) -> None:
    with pytest.raises(Misconfigured, match="YIMA_ALIPAY__AES_KEY must be") as error:
        ContentCipher(key)
    assert not key or key not in str(error.value)


def test_key_with_blanks_around_it_is_read() -> None:
    assert ContentCipher(f" {AES_KEY}\n").encrypt(b"m") == sealed(b"m")
