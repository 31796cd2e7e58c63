"""What surrounds a WeChat message: the query of a push, XML fields, and the envelope of an encrypted answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.channels.wechat.crypto import sign
from bot.channels.xml_reader import UNPRINTABLE, XmlReader
from bot.errors import Refused

CONTROL_BYTES = bytes(code for code in range(32) if code not in b"\t\n\r")
SECONDS_FORM = re.compile(r"[0-9]{1,11}")
MOST_ITEMS = 100
ENVELOPE = (
    "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
    "<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
)


def read_query(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The parameters of a push; a key that is there twice is refused, because two readers could differ on it."""
    parameters = dict(query)
    if len(parameters) != len(query):
        raise Refused("duplicate_query_key")
    return parameters


def check_fresh(timestamp: str, *, wire: datetime, window_seconds: int) -> None:
    """Refuse a push that was signed too long before or after this instant."""
    if SECONDS_FORM.fullmatch(timestamp) is None:
        raise Refused("bad_timestamp")
    if abs(wire.timestamp() - int(timestamp)) > window_seconds:
        raise Refused("stale_timestamp")


def read_fields(xml: bytes) -> dict[str, str]:
    """The texts of the elements right below `<xml>`, verbatim; what is nested deeper is left out.

    Control characters, which XML forbids but phones send, are dropped. Refused: a DOCTYPE, another root, an
    element that is there twice, whatever is not well-formed UTF-8 XML.
    """
    reader = _FieldReader()
    reader.read(xml.translate(None, CONTROL_BYTES))
    return reader.fields


def encrypted_field(xml: bytes) -> str | None:
    """The ciphertext of an encrypted push."""
    return read_fields(xml).get("Encrypt")


def read_lists(xml: bytes) -> list[dict[str, str]]:
    """The fields of every `<List>` within an event's own element, of a document that `read_fields` has read."""
    reader = _ListReader()
    reader.read(xml.translate(None, CONTROL_BYTES))
    return reader.items


def seal_envelope(encrypt: str, *, token: str, timestamp: str, nonce: str) -> bytes:
    """The signed XML in which an encrypted answer travels; `nonce` must be letters and digits."""
    signature = sign(token, timestamp, nonce, encrypt)
    return ENVELOPE.format(encrypt=encrypt, signature=signature, timestamp=timestamp, nonce=nonce).encode(
        "ascii"
    )


def cdata(text: str) -> str:
    """The text as it may stand inside CDATA: no character that XML forbids, and no end of the section."""
    return UNPRINTABLE.sub("", text).replace("]]>", "]]]]><![CDATA[>")


class _FieldReader(XmlReader):
    """Collects the texts at depth two; one per document."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._depth = 0

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and name != "xml":
            raise Refused("malformed_xml")
        self._depth += 1
        if self._depth == 2:
            if name in self.fields:
                raise Refused("malformed_xml")
            self._pieces.clear()

    def _end(self, name: str) -> None:
        if self._depth == 2:
            self.fields[name] = "".join(self._pieces)
        elif self._depth > 2:
            self._pieces.clear()
        self._depth -= 1


class _ListReader(_FieldReader):
    """Collects the texts at depth four, below `<xml><SomeEvent><List>`."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[dict[str, str]] = []
        self._listed = False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 3:
            self._listed = name == "List"
            if self._listed:
                self.items.append({})
                if len(self.items) > MOST_ITEMS:
                    raise Refused("malformed_xml")
        elif self._depth == 4 and self._listed:
            if name in self.items[-1]:
                raise Refused("malformed_xml")
            self._pieces.clear()

    def _end(self, name: str) -> None:
        if self._depth == 4 and self._listed:
            self.items[-1][name] = "".join(self._pieces)
        elif self._depth > 4:
            self._pieces.clear()
        self._depth -= 1
