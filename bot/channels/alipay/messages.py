"""A message of Alipay's gateway becomes an `Incoming`; what it says about the person beside the id is dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from bot.errors import Refused
from bot.message import Incoming, Kind, Media

CHANNEL = "alipay"
LONGEST_KEY = 64
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


@dataclass(frozen=True, slots=True)
class _Said:
    """The part of an `Incoming` that depends on its kind."""

    kind: Kind
    text: str = ""
    event_key: str = ""
    media: Media | None = None


def read_message(fields: Mapping[str, str], *, received_at: datetime) -> Received:
    """Translate the fields of one message; Refused if one is missing that every message has."""
    account = _account(fields)
    sent_at = sending_time(fields)
    message_type, event = _types(fields)
    reader = READERS.get((message_type, event))
    if reader is None:
        return Received(None, f"event_{UNNAMED}" if event else UNNAMED, account)
    said = reader(fields)
    incoming = Incoming(
        channel=CHANNEL,
        account=account,
        key=_key(fields, account, is_event=bool(event)),
        kind=said.kind,
        received_at=received_at,
        text=said.text,
        event_key=said.event_key,
        media=said.media,
        sent_at=sent_at,
    )
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


def _types(fields: Mapping[str, str]) -> tuple[str, str]:
    message_type = fields.get("MsgType", "").strip().lower()
    event = fields.get("EventType", "").strip().lower() if message_type == "event" else ""
    if not message_type or (message_type == "event" and not event):
        raise Refused("malformed_xml")
    return message_type, event


def _key(fields: Mapping[str, str], account: str, *, is_event: bool) -> str:
    """What all deliveries of one message share: its id, or a digest of what tells it apart.

    The digest, not the values, because the account id among them is sealed wherever it is stored.
    """
    message_id = fields.get("MsgId", "").strip()
    if message_id and len(message_id) <= LONGEST_KEY:
        return f"m:{message_id}"
    parts = (account, message_id, *(fields.get(name, "") for name in _WHAT_TELLS_APART))
    digest = blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()
    return f"e:{digest}" if is_event else f"m:{digest}"


def _text(fields: Mapping[str, str]) -> _Said:
    return _Said(Kind.TEXT, text=fields.get("Text/Content", ""))


def _image(fields: Mapping[str, str]) -> _Said:
    media = Media(fields.get("Image/MediaId", ""), form=fields.get("Image/Format", ""))
    return _Said(Kind.IMAGE, media=media)


def _follow(fields: Mapping[str, str]) -> _Said:
    return _Said(Kind.FOLLOW, event_key=_scene(_action(fields)) or "")


def _unfollow(fields: Mapping[str, str]) -> _Said:
    return _Said(Kind.UNFOLLOW)


def _enter(fields: Mapping[str, str]) -> _Said:
    return _Said(Kind.ENTER, event_key=_scene(_action(fields)) or "")


def _click(fields: Mapping[str, str]) -> _Said:
    action = _action(fields)
    scene = _scene(action)
    return _Said(Kind.MENU, event_key=action if scene is None else scene)


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


READERS: dict[tuple[str, str], Callable[[Mapping[str, str]], _Said]] = {
    ("text", ""): _text,
    ("image", ""): _image,
    ("event", "follow"): _follow,
    ("event", "unfollow"): _unfollow,
    ("event", "enter"): _enter,
    ("event", "click"): _click,
}
