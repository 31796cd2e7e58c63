"""An app with keys of its own, the platform's side of it written a second time, and short words for both."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bot.channels.alipay.gateway import AlipayGateway, AlipayGatewaySettings, Opened
from bot.errors import Refused, TooLarge, status_of

WIRE = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
RECEIVED_AT = WIRE + timedelta(days=3)
APP_ID, USER = "2021000000000001", "2088000000000001"
AES_KEY = b64encode(bytes(range(16))).decode()
CHECK, MESSAGE = "alipay.service.check", "alipay.mobile.public.message.notify"
OURS, THEIRS, OTHERS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(3))


def private_pem(key: rsa.RSAPrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return key.public_key().public_bytes(Encoding.PEM, form).decode()


def bare(pem: str) -> str:
    """A key as the console shows it: one line of base64."""
    return "".join(line for line in pem.splitlines() if "-----" not in line)


SETTINGS = AlipayGatewaySettings(APP_ID, private_pem(OURS), public_pem(THEIRS))
GATEWAY = AlipayGateway(SETTINGS)


@dataclass(frozen=True)
class Sender:
    """The platform: signs a form by one of its two rules."""

    rule: int = 2
    sign_type: str = "RSA2"
    charset: str = "GBK"
    key: rsa.RSAPrivateKey = THEIRS

    def form(self, parameters: Mapping[str, str]) -> bytes:
        return encode(self.signed(parameters), self.charset)

    def signed(self, parameters: Mapping[str, str]) -> dict[str, str]:
        filled = {"charset": self.charset, "sign_type": self.sign_type, **parameters}
        left_out = ("sign",) if self.rule == 2 else ("sign", "sign_type")
        pairs = sorted((name, value) for name, value in filled.items() if value and name not in left_out)
        text = "&".join(f"{name}={value}" for name, value in pairs)
        return {**filled, "sign": sign(self.key, text.encode(self.charset), self.sign_type)}

    def message(self, xml: str) -> bytes:
        return self.form({"service": MESSAGE, "biz_content": xml, "version": "1.0"})

    def check(self, app_id: str = APP_ID) -> bytes:
        return self.form({"service": CHECK, "biz_content": check_xml(app_id)})

    def notification(self, method: str = "alipay.open.auth.userauth.cancelled", **more: str) -> bytes:
        parameters = {
            "notify_id": "2020022000000001",
            "utc_timestamp": milliseconds(WIRE),
            "msg_method": method,
            "app_id": APP_ID,
            "version": "1.1",
            "biz_content": json.dumps({"user_id": USER, "app_id": APP_ID, "remark": "取消"}),
        }
        return self.form({**parameters, **more})


SENDER = Sender()


def sign(key: rsa.RSAPrivateKey, content: bytes, sign_type: str = "RSA2") -> str:
    algorithm = SHA256() if sign_type == "RSA2" else SHA1()
    return b64encode(key.sign(content, padding.PKCS1v15(), algorithm)).decode()


def verify(key: rsa.RSAPrivateKey, content: bytes, signature: str) -> None:
    """InvalidSignature unless this key signed it, by RSA2."""
    key.public_key().verify(b64decode(signature), content, padding.PKCS1v15(), SHA256())


def encode(parameters: Mapping[str, str], charset: str) -> bytes:
    pairs = (f"{name}={quote_plus(value.encode(charset))}" for name, value in parameters.items())
    return "&".join(pairs).encode("ascii")


def sealed(content: bytes, key: str = AES_KEY) -> str:
    """AES-128-CBC under zeros, padded by hand."""
    count = 16 - len(content) % 16
    encryptor = Cipher(algorithms.AES(b64decode(key)), modes.CBC(bytes(16))).encryptor()
    return b64encode(encryptor.update(content + bytes([count]) * count) + encryptor.finalize()).decode()


def milliseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1000))


def check_xml(app_id: str = APP_ID) -> str:
    return (
        f"<XML><AppId><![CDATA[{app_id}]]></AppId><FromUserId><![CDATA[]]></FromUserId>"
        "<CreateTime>1400000000000</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        "<EventType><![CDATA[verifygw]]></EventType><ActionParam/><AccountNo/></XML>"
    )


def message_xml(message_type: str = "text", inside: str = "", **fields: str) -> str:
    """A message; `inside` is more markup, `fields` replace or add elements."""
    elements = {
        "AppId": APP_ID,
        "FromUserId": "kPHNeOpenIdOfOldTimes",
        "FromAlipayUserId": USER,
        "CreateTime": milliseconds(WIRE),
        "MsgType": message_type,
        "UserInfo": '{"logon_id":"159****0001","user_name":"*小明"}',
        **fields,
    }
    written = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in elements.items())
    return f'<?xml version="1.0" encoding="GBK"?><XML>{written}{inside}</XML>'


def text_xml(content: str = "36.5", **fields: str) -> str:
    inside = f"<Text><Content><![CDATA[{content}]]></Content></Text>"
    return message_xml("text", inside, **{"MsgId": "m1", **fields})


def event_xml(event: str, action: str = "", **fields: str) -> str:
    return message_xml("event", **{"EventType": event, "ActionParam": action, **fields})


def opened(body: bytes, *, gateway: AlipayGateway = GATEWAY, wire: datetime = WIRE) -> Opened:
    return gateway.open(body, wire=wire, received_at=RECEIVED_AT)


def reason(body: bytes, *, gateway: AlipayGateway = GATEWAY, wire: datetime = WIRE) -> str:
    """Why the request is refused; every refusal but that of the size becomes a 403."""
    with pytest.raises(Refused) as refused:
        opened(body, gateway=gateway, wire=wire)
    assert status_of(refused.value) == (413 if isinstance(refused.value, TooLarge) else 403)
    return refused.value.reason
