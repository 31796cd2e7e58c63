"""Who is let in at WeChat's door: the handshake, signatures, the time window, modes and keys of one app.

| setting `mode`   | AES key | plain push            | aes push                                      |
| ---------------- | ------- | --------------------- | --------------------------------------------- |
| `plain`          | none    | let in                | refused: `wrong_mode`                         |
| `plain`          | set     | let in                | let in, while the console is being switched   |
| `compat`, `safe` | set     | refused: `wrong_mode` | let in; a plain copy beside it is never read  |
| `compat`, `safe` | none    | `Misconfigured` at the start                                          ||

In plain mode the platform signs neither the body nor the sender; only encryption authenticates them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.channels.wechat.crypto import MessageKey, check_signature, decode_ciphertext
from bot.channels.wechat.envelope import check_fresh, read_query
from bot.errors import Misconfigured, Refused, TooLarge

BODY_LIMIT = 64 * 1024
SUCCESS = b"success"
ECHO_FORM = re.compile(r"[^\x00-\x1f\x7f<>&\"'\ud800-\udfff]{1,512}")


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What the console says under "server configuration"; secrets never show in its representation."""

    app_id: str
    token: str = field(repr=False)
    aes_key: str | None = field(default=None, repr=False)
    previous_aes_key: str | None = field(default=None, repr=False)
    mode: Literal["plain", "compat", "safe"] = "safe"
    window_seconds: int = 600


class Door:
    """The door of one app; every refusal is `Refused` with its reason.

    `prefix` begins the variables of its settings; `encrypted_field` finds the `Encrypt` field of a body in the
    form that the app is pushed, None if there is none.
    """

    def __init__(
        self, settings: DoorSettings, *, prefix: str, encrypted_field: Callable[[bytes], str | None]
    ) -> None:
        _check_settings(settings, prefix)
        self.app_id = settings.app_id.encode()
        self._token = settings.token
        self._plain = settings.mode == "plain"
        self._window_seconds = settings.window_seconds
        self._keys = _keys(settings, prefix)
        self._encrypted_field = encrypted_field

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

    def let_in(
        self, query: Sequence[tuple[str, str]], body: bytes, *, wire: datetime
    ) -> tuple[MessageKey | None, bytes]:
        """Verify and decrypt one push: the key that opened it (None: it came in plain), and the document."""
        if len(body) > BODY_LIMIT:
            raise TooLarge
        parameters = read_query(query)
        if not self._is_encrypted(parameters):
            self._check_signature(parameters, "signature")
            self._check_fresh(parameters, wire)
            return None, body
        encrypt = self._encrypted_field(body)
        if encrypt is None:
            raise Refused("wrong_mode")
        self._check_signature(parameters, "msg_signature", encrypt)
        self._check_fresh(parameters, wire)
        return self._decrypt(decode_ciphertext(encrypt))

    def _is_encrypted(self, parameters: dict[str, str]) -> bool:
        """Whether the push says that it is encrypted; refused if this app doesn't take that."""
        form = parameters.get("encrypt_type", "") or "raw"
        if form == "aes" and self._keys:
            return True
        if form == "raw" and self._plain:
            return False
        raise Refused("wrong_mode")

    def _check_signature(self, parameters: dict[str, str], name: str, *more: str) -> None:
        signature, timestamp = parameters.get(name), parameters.get("timestamp")
        nonce = parameters.get("nonce")
        if not signature or timestamp is None or nonce is None:
            raise Refused("missing_signature")
        check_signature(signature, self._token, timestamp, nonce, *more)

    def _check_fresh(self, parameters: dict[str, str], wire: datetime) -> None:
        check_fresh(parameters["timestamp"], wire=wire, window_seconds=self._window_seconds)

    def _decrypt(self, ciphertext: bytes) -> tuple[MessageKey, bytes]:
        """The key that opens the message, and the message; if none does, the current key's reason."""
        refusal = Refused("wrong_mode")
        for key in reversed(self._keys):
            try:
                return key, key.decrypt(ciphertext, self.app_id)
            except Refused as error:
                refusal = error
        raise refusal


def _check_settings(settings: DoorSettings, prefix: str) -> None:
    for name in ("app_id", "token"):
        if not getattr(settings, name):
            raise Misconfigured(f"{prefix}{name.upper()} is missing")
    if settings.mode not in {"plain", "compat", "safe"}:
        raise Misconfigured(f"{prefix}MODE must be plain, compat or safe")
    if settings.window_seconds <= 0:
        raise Misconfigured(f"{prefix}WINDOW_SECONDS must be more than nothing")
    if settings.mode != "plain" and not settings.aes_key:
        raise Misconfigured(f"{prefix}AES_KEY is missing: mode {settings.mode} needs it")
    if settings.previous_aes_key and not settings.aes_key:
        raise Misconfigured(f"{prefix}AES_KEY is missing: there is only a previous one")


def _keys(settings: DoorSettings, prefix: str) -> tuple[MessageKey, ...]:
    """The keys to try: the current first, then the one before it."""
    named = (("AES_KEY", settings.aes_key), ("PREVIOUS_AES_KEY", settings.previous_aes_key))
    return tuple(MessageKey(key, f"{prefix}{name}") for name, key in named if key)
