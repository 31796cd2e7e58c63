"""An account, a sender that fits it, and short words for opening what is pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.wechat.crypto import sign
from bot.channels.wechat.official import OfficialAccount, OfficialSettings, Opened
from bot.channels.wechat.push import Push, PushSender
from bot.errors import Refused, TooLarge, status_of

WIRE = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
RECEIVED_AT = WIRE + timedelta(days=3)
APP_ID, TOKEN = "wx49f0ab532d5d035a", "a-token"
KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
OTHER_KEY = "zWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"

SAFE = OfficialSettings(APP_ID, TOKEN, KEY)
PLAIN = OfficialSettings(APP_ID, TOKEN, mode="plain")
SENDER = PushSender(APP_ID, TOKEN, KEY)
PLAIN_SENDER = PushSender(APP_ID, TOKEN, mode="plain")


def opened_by(settings: OfficialSettings, push: Push, *, wire: datetime = WIRE) -> Opened:
    return OfficialAccount(settings).open(push.query, push.body, wire=wire, received_at=RECEIVED_AT)


def reason(settings: OfficialSettings, push: Push, *, wire: datetime = WIRE) -> str:
    """Why the push is refused; every refusal but that of the size becomes a 403."""
    with pytest.raises(Refused) as refused:
        opened_by(settings, push, wire=wire)
    assert status_of(refused.value) == (413 if isinstance(refused.value, TooLarge) else 403)
    return refused.value.reason


def with_parameter(push: Push, name: str, value: str | None) -> Push:
    """The push with one parameter of its query replaced, or left out for None."""
    kept = [(key, known) for key, known in push.query if key != name]
    return Push(tuple(kept if value is None else [*kept, (name, value)]), push.body)


def safe_text(content: str = "36.5") -> Push:
    return SENDER.text("o_1", content, at=WIRE)


def plain_text(content: str = "36.5") -> Push:
    return PLAIN_SENDER.text("o_1", content, at=WIRE)


def said(opened: Opened) -> str:
    assert opened.incoming is not None
    return opened.incoming.text


def signed(encrypt: str, timestamp: str = str(int(WIRE.timestamp()))) -> Push:
    """A push whose signature is right, whatever it encrypts."""
    signature = sign(TOKEN, timestamp, "n", encrypt)
    query = (("timestamp", timestamp), ("nonce", "n"), ("encrypt_type", "aes"), ("msg_signature", signature))
    return Push(query, f"<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt></xml>".encode())
