"""The platform's side of an official account or a mini-program, for the demo, the tests and the benchmark.

It encrypts, signs, and checks answers with its own code over `cryptography`, so that a mistake of the channel's code
can't cancel itself out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

Mode = Literal["plain", "compat", "safe"]
Format = Literal["xml", "json"]
Query = tuple[tuple[str, str], ...]
Items = Sequence[Mapping[str, str]]
"""The entries of an event's `List`: nested in XML; in JSON an array, or a bare object if there is one."""
MESSAGE_LIMIT_BYTES = 2048
PLAIN_FIELDS = frozenset(
    {"CreateTime", "MsgId", "MsgID", "Location_X", "Location_Y", "Scale", "PopupScene", "ErrorCode"}
)
JSON_NUMBERS = frozenset({"CreateTime", "MsgId", "MsgID"})
WRAPPERS = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}


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
    format: Format = "xml"

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

    def page(
        self, openid: str, path: str, title: str = "", *, at: datetime, msg_id: str | None = None
    ) -> Push:
        """A page of the mini-program that was shared into its chat."""
        fields = {"Title": title, "AppId": self.app_id, "PagePath": path, "ThumbUrl": "", "ThumbMediaId": "t"}
        return self.message(openid, "miniprogrampage", fields, at=at, msg_id=msg_id)

    def enter(self, openid: str, session_from: str = "", *, at: datetime) -> Push:
        """The chat of the mini-program was opened; `session_from` is what its button says."""
        return self.event(openid, "user_enter_tempsession", at=at, SessionFrom=session_from)

    def consents(
        self, openid: str, answers: Sequence[tuple[str, str]], *, at: datetime, changed: bool = False
    ) -> Push:
        """What somebody answered to subscriptions, (template id, accept or reject ...) each: in the popup, or
        `changed` in the settings later."""
        scene = {} if changed else {"PopupScene": "0"}
        items = [
            {"TemplateId": template, "SubscribeStatusString": status} | scene for template, status in answers
        ]
        name = "subscribe_msg_change_event" if changed else "subscribe_msg_popup_event"
        return self.listed(openid, name, items, at=at)

    def sent_reports(self, openid: str, reports: Sequence[tuple[str, str, str]], *, at: datetime) -> Push:
        """What became of subscription messages: (template id, message id, error code) each, "0" for arrived."""
        items = [
            {
                "TemplateId": template,
                "MsgID": number,
                "ErrorCode": code,
                "ErrorStatus": "success" if code == "0" else "fail",
            }
            for template, number, code in reports
        ]
        return self.listed(openid, "subscribe_msg_sent_event", items, at=at)

    def template_report(self, openid: str, number: str, status: str = "success", *, at: datetime) -> Push:
        """What became of the template message with that number: success, failed:user block ..."""
        return self.event(openid, "TEMPLATESENDJOBFINISH", at=at, MsgID=number, Status=status)

    def listed(self, openid: str, event: str, items: Items, *, at: datetime) -> Push:
        """An event with a list, once or several times nested."""
        return self.seal({**self._heads(openid, "event", at), "Event": event, "List": items}, at=at)

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

    def seal(self, fields: Mapping[str, str | Items], *, at: datetime) -> Push:
        """Push any fields; sending the same fields again is a redelivery with a fresh signature."""
        openid = str(fields.get("FromUserName", ""))
        if self.format == "json":
            return self.seal_json(to_json(fields), at=at, openid=openid)
        return self.seal_xml(to_xml(fields), at=at, openid=openid)

    def seal_xml(self, xml: str, *, at: datetime, openid: str = "") -> Push:
        """Push any document."""
        query, encrypt = self._sign(xml, at, openid)
        if not encrypt:
            return Push(query, xml.encode())
        inner = (
            xml.removeprefix("<xml>").removesuffix("</xml>")
            if self.mode == "compat"
            else _heading(self.to_user)
        )
        return Push(query, f"<xml>{inner}<Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode())

    def seal_json(self, document: str, *, at: datetime, openid: str = "") -> Push:
        """Push any JSON object."""
        query, encrypt = self._sign(document, at, openid)
        if not encrypt:
            return Push(query, document.encode())
        outer = document if self.mode == "compat" else to_json({"ToUserName": self.to_user})
        return Push(query, f'{outer.removesuffix("}")}, "Encrypt": "{encrypt}"}}'.encode())

    def _sign(self, document: str, at: datetime, openid: str) -> tuple[Query, str]:
        """The query of a push, and the encrypted document; "" in plain mode."""
        timestamp, nonce = str(int(at.timestamp())), str(secrets.randbelow(10**10))
        query = [("signature", _sha1(self.token, timestamp, nonce)), ("timestamp", timestamp)]
        query += [("nonce", nonce), ("openid", openid)]
        if self.mode == "plain":
            return tuple(query), ""
        encrypt = self.encrypt(document.encode())
        query += [("encrypt_type", "aes"), ("msg_signature", _sha1(self.token, timestamp, nonce, encrypt))]
        return tuple(query), encrypt

    def handshake(self, echo: str, *, at: datetime) -> Query:
        """The query of the console's verification."""
        timestamp, nonce = str(int(at.timestamp())), str(secrets.randbelow(10**10))
        signature = _sha1(self.token, timestamp, nonce)
        return (("signature", signature), ("echostr", echo), ("timestamp", timestamp), ("nonce", nonce))

    def answer(self, body: bytes) -> dict[str, str] | None:
        """The fields of a passive answer, None for `success` or an empty body; BadAnswer as the platform would."""
        if body in {b"", b"success"}:
            return None
        if self.format == "json":  # there are no passive answers of our kind
            raise BadAnswer("malformed")
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


def to_xml(fields: Mapping[str, str | Items]) -> str:
    """The fields as the platform writes them: texts in CDATA, numbers bare, a list inside the event's element."""
    inner = (
        _element(name, value) if isinstance(value, str) else _wrapped(str(fields.get("Event", "")), value)
        for name, value in fields.items()
    )
    return f"<xml>{''.join(inner)}</xml>"


def to_json(fields: Mapping[str, str | Items]) -> str:
    """The fields as the platform writes them: ids and times are numbers, but texts in an event with a list, and
    a list of one is no list."""
    listed = "List" in fields
    document: dict[str, object] = {}
    for name, value in fields.items():
        if not isinstance(value, str):
            document[name] = dict(value[0]) if len(value) == 1 else [dict(item) for item in value]
        elif name in JSON_NUMBERS and not listed and value.isascii() and value.isdigit():
            document[name] = int(value)
        else:
            document[name] = value
    return json.dumps(document, ensure_ascii=False)


def _wrapped(event: str, items: Items) -> str:
    name = WRAPPERS[event.lower()]
    lists = (
        f"<List>{''.join(_element(field, text) for field, text in item.items())}</List>" for item in items
    )
    return f"<{name}>{''.join(lists)}</{name}>"


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
