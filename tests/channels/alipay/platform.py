"""The other end of the OpenAPI, scripted: it checks what every call owes the platform, and answers as it is told."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.channels.alipay.openapi import AlipayApi, AlipayApiSettings
from bot.channels.alipay.rests import AppRests
from bot.channels.http import Answer, CallFailed, HttpCaller
from bot.store.database import Database
from bot.store.platform_states import PlatformStates
from bot.store.sealing import KeyRing
from tests.channels.alipay.door import (
    AES_KEY,
    APP_ID,
    OURS,
    THEIRS,
    private_pem,
    public_pem,
    sealed,
    sign,
    verify,
)
from tests.fakes.clock import FakeClock

URL = "https://gateway.example/gateway.do"
SETTINGS = AlipayApiSettings(APP_ID, private_pem(OURS), public_pem(THEIRS), URL)
KEYS = KeyRing(KeyRing.generate(), KeyRing.generate())


@dataclass(frozen=True)
class Call:
    """One call as the platform understood it; `content` is the decrypted `biz_content`."""

    query: Mapping[str, str]
    form: Mapping[str, str]

    @property
    def method(self) -> str:
        return self.query["method"]

    @property
    def content(self) -> Any:
        text = self.form["biz_content"]
        return json.loads(opened(text) if self.query.get("encrypt_type") else text)


@dataclass(frozen=True)
class Said:
    """What is answered: a node, the name it goes by ("": that of the method), and who signs it (None: nobody)."""

    node: Mapping[str, Any]
    name: str = ""
    key: RSAPrivateKey | None = THEIRS
    encrypted: bool = False

    def body(self, method: str) -> bytes:
        raw = json.dumps(self.node, ensure_ascii=False).replace("/", "\\/")
        if self.encrypted:
            raw = f'"{sealed(raw.encode())}"'
        signed = f',"sign":"{sign(self.key, raw.encode())}"' if self.key else ""
        return f'{{"{self.name or method.replace(".", "_") + "_response"}":{raw}{signed}}}'.encode()


TAKEN = Said({"code": "10000", "msg": "Success"})


def refusal(code: str, sub_code: str = "") -> Said:
    return Said({"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": "小明 2088"})


class ScriptedPlatform(HttpCaller):
    """Stands in for the connections; answers with what is in `script`, in order, and with success afterwards."""

    def __init__(self, *script: Said | bytes | CallFailed) -> None:
        super().__init__()
        self.script = list(script)
        self.calls: list[Call] = []
        self.closed = False

    async def post_form(self, url: str, fields: Mapping[str, str], query: Mapping[str, str] = {}) -> Answer:
        assert url == URL
        assert not query.keys() & fields.keys()
        parameters = {**query, **fields}
        pairs = sorted((name, value) for name, value in parameters.items() if value and name != "sign")
        verify(OURS, "&".join(f"{name}={value}" for name, value in pairs).encode(), query["sign"])
        self.calls.append(Call(query, fields))
        said = self.script.pop(0) if self.script else TAKEN
        if isinstance(said, CallFailed):
            raise said
        body = said if isinstance(said, bytes) else said.body(query["method"])
        return Answer(200, body, "text/html")

    async def close(self) -> None:
        self.closed = True
        await super().close()


def opened(content: str) -> bytes:
    decryptor = Cipher(algorithms.AES(b64decode(AES_KEY)), modes.CBC(bytes(16))).decryptor()
    padded = decryptor.update(b64decode(content)) + decryptor.finalize()
    return padded[: -padded[-1]]


def api_of(platform: ScriptedPlatform, clock: FakeClock, settings: AlipayApiSettings = SETTINGS) -> AlipayApi:
    return AlipayApi(platform, settings, clock=clock)


def rests_of(database: Database, clock: FakeClock, owner: str = "test") -> AppRests:
    return AppRests(PlatformStates(database, KEYS, clock, owner=owner).of(f"alipay:{APP_ID}"))
