"""Sealing at rest: what is personal is AES-256-GCM under a key ring, and is found by exact HMAC only.

A blob is: version (1 byte), length of the key id (1 byte), key id, nonce (12 bytes), ciphertext with its tag.
The context (`table.column`) is authenticated: a blob that is moved to another column doesn't open.
"""

from __future__ import annotations

import binascii
import hmac
import os
import re
import secrets
from base64 import b64decode, b64encode
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.errors import Misconfigured, Unsealable

DATA_VARIABLE = "YIMA_DATA_KEYS"
INDEX_VARIABLE = "YIMA_INDEX_KEYS"

_VERSION = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_INDEX_CHARACTERS = 32
_KEY_ID = re.compile(r"[a-z0-9]{1,8}")
_KEY_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class _Key(NamedTuple):
    id: str
    secret: bytes


class KeyRing:
    """The data keys and the index keys; the first of each is current, the others only open and find."""

    __slots__ = ("_ciphers", "_current_cipher", "_header", "_index_keys", "data_key_id", "index_key_id")

    def __init__(self, data: str, index: str) -> None:
        """Both are `id:base64,…` of 32-byte keys; Misconfigured names the variable that is wrong."""
        data_keys = _parse(data, DATA_VARIABLE)
        index_keys = _parse(index, INDEX_VARIABLE)
        if {key.secret for key in data_keys} & {key.secret for key in index_keys}:
            raise Misconfigured(f"{DATA_VARIABLE} and {INDEX_VARIABLE} must not share a key")
        self.data_key_id = data_keys[0].id
        self.index_key_id = index_keys[0].id
        self._ciphers = {key.id.encode(): AESGCM(key.secret) for key in data_keys}
        self._current_cipher = self._ciphers[self.data_key_id.encode()]
        self._header = bytes((_VERSION, len(self.data_key_id))) + self.data_key_id.encode()
        self._index_keys = tuple((f"{key.id}:", key.secret) for key in index_keys)

    def __repr__(self) -> str:
        return f"KeyRing(data_key_id={self.data_key_id!r}, index_key_id={self.index_key_id!r})"

    def __reduce__(self) -> str:
        raise TypeError("a key ring is not pickled")

    @staticmethod
    def generate() -> str:
        """A new random key as `id:base64`, ready to be put in front of the older ones."""
        key_id = "".join(secrets.choice(_KEY_ID_ALPHABET) for _ in range(6))
        return f"{key_id}:{b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"

    def seal(self, context: str, content: str | bytes) -> bytes:
        """The content sealed under the current data key for this `table.column`."""
        plain = content.encode() if isinstance(content, str) else content
        nonce = os.urandom(_NONCE_BYTES)
        return self._header + nonce + self._current_cipher.encrypt(nonce, plain, context.encode())

    def open(self, context: str, blob: bytes) -> str:
        """The text that was sealed for this `table.column`; Unsealable for anything else."""
        try:
            return self.open_bytes(context, blob).decode()
        except UnicodeDecodeError:
            raise Unsealable(f"{context}: the sealed value is not text") from None

    def open_bytes(self, context: str, blob: bytes) -> bytes:
        """The bytes that were sealed for this `table.column`; Unsealable for anything else."""
        key_id, start = _head(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Unsealable(f"{context}: sealed under a key that is not in {DATA_VARIABLE}")
        begin = start + _NONCE_BYTES
        try:
            return cipher.decrypt(blob[start:begin], blob[begin:], context.encode())
        except InvalidTag:
            raise Unsealable(
                f"{context}: damaged, or sealed for another column or with another key"
            ) from None

    def seal_json(self, context: str, value: object) -> bytes:
        """The value as JSON, sealed; TypeError for what JSON can't hold."""
        return self.seal(context, orjson.dumps(value))

    def open_json(self, context: str, blob: bytes) -> Any:
        """The JSON value that was sealed for this `table.column`; Unsealable for anything else."""
        plain = self.open_bytes(context, blob)
        try:
            return orjson.loads(plain)
        except orjson.JSONDecodeError:
            raise Unsealable(f"{context}: the sealed value is not JSON") from None

    def key_of(self, blob: bytes) -> str:
        """The id of the data key that a blob is sealed under, whether or not the ring has it."""
        return _head(blob)[0].decode()

    def index(self, kind: str, value: str) -> str:
        """The look-up value under the current index key: `<key id>:` and 32 hexadecimal digits."""
        prefix, secret = self._index_keys[0]
        return prefix + _digest(secret, kind, value)

    def indexes(self, kind: str, value: str) -> tuple[str, ...]:
        """The look-up values under every index key, current first; search for all of them while keys rotate."""
        return tuple(prefix + _digest(secret, kind, value) for prefix, secret in self._index_keys)

    @property
    def current_head(self) -> bytes:
        """How every blob begins that is sealed under the current data key."""
        return self._header

    @property
    def current_index_head(self) -> str:
        """How every look-up value begins that was made with the current index key."""
        return self._index_keys[0][0]

    def has_index_key_of(self, index: str) -> bool:
        """Whether the ring has the key that a stored look-up value was made with."""
        return any(index.startswith(prefix) for prefix, _ in self._index_keys)


def _digest(secret: bytes, kind: str, value: str) -> str:
    return hmac.digest(secret, f"{kind}\0{value}".encode(), "sha256").hex()[:_INDEX_CHARACTERS]


def _head(blob: bytes) -> tuple[bytes, int]:
    """The key id of a blob, and where its nonce begins."""
    if len(blob) < 2 or blob[0] != _VERSION:
        raise Unsealable("not a sealed value of a known version")
    start = 2 + blob[1]
    key_id = bytes(blob[2:start])
    if len(blob) < start + _NONCE_BYTES + _TAG_BYTES or not _KEY_ID.fullmatch(key_id.decode("latin-1")):
        raise Unsealable("a sealed value is damaged")
    return key_id, start


def _parse(text: str, variable: str) -> tuple[_Key, ...]:
    keys = tuple(_parse_key(part.strip(), variable) for part in text.split(",") if part.strip())
    if not keys:
        raise Misconfigured(
            f"{variable} is empty: it wants one or more keys as id:base64, the first is current"
        )
    if len({key.id for key in keys}) != len(keys):
        raise Misconfigured(f"{variable} has two keys with the same id")
    if len({key.secret for key in keys}) != len(keys):
        raise Misconfigured(f"{variable} has the same key under two ids")
    return keys


def _parse_key(part: str, variable: str) -> _Key:
    key_id, colon, encoded = part.partition(":")
    if not colon or not _KEY_ID.fullmatch(key_id):
        raise Misconfigured(f"{variable}: every key is id:base64, the id 1 to 8 of a-z and 0-9")
    try:
        secret = b64decode(encoded.strip().translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured(f"{variable}: the key {key_id!r} is not base64") from None
    if len(secret) != _KEY_BYTES:
        raise Misconfigured(f"{variable}: the key {key_id!r} has to have {_KEY_BYTES} bytes")
    return _Key(key_id, secret)


_URL_SAFE = str.maketrans("-_", "+/")
