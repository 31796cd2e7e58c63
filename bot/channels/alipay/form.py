"""The form that Alipay posts, decoded from its raw bytes by a charset that the form itself names.

No framework's form reading is used: those decode before the charset is known, and some keep the last of two equal
names. The bytes of each value are kept, because they, and not their text, are what is signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from bot.errors import Refused, TooLarge

BODY_LIMIT = 64 * 1024
MOST_FIELDS = 64
# What may be named, and the codec that reads it: as in browsers, the two older names mean the largest of the family,
# which reads everything that they do.
_CODECS: Mapping[str, str] = {"utf-8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}
_FIELD = re.compile(rb"(?:[!-$'-<>-~]|%[0-9A-Fa-f]{2})+=(?:[!-$'-~]|%[0-9A-Fa-f]{2})*")
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


@dataclass(frozen=True, slots=True)
class Charset:
    """One of the charsets that are taken; `name` is how an answer names it."""

    name: str
    codec: str

    def decode(self, raw: bytes) -> str:
        """The text; Refused if these bytes are none in this charset."""
        try:
            return raw.decode(self.codec)
        except UnicodeDecodeError as error:
            raise Refused("wrong_charset") from error


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of one form as bytes, with the charset that they are in."""

    charset: Charset
    raw: Mapping[str, bytes] = field(repr=False)

    def text(self, name: str) -> str:
        """One value as text, "" if it isn't there."""
        return self.charset.decode(self.raw.get(name, b""))


def read_form(body: bytes) -> Form:
    """Decode a form; refused are too many bytes or fields, a name that is there twice, and unknown charsets."""
    if len(body) > BODY_LIMIT:
        raise TooLarge
    raw: dict[str, bytes] = {}
    pieces = body.split(b"&")
    if len(pieces) > MOST_FIELDS:
        raise Refused("too_many_fields")
    for piece in pieces:
        if _FIELD.fullmatch(piece) is None:
            raise Refused("malformed_form")
        encoded_name, _, encoded_value = piece.partition(b"=")
        name = _unquote(encoded_name).decode("latin-1")
        if _NAME.fullmatch(name) is None:
            raise Refused("malformed_form")
        if name in raw:
            raise Refused("duplicate_field")
        raw[name] = _unquote(encoded_value)
    return Form(_charset(raw), raw)


def _unquote(encoded: bytes) -> bytes:
    return unquote_to_bytes(encoded.replace(b"+", b" "))


def _charset(raw: Mapping[str, bytes]) -> Charset:
    """The named charset; without a name GBK, as the gateway's messages have it, and UTF-8 for notifications."""
    default = b"utf-8" if "msg_method" in raw else b"gbk"
    name = (raw.get("charset") or default).decode("latin-1").lower()
    if name not in _CODECS:
        raise Refused("wrong_charset")
    return Charset(name.upper(), _CODECS[name])
