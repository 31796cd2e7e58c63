"""WeChat's API as a script, and clients of it that are closed when the test is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from bot.channels.http import HttpCaller
from bot.channels.wechat.api import CUSTOM, WeChatApi
from bot.channels.wechat.tokens import PATH as TOKEN
from bot.channels.wechat.tokens import TokenManager
from bot.store.database import Database
from bot.store.platform_states import PlatformStates
from bot.store.sealing import KeyRing
from tests.channels.scripted import Scripted, ScriptedPlatform
from tests.fakes.clock import FakeClock

KEYS = KeyRing(KeyRing.generate(), KeyRing.generate())
APP_ID = "wx0000000000000001"
SECRET = "secret-of-the-app-0001"
OPENID = "o-somebody"
OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}


def error(code: int, text: str = "") -> dict[str, Any]:
    return {"errcode": code, "errmsg": text or f"error {code}"}


def token(number: int, expires_in: int = 7200) -> dict[str, Any]:
    return {"access_token": token_text(number), "expires_in": expires_in}


def token_text(number: int) -> str:
    return f"token-{number:012}"


@dataclass
class Issuer:
    """Gives out the same token until it is forced, or until a third party makes it a new one."""

    number: int = 1
    forced: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if orjson.loads(await request.read())["force_refresh"]:
            self.number += 1
            self.forced += 1
        return web.json_response(token(self.number))

    async def send(self, request: web.Request) -> web.StreamResponse:
        """A send that takes the newest token only."""
        newest = request.query["access_token"] == token_text(self.number)
        return web.json_response(OK if newest else error(40001))


@dataclass
class Rig:
    """One platform, one database, as many clients as a test wants."""

    platform: ScriptedPlatform
    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    clients: list[WeChatApi] = field(default_factory=list)

    def api(self, owner: str = "one", *, total_seconds: float = 5.0, base: str = "") -> WeChatApi:
        """A client as a process of its own has it."""
        caller = HttpCaller(total_seconds=total_seconds)
        shared = PlatformStates(self.database, KEYS, self.clock, owner=owner).of(f"wechat_mini:{APP_ID}")
        base = base or self.platform.base
        tokens = TokenManager(caller, shared, base=base, app_id=APP_ID, secret=SECRET)
        api = WeChatApi(caller, tokens, base=base, app_id=APP_ID, secret=SECRET, clock=self.clock)
        self.clients.append(api)
        return api

    def script(self, path: str, *answers: Scripted) -> None:
        self.platform.answers[path] = list(answers)

    def count(self, path: str) -> int:
        return len(self.platform.asked(path))

    @property
    def fetched(self) -> int:
        return self.count(TOKEN)

    @property
    def sent(self) -> int:
        return self.count(CUSTOM)


@asynccontextmanager
async def open_rig(database: Database) -> AsyncIterator[Rig]:
    """A platform that gives out tokens 1, 2 ... in turn and takes every text."""
    async with ScriptedPlatform() as platform:
        rig = Rig(platform, database)
        rig.script(TOKEN, *(token(number) for number in range(1, 10)))
        rig.script(CUSTOM, OK)
        yield rig
        platform.over.set()
        for client in rig.clients:
            await client.close()
