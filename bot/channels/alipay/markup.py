"""The XML of Alipay's gateway: nested fields in, the signed wrapper of an answer out.

A message is decoded before it is parsed: expat can't read GBK, but takes text whatever encoding it declares.
"""

from __future__ import annotations

from bot.channels.xml_reader import UNPRINTABLE, XmlReader
from bot.errors import Refused

DEEPEST = 8
_ANSWER = (
    '<?xml version="1.0" encoding="{charset}"?><alipay><response>{inner}</response><sign>{signature}</sign>'
    "<sign_type>{sign_type}</sign_type></alipay>"
)
_ACK = (
    "<XML><ToUserId><![CDATA[{account}]]></ToUserId><AppId><![CDATA[{app_id}]]></AppId>"
    "<CreateTime>{milliseconds}</CreateTime><MsgType><![CDATA[ack]]></MsgType></XML>"
)


def read_fields(xml: str) -> dict[str, str]:
    """The texts of the innermost elements by their path below the root, such as `Text/Content`, verbatim.

    Control characters, which XML forbids but phones send, are dropped. Refused: a DOCTYPE (and with it every
    entity), another root than XML, a path that is there twice, deep nesting, whatever is not well-formed.
    """
    reader = _FieldReader()
    reader.read(UNPRINTABLE.sub("", xml))
    return reader.fields


def wrap_answer(inner: str, *, charset: str, signature: str, sign_type: str) -> bytes:
    """The body of a signed answer; what it is made of is ASCII, which is the same bytes in every charset here."""
    text = _ANSWER.format(charset=charset, inner=inner, signature=signature, sign_type=sign_type)
    return text.encode("ascii")


def acknowledgement(account: str, app_id: str, milliseconds: int) -> str:
    """What is signed to say that a message was taken; neither name may hold anything but plain characters."""
    return _ACK.format(account=account, app_id=app_id, milliseconds=milliseconds)


class _FieldReader(XmlReader):
    """Collects the texts of elements without children; one per document."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._path: list[str] = []
        self._seen: set[str] = set()
        self._innermost = False

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) == DEEPEST or (not self._path and name.upper() != "XML"):
            raise Refused("malformed_xml")
        self._path.append(name)
        path = "/".join(self._path[1:])
        if path in self._seen:
            raise Refused("malformed_xml")
        self._seen.add(path)
        self._pieces.clear()
        self._innermost = True

    def _end(self, name: str) -> None:
        if self._innermost and len(self._path) > 1:
            self.fields["/".join(self._path[1:])] = "".join(self._pieces)
        self._path.pop()
        self._innermost = False
