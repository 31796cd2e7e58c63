"""Alipay's content encryption: AES-128-CBC with an IV of zeros, PKCS#7, base64.

It authenticates nothing: a signature over the base64 is always checked before anything is decrypted here.
"""

from __future__ import annotations

import binascii

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from bot.errors import Misconfigured, Refused

_KEY_BYTES = 16
_BLOCK_BITS = 128


class ContentCipher:
    """Encrypts and decrypts with the key that the console shows: base64 of 16 bytes."""

    def __init__(self, key: str, variable: str = "YIMA_ALIPAY__AES_KEY") -> None:
        try:
            raw = binascii.a2b_base64(key.strip().encode("ascii"), strict_mode=True)
        except ValueError:
            raw = b""
        if len(raw) != _KEY_BYTES:
            raise Misconfigured(f"{variable} must be the base64 of 16 bytes that the console shows")
        # the zero IV is the platform's rule, not a choice
        self._cipher = Cipher(AES128(raw), CBC(bytes(_BLOCK_BITS // 8)))

    def encrypt(self, content: bytes) -> str:
        """The content as base64."""
        padder, encryptor = PKCS7(_BLOCK_BITS).padder(), self._cipher.encryptor()
        padded = padder.update(content) + padder.finalize()
        return binascii.b2a_base64(encryptor.update(padded) + encryptor.finalize(), newline=False).decode(
            "ascii"
        )

    def decrypt(self, content: bytes) -> bytes:
        """What is inside; Refused `bad_ciphertext` for everything that isn't right, without saying what."""
        unpadder, decryptor = PKCS7(_BLOCK_BITS).unpadder(), self._cipher.decryptor()
        try:
            encrypted = binascii.a2b_base64(content, strict_mode=True)
            padded = decryptor.update(encrypted) + decryptor.finalize()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError as error:
            raise Refused("bad_ciphertext") from error
