"""The platform's side of an official account, for the demo, the tests and the benchmark.

It encrypts, signs, and checks answers with its own code over `cryptography`, so that a mistake of the channel's code
can't cancel itself out.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

Mode = Literal["plain", "compat", "safe"]
Query = tuple[tuple[str, str], ...]
MESSAGE_LIMIT_BYTES = 2048
PLAIN_FIELDS = frozenset({"CreateTime", "MsgId", "Location_X", "Location_Y", "Scale"})


class Push(NamedTuple):
    """One request of the platform."""

    query: Query
    body: bytes


class BadAnswer(Exception):
    """The platform would show that the service is out of order."""


@dataclass(frozen=True, slots=True)
class PushSender:
    """Builds pushes as the console mode says, and reads the passive answers to them.

    Every builder takes `at`, the instant of the push, and returns a new timestamp, nonce and random prefix.
    """

    app_id: str
    token: str
    aes_key: str | None = None
    mode: Mode = "safe"
    to_user: str = "gh_97417a04a28d"

    def text(self, openid: str, content: str, *, at: datetime, msg_id: str | None = None) -> Push:
        """Words that somebody typed."""
        return self.message(openid, "text", {"Content": content}, at=at, msg_id=msg_id)

    def voice(self, openid: str, recognition: str | None, *, at: datetime, msg_id: str | None = None) -> Push:
        """A recording; `recognition` None leaves the field out, as for accounts without it."""
        fields = {"MediaId": secrets.token_urlsafe(48), "Format": "amr"}
        said = {} if recognition is None else {"Recognition": recognition}
        return self.message(openid, "voice", fields | said, at=at, msg_id=msg_id)

    def image(self, openid: str, url: str, *, at: datetime, msg_id: str | None = None) -> Push:
        """A picture, with the address where the platform keeps it."""
        fields = {"PicUrl": url, "MediaId": secrets.token_urlsafe(48)}
        return self.message(openid, "image", fields, at=at, msg_id=msg_id)

    def location(
        self,
        openid: str,
        latitude: str,
        longitude: str,
        label: str = "",
        *,
        at: datetime,
        msg_id: str | None = None,
    ) -> Push:
        """A place that was shared, in degrees as text."""
        fields = {"Location_X": latitude, "Location_Y": longitude, "Scale": "16", "Label": label}
        return self.message(openid, "location", fields, at=at, msg_id=msg_id)

    def event(
        self, openid: str, event: str, event_key: str | None = None, *, at: datetime, **more: str
    ) -> Push:
        """An event under its name on the wire: subscribe, unsubscribe, CLICK, SCAN, VIEW ..."""
        key = {} if event_key is None else {"EventKey": event_key}
        return self.seal(self._heads(openid, "event", at) | {"Event": event} | key | more, at=at)

    def message(
        self,
        openid: str,
        message_type: str,
        fields: Mapping[str, str],
        *,
        at: datetime,
        msg_id: str | None = None,
    ) -> Push:
        """A message of any type, with an id of its own unless one is given."""
        identity = {"MsgId": msg_id or str(secrets.randbits(62))}
        return self.seal(self._heads(openid, message_type, at) | dict(fields) | identity, at=at)

    def seal(self, fields: Mapping[str, str], *, at: datetime) -> Push:
        """Push any fields; sending the same fields again is a redelivery with a fresh signature."""
        return self.seal_xml(to_xml(fields), at=at, openid=fields.get("FromUserName", ""))

    def seal_xml(self, xml: str, *, at: datetime, openid: str = "") -> Push:
        """Push any document."""
        timestamp, nonce = str(int(at.timestamp())), str(secrets.randbelow(10**10))
        query = [("signature", _sha1(self.token, timestamp, nonce)), ("timestamp", timestamp)]
        query += [("nonce", nonce), ("openid", openid)]
        if self.mode == "plain":
            return Push(tuple(query), xml.encode())
        encrypt = self.encrypt(xml.encode())
        query += [("encrypt_type", "aes"), ("msg_signature", _sha1(self.token, timestamp, nonce, encrypt))]
        inner = (
            xml.removeprefix("<xml>").removesuffix("</xml>")
            if self.mode == "compat"
            else _heading(self.to_user)
        )
        return Push(tuple(query), f"<xml>{inner}<Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode())

    def handshake(self, echo: str, *, at: datetime) -> Query:
        """The query of the console's verification."""
        timestamp, nonce = str(int(at.timestamp())), str(secrets.randbelow(10**10))
        signature = _sha1(self.token, timestamp, nonce)
        return (("signature", signature), ("echostr", echo), ("timestamp", timestamp), ("nonce", nonce))

    def answer(self, body: bytes) -> dict[str, str] | None:
        """The fields of a passive answer, None for `success` or an empty body; BadAnswer as the platform would."""
        if body in {b"", b"success"}:
            return None
        try:
            fields = _fields(body)
            if self.mode != "plain":
                fields = _fields(self._open_answer(fields))
        except (ElementTree.ParseError, KeyError, ValueError) as error:
            raise BadAnswer("malformed") from error
        if not {"ToUserName", "FromUserName", "CreateTime", "MsgType"} <= fields.keys():
            raise BadAnswer("incomplete")
        if (
            fields["MsgType"] == "text"
            and not 0 < len(fields.get("Content", "").encode()) <= MESSAGE_LIMIT_BYTES
        ):
            raise BadAnswer("length")
        return fields

    def encrypt(self, message: bytes) -> str:
        """The message in the platform's frame, as base64."""
        frame = (
            secrets.token_hex(8).encode() + struct.pack(">I", len(message)) + message + self.app_id.encode()
        )
        padder = PKCS7(256).padder()
        padded = padder.update(frame) + padder.finalize()
        encryptor = self._cipher().encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypt(self, encrypt: str) -> bytes:
        """The message inside an `Encrypt` field; ValueError if it isn't for this account."""
        decryptor, unpadder = self._cipher().decryptor(), PKCS7(256).unpadder()
        padded = decryptor.update(base64.b64decode(encrypt, validate=True)) + decryptor.finalize()
        frame = unpadder.update(padded) + unpadder.finalize()
        (length,) = struct.unpack(">I", frame[16:20])
        if frame[20 + length :] != self.app_id.encode():
            raise ValueError("another app id")
        return frame[20 : 20 + length]

    def _open_answer(self, envelope: Mapping[str, str]) -> bytes:
        parts = (self.token, envelope["TimeStamp"], envelope["Nonce"], envelope["Encrypt"])
        if envelope["MsgSignature"] != _sha1(*parts):
            raise ValueError("wrong signature")
        return self.decrypt(envelope["Encrypt"])

    def _heads(self, openid: str, message_type: str, at: datetime) -> dict[str, str]:
        names = {"ToUserName": self.to_user, "FromUserName": openid}
        return names | {"CreateTime": str(int(at.timestamp())), "MsgType": message_type}

    def _cipher(self) -> Cipher[modes.CBC]:
        if self.aes_key is None:
            raise ValueError(f"mode {self.mode} needs an EncodingAESKey")
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def to_xml(fields: Mapping[str, str]) -> str:
    """The fields as the platform writes them: texts in CDATA, numbers bare."""
    return "<xml>" + "".join(_element(name, value) for name, value in fields.items()) + "</xml>"


def _element(name: str, value: str) -> str:
    if name in PLAIN_FIELDS and value.isascii() and value.replace(".", "").isdigit():
        return f"<{name}>{value}</{name}>"
    return f"<{name}><![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>"


def _heading(to_user: str) -> str:
    return _element("ToUserName", to_user)


def _fields(xml: bytes) -> dict[str, str]:
    """The leaves of an answer by their names, nested ones too (an image's MediaId)."""
    root = ElementTree.fromstring(xml)  # noqa: S314  the answer of our own service
    if root.tag != "xml":
        raise ValueError("another root")
    return {element.tag: element.text or "" for element in root.iter() if len(element) == 0}


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  the platform's choice
