"""The WeChat official account: opens what the platform pushes and seals what it is answered."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from bot.channels.names import OFFICIAL
from bot.channels.wechat.crypto import MessageKey
from bot.channels.wechat.door import BODY_LIMIT as BODY_LIMIT
from bot.channels.wechat.door import SUCCESS, Door, DoorSettings
from bot.channels.wechat.envelope import encrypted_field, read_fields, read_lists, seal_envelope
from bot.channels.wechat.messages import read_message
from bot.channels.wechat.replies import LIMIT_BYTES, render
from bot.message import Incoming, Reply

PREFIX = "YIMA_WECHAT_OFFICIAL__"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OfficialSettings(DoorSettings):
    """What the console of one official account says."""


@dataclass(frozen=True, slots=True)
class SealContext:
    """To whom the answer goes, from whom, and the key that opened the message (None: it came in plain)."""

    account: str = field(repr=False)
    ours: str
    key: MessageKey | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """One push that was let in; `incoming` is None for a kind without an answer, `kind` names it for the counter."""

    incoming: Incoming | None
    kind: str
    seal: SealContext


class OfficialAccount:
    """One official account; every refusal is `Refused` with its reason, whatever arrives."""

    name = OFFICIAL
    limit_bytes = LIMIT_BYTES

    def __init__(self, settings: OfficialSettings) -> None:
        self._door = Door(settings, prefix=PREFIX, encrypted_field=encrypted_field)
        self._settings = settings
        self.cut_replies = 0

    def handshake(self, query: Sequence[tuple[str, str]]) -> str:
        """The echo with which the console's verification is answered, as plain text, verbatim."""
        return self._door.handshake(query)

    def open(
        self, query: Sequence[tuple[str, str]], body: bytes, *, wire: datetime, received_at: datetime
    ) -> Opened:
        """Verify, decrypt and read one push; `wire` is real time, `received_at` business time."""
        key, document = self._door.let_in(query, body, wire=wire)
        received = read_message(
            read_fields(document), received_at=received_at, lists=partial(read_lists, document)
        )
        return Opened(received.incoming, received.kind, SealContext(received.account, received.ours, key))

    def seal(self, reply: Reply | None, opened: Opened, *, wire: datetime) -> bytes:
        """The body of the answer: `success` for nothing to say, else XML, encrypted as the message was.

        A text beyond the limit is cut as a last guard, logged, and counted in `cut_replies`.
        """
        context = opened.seal
        xml, cut = ("", False)
        if reply is not None:
            xml, cut = render(reply, account=context.account, ours=context.ours, at=wire)
        if cut:
            self.cut_replies += 1
            log.warning("a reply was cut at the limit", extra={"action": "cut_reply", "channel": OFFICIAL})
        if not xml:
            return SUCCESS
        if context.key is None:
            return xml.encode()
        encrypt = context.key.encrypt(xml.encode(), self._door.app_id).decode("ascii")
        timestamp = str(int(wire.timestamp()))
        return seal_envelope(encrypt, token=self._settings.token, timestamp=timestamp, nonce=_nonce())

    @staticmethod
    def content_type(body: bytes) -> str:
        """The content type of a sealed body."""
        return "text/plain" if body == SUCCESS else "application/xml"


def _nonce() -> str:
    return str(int.from_bytes(os.urandom(5), "big"))
