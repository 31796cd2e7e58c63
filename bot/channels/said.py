"""What the readers of all platforms share: what was said, of which type, and what tells one message from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from bot.errors import Refused
from bot.message import Incoming, Kind, Media, Spot

LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Said:
    """The part of an `Incoming` that depends on its kind."""

    kind: Kind
    text: str = ""
    event_key: str = ""
    media: Media | None = None
    spot: Spot | None = None

    def by(
        self, channel: str, account: str, *, key: str, received_at: datetime, sent_at: datetime
    ) -> Incoming:
        """The whole message of that account."""
        return Incoming(
            channel=channel,
            account=account,
            key=key,
            kind=self.kind,
            received_at=received_at,
            text=self.text,
            event_key=self.event_key,
            media=self.media,
            spot=self.spot,
            sent_at=sent_at,
        )


def types_of(fields: Mapping[str, str], event_field: str) -> tuple[str, str]:
    """The lower-case type and, for events, its lower-case name: the wire mixes cases."""
    message_type = fields.get("MsgType", "").strip().lower()
    event = fields.get(event_field, "").strip().lower() if message_type == "event" else ""
    if not message_type or (message_type == "event" and not event):
        raise Refused("malformed_xml")
    return message_type, event


def key_of(message_id: str, *parts: str, is_event: bool) -> str:
    """What all deliveries of one message share: its id, which may be any text, or a digest of what tells it apart.

    The digest, not the values, because the account id among them is sealed wherever it is stored.
    """
    if message_id and len(message_id) <= LONGEST_KEY:
        return f"m:{message_id}"
    return f"{'e' if is_event else 'm'}:{digest(*parts)}"


def digest(*parts: str) -> str:
    return blake2b("\x00".join(parts).encode(), digest_size=16).hexdigest()
