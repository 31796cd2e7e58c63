"""The simulator's channel: the same conversation as on a phone, over plain JSON, in development only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.channels.outbound import Effect, Outgoing, SendFailed, Sent, Trouble, Way, Words
from bot.clock import Clock
from bot.errors import BadRequest
from bot.message import Card, Choices, Incoming, Kind, Part, Picture, Reply, Text

CHANNEL = "simulator"
LONGEST_USER = 128
LONGEST_TEXT = 4096
LONGEST_KEY = 64
KINDS = {kind.value: kind for kind in (Kind.TEXT, Kind.FOLLOW, Kind.UNFOLLOW, Kind.MENU)}


class SimulatorChannel:
    """`{"user", "text"}` becomes an `Incoming`; a `Reply` becomes a list of JSON objects."""

    name = CHANNEL

    def open(self, body: object, *, received_at: datetime) -> Incoming:
        """Read one posted message; BadRequest if it isn't one.

        Optional: `key`, the same for a message that is posted again; `kind` (text, follow, unfollow, menu) and
        `event_key`, the item of the menu.
        """
        if not isinstance(body, Mapping):
            raise BadRequest("not_an_object")
        user = _string(body, "user", LONGEST_USER).strip()
        if not user:
            raise BadRequest("missing_user")
        kind = KINDS.get(_string(body, "kind", LONGEST_KEY) or Kind.TEXT.value)
        if kind is None:
            raise BadRequest("unknown_kind")
        return Incoming(
            channel=CHANNEL,
            account=user,
            key=_string(body, "key", LONGEST_KEY) or secrets.token_hex(16),
            kind=kind,
            received_at=received_at,
            text=_string(body, "text", LONGEST_TEXT),
            event_key=_string(body, "event_key", LONGEST_KEY),
        )

    def seal(self, reply: Reply | None) -> list[dict[str, Any]]:
        """The reply as the value of `replies`; empty if there is nothing to say."""
        return [] if reply is None else to_json(reply)


class SimulatorOutbound:
    """The sending side: a message has arrived once its notice is marked sent, and the page reads it from there.

    `platform_id` is the place of a message in the order in which they were sent: microseconds of real time, in
    twenty digits, and never the same twice.
    """

    channel = CHANNEL
    app = CHANNEL
    ways = frozenset({Way.SIMULATOR})
    idempotent = frozenset({Way.SIMULATOR})

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    async def send(self, way: Way, address: str, outgoing: Outgoing, *, key: str) -> Sent:
        """Take one message; there are no templates here."""
        if not isinstance(outgoing, Words):
            raise SendFailed(Trouble.CONTENT, "no_words", effect=Effect.NONE)
        self._last = max(int(self._clock.wire().timestamp() * 1_000_000), self._last + 1)
        return Sent(f"{self._last:020d}")

    async def close(self) -> None:
        """Nothing is open."""


def to_json(reply: Reply) -> list[dict[str, Any]]:
    """One object a part: `kind` (text, choices, picture, card), `text`, `choices` of `label` and `value`."""
    return [_part(part) for part in reply.parts]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"kind": "text", "text": part.text, "choices": []}
        case Choices():
            choices = [{"label": choice.label, "value": choice.value} for choice in part.choices]
            return {"kind": "choices", "text": part.text, "choices": choices}
        case Picture():
            return {"kind": "picture", "text": part.text, "choices": [], "media_id": part.media_id}
        case Card():
            text = "\n".join((part.title, *part.lines))
            card = {"title": part.title, "lines": list(part.lines), "url": part.url}
            return {"kind": "card", "text": text, "choices": []} | card


def _string(body: Mapping[str, object], name: str, longest: int) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise BadRequest(f"bad_{name}")
    return value
