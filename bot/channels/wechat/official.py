"""The WeChat official account: opens what the platform pushes and seals what it is answered.

| setting `mode`   | AES key | plain push            | aes push                                      |
| ---------------- | ------- | --------------------- | --------------------------------------------- |
| `plain`          | none    | let in                | refused: `wrong_mode`                         |
| `plain`          | set     | let in                | let in, while the console is being switched   |
| `compat`, `safe` | set     | refused: `wrong_mode` | let in; a plain copy beside it is never read  |
| `compat`, `safe` | none    | `Misconfigured` at the start                                          ||

In plain mode the platform signs neither the body nor the sender; only encryption authenticates them.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.channels.wechat.crypto import MessageKey, check_signature, decode_ciphertext
from bot.channels.wechat.envelope import check_fresh, read_fields, read_query, seal_envelope
from bot.channels.wechat.messages import CHANNEL, read_message
from bot.channels.wechat.replies import LIMIT_BYTES, render
from bot.errors import Misconfigured, Refused, TooLarge
from bot.message import Incoming, Reply

BODY_LIMIT = 64 * 1024
SUCCESS = b"success"
ECHO_FORM = re.compile(r"[^\x00-\x1f\x7f<>&\"'\ud800-\udfff]{1,512}")
PREFIX = "YIMA_WECHAT_OFFICIAL__"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OfficialSettings:
    """What the console of one official account says; secrets never show in its representation."""

    app_id: str
    token: str = field(repr=False)
    aes_key: str | None = field(default=None, repr=False)
    previous_aes_key: str | None = field(default=None, repr=False)
    mode: Literal["plain", "compat", "safe"] = "safe"
    window_seconds: int = 600


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

    name = CHANNEL
    limit_bytes = LIMIT_BYTES

    def __init__(self, settings: OfficialSettings) -> None:
        _check_settings(settings)
        self._settings = settings
        self._app_id = settings.app_id.encode()
        self._keys = _keys(settings)
        self.cut_replies = 0

    def handshake(self, query: Sequence[tuple[str, str]]) -> str:
        """The `echostr` of the console's verification, to be answered as plain text, verbatim.

        It is not signed, so one that could be markup is refused: a signature seen once must not show a page.
        """
        parameters = read_query(query)
        self._check_signature(parameters, "signature")
        echo = parameters.get("echostr", "")
        if ECHO_FORM.fullmatch(echo) is None:
            raise Refused("bad_echo")
        return echo

    def open(
        self, query: Sequence[tuple[str, str]], body: bytes, *, wire: datetime, received_at: datetime
    ) -> Opened:
        """Verify, decrypt and read one push; `wire` is real time, `received_at` business time."""
        if len(body) > BODY_LIMIT:
            raise TooLarge
        parameters = read_query(query)
        key: MessageKey | None = None
        if self._is_encrypted(parameters):
            encrypt = _encrypted_field(body)
            self._check_signature(parameters, "msg_signature", encrypt)
            self._check_fresh(parameters, wire)
            key, body = self._decrypt(decode_ciphertext(encrypt))
        else:
            self._check_signature(parameters, "signature")
            self._check_fresh(parameters, wire)
        received = read_message(read_fields(body), received_at=received_at)
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
            log.warning("a reply was cut at the limit", extra={"action": "cut_reply", "channel": CHANNEL})
        if not xml:
            return SUCCESS
        if context.key is None:
            return xml.encode()
        encrypt = context.key.encrypt(xml.encode(), self._app_id).decode("ascii")
        timestamp = str(int(wire.timestamp()))
        return seal_envelope(encrypt, token=self._settings.token, timestamp=timestamp, nonce=_nonce())

    @staticmethod
    def content_type(body: bytes) -> str:
        """The content type of a sealed body."""
        return "text/plain" if body == SUCCESS else "application/xml"

    def _is_encrypted(self, parameters: dict[str, str]) -> bool:
        """Whether the push says that it is encrypted; refused if this account doesn't take that."""
        form = parameters.get("encrypt_type", "") or "raw"
        if form == "aes" and self._keys:
            return True
        if form == "raw" and self._settings.mode == "plain":
            return False
        raise Refused("wrong_mode")

    def _check_signature(self, parameters: dict[str, str], name: str, *more: str) -> None:
        signature, timestamp = parameters.get(name), parameters.get("timestamp")
        nonce = parameters.get("nonce")
        if not signature or timestamp is None or nonce is None:
            raise Refused("missing_signature")
        check_signature(signature, self._settings.token, timestamp, nonce, *more)

    def _check_fresh(self, parameters: dict[str, str], wire: datetime) -> None:
        check_fresh(parameters["timestamp"], wire=wire, window_seconds=self._settings.window_seconds)

    def _decrypt(self, ciphertext: bytes) -> tuple[MessageKey, bytes]:
        """The key that opens the message, and the message; if none does, the current key's reason."""
        refusal = Refused("wrong_mode")
        for key in reversed(self._keys):
            try:
                return key, key.decrypt(ciphertext, self._app_id)
            except Refused as error:
                refusal = error
        raise refusal


def _encrypted_field(body: bytes) -> str:
    encrypt = read_fields(body).get("Encrypt")
    if encrypt is None:
        raise Refused("wrong_mode")
    return encrypt


def _nonce() -> str:
    return str(int.from_bytes(os.urandom(5), "big"))


def _check_settings(settings: OfficialSettings) -> None:
    for name in ("app_id", "token"):
        if not getattr(settings, name):
            raise Misconfigured(f"{PREFIX}{name.upper()} is missing")
    if settings.mode not in {"plain", "compat", "safe"}:
        raise Misconfigured(f"{PREFIX}MODE must be plain, compat or safe")
    if settings.window_seconds <= 0:
        raise Misconfigured(f"{PREFIX}WINDOW_SECONDS must be more than nothing")
    if settings.mode != "plain" and not settings.aes_key:
        raise Misconfigured(f"{PREFIX}AES_KEY is missing: mode {settings.mode} needs it")
    if settings.previous_aes_key and not settings.aes_key:
        raise Misconfigured(f"{PREFIX}AES_KEY is missing: there is only a previous one")


def _keys(settings: OfficialSettings) -> tuple[MessageKey, ...]:
    """The keys to try: the current first, then the one before it."""
    named = (("AES_KEY", settings.aes_key), ("PREVIOUS_AES_KEY", settings.previous_aes_key))
    return tuple(MessageKey(key, f"{PREFIX}{name}") for name, key in named if key)
