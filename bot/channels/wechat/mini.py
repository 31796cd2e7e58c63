"""The chat of the WeChat mini-program: opens what the platform pushes, in XML or JSON as the console is set.

Modes and keys are those of `door.py`. Whatever is pushed is answered with `success`: the mini-program takes no
passive reply of words, so that answers go through the platform's API.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from bot.channels.names import MINI
from bot.channels.wechat.door import Door, DoorSettings
from bot.channels.wechat.envelope import encrypted_field, read_fields, read_lists
from bot.channels.wechat.json_fields import MALFORMED, encrypted_member, read_json
from bot.channels.wechat.messages import Received, read_message
from bot.errors import Misconfigured, Refused

PREFIX = "YIMA_WECHAT_MINI__"
_FIRST_BYTES = {"xml": b"<", "json": b"{"}


@dataclass(frozen=True, slots=True)
class MiniSettings(DoorSettings):
    """What the console of one mini-program says; `format` is how it writes what it pushes."""

    format: Literal["xml", "json"] = "json"


class MiniProgram:
    """One mini-program; every refusal is `Refused` with its reason, whatever arrives."""

    name = MINI

    def __init__(self, settings: MiniSettings) -> None:
        if settings.format not in _FIRST_BYTES:
            raise Misconfigured(f"{PREFIX}FORMAT must be xml or json")
        self._format = settings.format
        self._door = Door(settings, prefix=PREFIX, encrypted_field=self._encrypted)

    def handshake(self, query: Sequence[tuple[str, str]]) -> str:
        """The echo with which the console's verification is answered, as plain text, verbatim."""
        return self._door.handshake(query)

    def open(
        self, query: Sequence[tuple[str, str]], body: bytes, *, wire: datetime, received_at: datetime
    ) -> Received:
        """Verify, decrypt and read one push; `wire` is real time, `received_at` business time."""
        _, document = self._door.let_in(query, body, wire=wire)
        self._check_format(document)
        if self._format == "json":
            return _read_json(document, received_at)
        return read_message(
            read_fields(document),
            received_at=received_at,
            channel=MINI,
            lists=partial(read_lists, document),
        )

    def _encrypted(self, body: bytes) -> str | None:
        self._check_format(body)
        return encrypted_member(body) if self._format == "json" else encrypted_field(body)

    def _check_format(self, document: bytes) -> None:
        """Only what the console is set to: two readers of one door are two ways in."""
        first = document.lstrip(b" \t\r\n")[:1]
        if first in _FIRST_BYTES.values() and first != _FIRST_BYTES[self._format]:
            raise Refused("wrong_format")


def _read_json(document: bytes, received_at: datetime) -> Received:
    fields = read_json(document)
    try:
        return read_message(fields.texts, received_at=received_at, channel=MINI, lists=lambda: fields.items)
    except Refused as error:  # the one reason of a message that lacks what every message has, by its form
        raise Refused(MALFORMED) from error
