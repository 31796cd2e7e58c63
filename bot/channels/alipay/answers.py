"""Reads an answer of Alipay's OpenAPI: what is signed is the node as it stands in the body, byte for byte.

Parsing and writing it again would change its blanks, its order and its `\\/`. So the node is cut out by a scanner that
knows strings (a brace may well stand in one), verified as it is, and only then believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bot.channels.alipay.aes import ContentCipher
from bot.channels.alipay.codes import SUCCESS, reason
from bot.channels.alipay.signing import Verifier
from bot.errors import Refused, YimaError

ERROR_NODE = "error_response"
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_STEP = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


class AnswerUnusable(YimaError):
    """An answer came that can't be believed.

    `reason` is `alipay_html` (a page of something in between: the gateway never saw the call), `alipay_unreadable`
    or `alipay_unverified`; after the last two nobody knows what the platform did.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"answer unusable: {reason}")
        self.reason = reason


class PlatformRefused(YimaError):
    """The platform says that it failed, by its code and its sub code."""

    def __init__(self, code: str, sub_code: str) -> None:
        super().__init__(f"platform refused: {reason(code, sub_code)}")
        self.code = code
        self.sub_code = sub_code


def read_answer(
    body: bytes, method: str, *, verifier: Verifier, cipher: ContentCipher | None = None
) -> Mapping[str, Any]:
    """The values of a successful answer; AnswerUnusable or PlatformRefused for any other.

    A failure may come unsigned, as the platform's own clients accept it: one that can't check our signature has no
    key to answer with. A success must be signed, and a signature that is there must be right.
    """
    if body.lstrip().startswith(b"<"):
        raise AnswerUnusable("alipay_html")
    members = raw_members(body)
    node = _only(members, f"{method.replace('.', '_')}_response", ERROR_NODE)
    signature = _text(members, "sign")
    if signature and not verifier.signed_answer(
        node, signature.encode(), serial=_text(members, "alipay_cert_sn")
    ):
        raise AnswerUnusable("alipay_unverified")
    if not signature and node.startswith(b'"'):
        raise AnswerUnusable("alipay_unverified")
    values = _values(node, cipher)
    code = str(values.get("code", ""))
    if ERROR_NODE in members or code not in ("", SUCCESS) or values.get("sub_code"):
        raise PlatformRefused(code, str(values.get("sub_code", "")))
    if not signature:
        raise AnswerUnusable("alipay_unverified")
    return values


def raw_members(body: bytes) -> dict[str, bytes]:
    """The values of a JSON object by their names, each as it stands there, without the blanks around it.

    AnswerUnusable for anything that isn't one JSON object in UTF-8 whose names are all different.
    """
    if not isinstance(_parsed(body), dict):
        raise AnswerUnusable("alipay_unreadable")
    members: dict[str, bytes] = {}
    depth, begin, end = 0, -1, -1
    name: str | None = None
    for token in _TOKEN.finditer(body):
        mark = token.group()
        if depth == 1 and mark in (b",", b"}"):
            if name in members:
                raise AnswerUnusable("alipay_unreadable")
            if name is not None:
                members[name] = body[begin:end]
            name, begin = None, -1
        elif depth == 1 and name is None:
            name = json.loads(mark)
        elif depth >= 1 and begin < 0 and mark != b":":
            begin = token.start()
        depth += _STEP.get(mark, 0)
        end = token.end()
    return members


def _only(members: Mapping[str, bytes], *names: str) -> bytes:
    found = [members[name] for name in names if name in members]
    if len(found) != 1:
        raise AnswerUnusable("alipay_unreadable")
    return found[0]


def _text(members: Mapping[str, bytes], name: str) -> str:
    """A member that is a text, "" without one; a signature of half characters is none."""
    value = json.loads(members.get(name, b'""'))
    return value if isinstance(value, str) and value.isascii() else ""


def _values(node: bytes, cipher: ContentCipher | None) -> Mapping[str, Any]:
    """The object in a node, or the one in its encrypted text."""
    values = _parsed(node)
    if isinstance(values, str) and cipher is not None:
        try:
            values = _parsed(cipher.decrypt(values.encode("utf-8", "surrogatepass")))
        except Refused as error:
            raise AnswerUnusable("alipay_unreadable") from error
    if not isinstance(values, dict):
        raise AnswerUnusable("alipay_unreadable")
    return values


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        raise AnswerUnusable("alipay_unreadable") from error
