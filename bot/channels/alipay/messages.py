"""A message of Alipay's gateway becomes an `Incoming`; what it says about the person beside the id is dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.channels.names import ALIPAY
from bot.channels.said import Said, key_of, types_of
from bot.errors import Refused
from bot.message import Incoming, Kind, Media

LONGEST_ACTION = 2048
UNNAMED = "other"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"[0-9]{1,14}")
# Digits, or the letters of an open id.
_ACCOUNT = re.compile(r"[A-Za-z0-9_.+/=\-]{1,128}")
_WHAT_TELLS_APART = ("CreateTime", "MsgType", "EventType", "ActionParam", "Text/Content", "Image/MediaId")


@dataclass(frozen=True, slots=True)
class Received:
    """One message: `incoming` is None for a kind that has no answer, `kind` is a name from a closed list."""

    incoming: Incoming | None
    kind: str
    account: str = field(repr=False)


def read_message(fields: Mapping[str, str], *, received_at: datetime) -> Received:
    """Translate the fields of one message; Refused if one is missing that every message has."""
    account = _account(fields)
    sent_at = sending_time(fields)
    message_type, event = types_of(fields, "EventType")
    reader = READERS.get((message_type, event))
    if reader is None:
        return Received(None, f"event_{UNNAMED}" if event else UNNAMED, account)
    said = reader(fields)
    key = _key(fields, account, is_event=bool(event))
    incoming = said.by(ALIPAY, account, key=key, received_at=received_at, sent_at=sent_at)
    return Received(incoming, said.kind.value, account)


def sending_time(fields: Mapping[str, str]) -> datetime:
    """When the platform says that it was sent; its `CreateTime` is in milliseconds."""
    return instant(fields.get("CreateTime", ""))


def instant(milliseconds: str) -> datetime:
    """An instant of the platform, in UTC; Refused if it is no number of milliseconds."""
    if _MILLISECONDS.fullmatch(milliseconds.strip()) is None:
        raise Refused("bad_timestamp")
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def is_account(address: str) -> bool:
    """Whether this can be the id of an account: it is stored, and stands in what is signed."""
    return _ACCOUNT.fullmatch(address) is not None


def _account(fields: Mapping[str, str]) -> str:
    """The user id, or for an old account the open id of this app alone."""
    account = fields.get("FromAlipayUserId", "").strip() or fields.get("FromUserId", "").strip()
    if not is_account(account):
        raise Refused("malformed_xml")
    return account


def _key(fields: Mapping[str, str], account: str, *, is_event: bool) -> str:
    message_id = fields.get("MsgId", "").strip()
    told_apart = (fields.get(name, "") for name in _WHAT_TELLS_APART)
    return key_of(message_id, account, message_id, *told_apart, is_event=is_event)


def _text(fields: Mapping[str, str]) -> Said:
    return Said(Kind.TEXT, text=fields.get("Text/Content", ""))


def _image(fields: Mapping[str, str]) -> Said:
    media = Media(fields.get("Image/MediaId", ""), form=fields.get("Image/Format", ""))
    return Said(Kind.IMAGE, media=media)


def _follow(fields: Mapping[str, str]) -> Said:
    return Said(Kind.FOLLOW, event_key=_scene(_action(fields)) or "")


def _unfollow(fields: Mapping[str, str]) -> Said:
    return Said(Kind.UNFOLLOW)


def _enter(fields: Mapping[str, str]) -> Said:
    return Said(Kind.ENTER, event_key=_scene(_action(fields)) or "")


def _click(fields: Mapping[str, str]) -> Said:
    action = _action(fields)
    scene = _scene(action)
    return Said(Kind.MENU, event_key=action if scene is None else scene)


def _action(fields: Mapping[str, str]) -> str:
    action = fields.get("ActionParam", "").strip()
    return action if len(action) <= LONGEST_ACTION else ""


def _scene(action: str) -> str | None:
    """The scene of a QR code, which travels as `{"scene":{"sceneId":"…"}}`; None if there is none."""
    if not action.startswith("{"):
        return None
    try:
        found = json.loads(action)["scene"]["sceneId"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    # JSON can name half a character, which no column takes
    return found if isinstance(found, str) and found.isprintable() else None


READERS: dict[tuple[str, str], Callable[[Mapping[str, str]], Said]] = {
    ("text", ""): _text,
    ("image", ""): _image,
    ("event", "follow"): _follow,
    ("event", "unfollow"): _unfollow,
    ("event", "enter"): _enter,
    ("event", "click"): _click,
}
