"""Messages and replies as plain data, to be sealed into the inbox and opened again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.message import (
    Card,
    Choice,
    Choices,
    Consent,
    Delivery,
    Incoming,
    Kind,
    Media,
    Picture,
    Reply,
    Spot,
    Text,
)


def reply_to_plain(reply: Reply) -> list[Any]:
    """A reply as JSON-able lists, one per part."""
    return [_part_to_plain(part) for part in reply.parts]


def _part_to_plain(part: Text | Choices | Picture | Card) -> list[Any]:
    if isinstance(part, Text):
        return ["text", part.text]
    if isinstance(part, Choices):
        return ["choices", part.text, [[choice.label, choice.value] for choice in part.choices]]
    if isinstance(part, Card):
        return ["card", part.title, list(part.lines), part.url]
    return ["picture", part.media_id, part.text]


def reply_from_plain(plain: list[Any]) -> Reply:
    """The reply that `reply_to_plain` made."""
    return Reply(tuple(_part_from_plain(part) for part in plain))


def _part_from_plain(part: list[Any]) -> Text | Choices | Picture | Card:
    kind, *rest = part
    if kind == "text":
        return Text(rest[0])
    if kind == "choices":
        return Choices(tuple(Choice(label, value) for label, value in rest[1]), rest[0])
    if kind == "card":
        return Card(rest[0], tuple(rest[1]), rest[2])
    return Picture(rest[0], rest[1])


def incoming_to_plain(message: Incoming) -> dict[str, Any]:
    """A message as JSON-able data."""
    return {
        "channel": message.channel,
        "account": message.account,
        "key": message.key,
        "kind": message.kind.value,
        "received_at": message.received_at.isoformat(),
        "text": message.text,
        "event_key": message.event_key,
        "media": [message.media.media_id, message.media.url, message.media.form] if message.media else None,
        "spot": [message.spot.latitude, message.spot.longitude, message.spot.label] if message.spot else None,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "consents": [[each.template_id, each.given] for each in message.consents],
        "deliveries": [
            [each.platform_id, each.arrived, each.reason, each.template_id] for each in message.deliveries
        ],
    }


def incoming_from_plain(plain: dict[str, Any]) -> Incoming:
    """The message that `incoming_to_plain` made."""
    return Incoming(
        channel=plain["channel"],
        account=plain["account"],
        key=plain["key"],
        kind=Kind(plain["kind"]),
        received_at=datetime.fromisoformat(plain["received_at"]),
        text=plain["text"],
        event_key=plain["event_key"],
        media=Media(*plain["media"]) if plain["media"] else None,
        spot=Spot(*plain["spot"]) if plain["spot"] else None,
        sent_at=datetime.fromisoformat(plain["sent_at"]) if plain["sent_at"] else None,
        consents=tuple(Consent(*each) for each in plain.get("consents", ())),
        deliveries=tuple(Delivery(*each) for each in plain.get("deliveries", ())),
    )
