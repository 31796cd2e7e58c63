"""A WeChat message becomes an `Incoming`; wechatpy's message classes name the kinds and their fields.

wechatpy's `parse_message` itself is not used: it strips what was typed, fails on a `MsgId` that is not a number,
and raises five unrelated exceptions on odd input. It is the oracle in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from wechatpy.events import EVENT_TYPES
from wechatpy.messages import MESSAGE_TYPES, UnknownMessage

from bot.channels.wechat.envelope import SECONDS_FORM
from bot.channels.wechat.reports import REPORTS, Lists, no_lists
from bot.errors import Refused
from bot.message import Incoming, Kind, Media, Spot

CHANNEL = "wechat_official"
MINI_CHANNEL = "wechat_mini"
DEGREES_FORM = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
LONGEST_NAME = 128
LONGEST_KEY = 64
LONGEST_PAGE = 256
QR_PREFIX = "qrscene_"
UNNAMED = "other"
# Named by the platform's documents, but unknown to this version of wechatpy.
LATER_MESSAGES = frozenset({"file", "miniprogrampage"})
LATER_EVENTS = frozenset({*REPORTS, "user_enter_tempsession", "wxa_media_check"})


@dataclass(frozen=True, slots=True)
class Received:
    """One push: `incoming` is None for a kind that has no answer, `kind` is a name from a closed list."""

    incoming: Incoming | None
    kind: str
    account: str = field(repr=False)
    ours: str


@dataclass(frozen=True, slots=True)
class _Said:
    """The part of an `Incoming` that depends on its kind."""

    kind: Kind
    text: str = ""
    event_key: str = ""
    media: Media | None = None
    spot: Spot | None = None


def read_message(
    fields: Mapping[str, str],
    *,
    received_at: datetime,
    channel: str = CHANNEL,
    lists: Lists = no_lists,
) -> Received:
    """Translate the fields of one push; Refused if one is missing that every message has.

    `lists` reads the entries of the event's list, for the few events that have one.
    """
    account, ours = _name(fields, "FromUserName"), _name(fields, "ToUserName")
    sent_at = _instant(fields.get("CreateTime", ""))
    message_type, event = _types(fields)
    reader = READERS.get((message_type, event))
    if reader is None:
        report = REPORTS[event](fields, lists) if event in REPORTS else None
        if report is None:
            return Received(None, _kind_name(message_type, event), account, ours)
        reported = Incoming(
            channel=channel,
            account=account,
            key=f"e:{_digest(event, *report.told_apart)}",
            kind=report.kind,
            received_at=received_at,
            sent_at=sent_at,
            consents=report.consents,
            deliveries=report.deliveries,
        )
        return Received(reported, report.kind.value, account, ours)
    said = reader(_view(message_type, event, fields))
    incoming = Incoming(
        channel=channel,
        account=account,
        key=_key(fields, message_type, event),
        kind=said.kind,
        received_at=received_at,
        text=said.text,
        event_key=said.event_key,
        media=said.media,
        spot=said.spot,
        sent_at=sent_at,
    )
    return Received(incoming, said.kind.value, account, ours)


def _types(fields: Mapping[str, str]) -> tuple[str, str]:
    """The lower-case type and, for events, its lower-case name: the wire mixes cases."""
    message_type = fields.get("MsgType", "").strip().lower()
    event = fields.get("Event", "").strip().lower() if message_type == "event" else ""
    if not message_type or (message_type == "event" and not event):
        raise Refused("malformed_xml")
    return message_type, event


def _name(fields: Mapping[str, str], field: str) -> str:
    name = fields.get(field, "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise Refused("malformed_xml")
    return name


def _instant(seconds: str) -> datetime:
    if SECONDS_FORM.fullmatch(seconds.strip()) is None:
        raise Refused("malformed_xml")
    return datetime.fromtimestamp(int(seconds), UTC)


def _key(fields: Mapping[str, str], message_type: str, event: str) -> str:
    """What all deliveries of one message share: its id, which may be any text, or a digest of what tells it apart.

    The digest, not the values, because the account id among them is sealed wherever it is stored.
    """
    message_id = "" if event else fields.get("MsgId", "").strip()
    if message_id and len(message_id) <= LONGEST_KEY:
        return f"m:{message_id}"
    parts = (
        fields["FromUserName"],
        fields["CreateTime"],
        message_type,
        event,
        fields.get("EventKey", ""),
        message_id,
        fields.get("Content", ""),
        fields.get("MediaId", ""),
        fields.get("PagePath", ""),
        fields.get("SessionFrom", ""),
    )
    digest = _digest(*parts)
    return f"e:{digest}" if event else f"m:{digest}"


def _digest(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()


def _kind_name(message_type: str, event: str) -> str:
    """A name for the counter; whoever pushes can't invent one."""
    if event:
        return f"event_{event}" if event in EVENT_TYPES or event in LATER_EVENTS else f"event_{UNNAMED}"
    return message_type if message_type in MESSAGE_TYPES or message_type in LATER_MESSAGES else UNNAMED


def _view(message_type: str, event: str, fields: Mapping[str, str]) -> Any:  # wechatpy has no types
    """The fields as wechatpy's class for that kind."""
    types = EVENT_TYPES if event else MESSAGE_TYPES
    return types.get(event or message_type, UnknownMessage)(dict(fields))


def _text(message: Any) -> _Said:
    return _Said(Kind.TEXT, text=message.content or "", event_key=message._data.get("bizmsgmenuid", ""))


def _voice(message: Any) -> _Said:
    media = Media(message.media_id or "", form=message.format or "")
    return _Said(Kind.VOICE, text=message.recognition or "", media=media)


def _image(message: Any) -> _Said:
    return _Said(Kind.IMAGE, media=Media(message.media_id or "", url=message.image or ""))


def _location(message: Any) -> _Said:
    spot = Spot(_degrees(message.location_x), _degrees(message.location_y), message.label or "")
    return _Said(Kind.LOCATION, spot=spot)


def _degrees(text: str | None) -> str:
    degrees = (text or "").strip()
    if DEGREES_FORM.fullmatch(degrees) is None:
        raise Refused("malformed_xml")
    return degrees


def _follow(message: Any) -> _Said:
    return _Said(Kind.FOLLOW, event_key=_event_key(message).removeprefix(QR_PREFIX))


def _unfollow(message: Any) -> _Said:
    return _Said(Kind.UNFOLLOW)


def _menu(message: Any) -> _Said:
    return _Said(Kind.MENU, event_key=_event_key(message))


def _scan(message: Any) -> _Said:
    return _Said(Kind.SCAN, event_key=_event_key(message))


def _view_page(message: Any) -> _Said:
    return _Said(Kind.VIEW, event_key=_event_key(message))


def _page(message: Any) -> _Said:
    return _Said(Kind.PAGE, event_key=message._data.get("PagePath", "").strip()[:LONGEST_PAGE])


def _enter(message: Any) -> _Said:
    return _Said(Kind.ENTER, event_key=message._data.get("SessionFrom", "").strip()[:LONGEST_PAGE])


def _event_key(message: Any) -> str:
    return str(message._data.get("EventKey", ""))


READERS: dict[tuple[str, str], Callable[[Any], _Said]] = {
    ("text", ""): _text,
    ("voice", ""): _voice,
    ("image", ""): _image,
    ("location", ""): _location,
    ("miniprogrampage", ""): _page,
    ("event", "subscribe"): _follow,
    ("event", "unsubscribe"): _unfollow,
    ("event", "click"): _menu,
    ("event", "scan"): _scan,
    ("event", "view"): _view_page,
    ("event", "user_enter_tempsession"): _enter,
}
