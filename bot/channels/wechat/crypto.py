"""WeChat's message cryptography: the signature over sorted parts and the AES frame around a message.

The cipher itself is wechatpy's. The frame and the signature are ours: wechatpy compares signatures with `!=`,
validates neither base64 nor padding nor the length field, draws its random prefix from a generator that can be
predicted, and fails with half a dozen unrelated exceptions. wechatpy's own frame is the oracle in the tests.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
import re
from base64 import b64decode

from wechatpy.crypto.base import WeChatCipher

from bot.errors import Misconfigured, Refused

BLOCK = 32
CIPHER_BLOCK = 16
PREFIX_LENGTH = 16
HEAD_LENGTH = PREFIX_LENGTH + 4
PADDINGS = tuple(bytes([count]) * count for count in range(BLOCK + 1))
KEY_FORM = re.compile(r"[A-Za-z0-9+/]{43}")


def sign(*parts: str) -> str:
    """The hexadecimal SHA-1 over the sorted, joined parts, which the platform calls the signature."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "surrogatepass")).hexdigest()  # noqa: S324  the platform's choice


def check_signature(given: str, *parts: str) -> None:
    """Refuse a signature that these parts don't have; takes the same time for every wrong one."""
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), sign(*parts).encode("ascii")):
        raise Refused("wrong_signature")


class MessageKey:
    """One EncodingAESKey: 43 characters of base64, which are 32 bytes; the first 16 are the IV too."""

    def __init__(self, encoding_aes_key: str, variable: str = "the EncodingAESKey") -> None:
        if KEY_FORM.fullmatch(encoding_aes_key) is None:
            raise Misconfigured(f"{variable} must be the 43 characters that the console shows")
        self._cipher = WeChatCipher(b64decode(encoding_aes_key + "="))

    def encrypt(self, message: bytes, app_id: bytes, *, prefix: bytes | None = None) -> bytes:
        """Frame and encrypt a message; returns base64. A prefix of 16 bytes is given in known-answer tests only."""
        head = _random_prefix() if prefix is None else prefix
        framed = b"".join((head, len(message).to_bytes(4, "big"), message, app_id))
        padding = PADDINGS[BLOCK - len(framed) % BLOCK]
        encrypted: bytes = self._cipher.encrypt(framed + padding)
        return binascii.b2a_base64(encrypted, newline=False)

    def decrypt(self, ciphertext: bytes, app_id: bytes) -> bytes:
        """The message inside, after every check of its frame; Refused names the first that fails."""
        if not ciphertext or len(ciphertext) % CIPHER_BLOCK:
            raise Refused("bad_length")
        framed = _unpad(self._cipher.decrypt(ciphertext))
        end = HEAD_LENGTH + int.from_bytes(framed[PREFIX_LENGTH:HEAD_LENGTH], "big")
        if len(framed) < end or len(framed) < HEAD_LENGTH:
            raise Refused("bad_length")
        if not hmac.compare_digest(framed[end:], app_id):
            raise Refused("wrong_app_id")
        return framed[HEAD_LENGTH:end]


def decode_ciphertext(encrypt: str) -> bytes:
    """The bytes of an `Encrypt` field; anything but strict base64 is refused.

    Python 3.11 lets a needless `=` at the end pass even in strict mode, hence the look at the length.
    """
    if len(encrypt) % 4:
        raise Refused("bad_base64")
    try:
        return binascii.a2b_base64(encrypt, strict_mode=True)
    except ValueError as error:
        raise Refused("bad_base64") from error


def _random_prefix() -> bytes:
    """Sixteen printable characters with 96 random bits: the platform calls them a string."""
    return binascii.b2a_base64(os.urandom(12), newline=False)


def _unpad(padded: bytes) -> bytes:
    count = padded[-1]
    if not 1 <= count <= BLOCK or not padded.endswith(PADDINGS[count]):
        raise Refused("bad_padding")
    return padded[:-count]
