"""A WeChat message becomes an `Incoming`; wechatpy's message classes name the kinds and their fields.

wechatpy's `parse_message` itself is not used: it strips what was typed, fails on a `MsgId` that is not a number,
and raises five unrelated exceptions on odd input. It is the oracle in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wechatpy.events import EVENT_TYPES
from wechatpy.messages import MESSAGE_TYPES, UnknownMessage

from bot.channels.names import OFFICIAL
from bot.channels.said import Said, digest, key_of, types_of
from bot.channels.wechat.envelope import SECONDS_FORM
from bot.channels.wechat.reports import REPORTS, Lists, no_lists
from bot.errors import Refused
from bot.message import Incoming, Kind, Media, Spot

DEGREES_FORM = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
LONGEST_NAME = 128
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


def read_message(
    fields: Mapping[str, str],
    *,
    received_at: datetime,
    channel: str = OFFICIAL,
    lists: Lists = no_lists,
) -> Received:
    """Translate the fields of one push; Refused if one is missing that every message has.

    `lists` reads the entries of the event's list, for the few events that have one.
    """
    account, ours = _name(fields, "FromUserName"), _name(fields, "ToUserName")
    sent_at = _instant(fields.get("CreateTime", ""))
    message_type, event = types_of(fields, "Event")
    reader = READERS.get((message_type, event))
    if reader is None:
        report = REPORTS[event](fields, lists) if event in REPORTS else None
        if report is None:
            return Received(None, _kind_name(message_type, event), account, ours)
        reported = Incoming(
            channel=channel,
            account=account,
            key=f"e:{digest(event, *report.told_apart)}",
            kind=report.kind,
            received_at=received_at,
            sent_at=sent_at,
            consents=report.consents,
            deliveries=report.deliveries,
        )
        return Received(reported, report.kind.value, account, ours)
    said = reader(_view(message_type, event, fields))
    incoming = said.by(
        channel, account, key=_key(fields, message_type, event), received_at=received_at, sent_at=sent_at
    )
    return Received(incoming, said.kind.value, account, ours)


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
    message_id = "" if event else fields.get("MsgId", "").strip()
    return key_of(
        message_id,
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
        is_event=bool(event),
    )


def _kind_name(message_type: str, event: str) -> str:
    """A name for the counter; whoever pushes can't invent one."""
    if event:
        return f"event_{event}" if event in EVENT_TYPES or event in LATER_EVENTS else f"event_{UNNAMED}"
    return message_type if message_type in MESSAGE_TYPES or message_type in LATER_MESSAGES else UNNAMED


def _view(message_type: str, event: str, fields: Mapping[str, str]) -> Any:  # wechatpy has no types
    """The fields as wechatpy's class for that kind."""
    types = EVENT_TYPES if event else MESSAGE_TYPES
    return types.get(event or message_type, UnknownMessage)(dict(fields))


def _text(message: Any) -> Said:
    return Said(Kind.TEXT, text=message.content or "", event_key=message._data.get("bizmsgmenuid", ""))


def _voice(message: Any) -> Said:
    media = Media(message.media_id or "", form=message.format or "")
    return Said(Kind.VOICE, text=message.recognition or "", media=media)


def _image(message: Any) -> Said:
    return Said(Kind.IMAGE, media=Media(message.media_id or "", url=message.image or ""))


def _location(message: Any) -> Said:
    spot = Spot(_degrees(message.location_x), _degrees(message.location_y), message.label or "")
    return Said(Kind.LOCATION, spot=spot)


def _degrees(text: str | None) -> str:
    degrees = (text or "").strip()
    if DEGREES_FORM.fullmatch(degrees) is None:
        raise Refused("malformed_xml")
    return degrees


def _follow(message: Any) -> Said:
    return Said(Kind.FOLLOW, event_key=_event_key(message).removeprefix(QR_PREFIX))


def _unfollow(message: Any) -> Said:
    return Said(Kind.UNFOLLOW)


def _menu(message: Any) -> Said:
    return Said(Kind.MENU, event_key=_event_key(message))


def _scan(message: Any) -> Said:
    return Said(Kind.SCAN, event_key=_event_key(message))


def _view_page(message: Any) -> Said:
    return Said(Kind.VIEW, event_key=_event_key(message))


def _page(message: Any) -> Said:
    return Said(Kind.PAGE, event_key=message._data.get("PagePath", "").strip()[:LONGEST_PAGE])


def _enter(message: Any) -> Said:
    return Said(Kind.ENTER, event_key=message._data.get("SessionFrom", "").strip()[:LONGEST_PAGE])


def _event_key(message: Any) -> str:
    return str(message._data.get("EventKey", ""))


READERS: dict[tuple[str, str], Callable[[Any], Said]] = {
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
