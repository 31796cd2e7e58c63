"""The JSON in which a mini-program may be pushed, read into the same texts as the XML.

The standard library's reader, not orjson's: it can refuse a key that is there twice, and it leaves a long id as
the digits that were sent. What isn't a text or a number is left out, so that a wrong type is a missing field.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from bot.channels.wechat.envelope import MOST_ITEMS
from bot.channels.xml_reader import UNPRINTABLE
from bot.errors import Refused

DEEPEST = 16
MALFORMED = "malformed_json"
LIST = "List"
# possessive, and the last quote may be missing: every character is read once
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class JsonFields:
    """One JSON object: its texts, and the entries of its `List`, which may be one object or an array of them."""

    texts: dict[str, str]
    items: list[dict[str, str]]


def read_json(body: bytes) -> JsonFields:
    """Read one push; Refused for a key that is there twice, too deep a nesting, and whatever is no object."""
    try:
        document = body.decode()
        _check_depth(document)
        read = json.loads(
            document,
            object_pairs_hook=_object,
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
            strict=False,
        )
    except ValueError as error:
        raise Refused(MALFORMED) from error
    if not isinstance(read, dict):
        raise Refused(MALFORMED)
    return JsonFields(_texts(read), [_texts(item) for item in _listed(read.get(LIST))])


def encrypted_member(body: bytes) -> str | None:
    """The ciphertext of an encrypted push."""
    return read_json(body).texts.get("Encrypt")


def _listed(value: object) -> list[dict[str, object]]:
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    objects = [item for item in items if isinstance(item, dict)]
    if len(items) > MOST_ITEMS or len(objects) < len(items):
        raise Refused(MALFORMED)
    return objects


def _texts(members: dict[str, object]) -> dict[str, str]:
    """The texts and numbers, without the control characters that XML can't hold either."""
    return {name: UNPRINTABLE.sub("", value) for name, value in members.items() if isinstance(value, str)}


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused(MALFORMED)
    return members


def _refuse_constant(name: str) -> object:
    raise Refused(MALFORMED)


def _check_depth(document: str) -> None:
    """Before it is read, because reading goes one call deeper with every bracket."""
    if document.count("{") + document.count("[") <= DEEPEST:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", document)):
        depth += 1 if bracket in "{[" else -1
        if depth > DEEPEST:
            raise Refused(MALFORMED)
