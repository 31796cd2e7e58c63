"""The whole service behind its signed door, for scenarios: what a resident types and reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from bot.app import Clients, create_app
from bot.channels.wechat.push import Push, PushSender
from bot.clock import Clock
from bot.store import models
from bot.store.sealing import KeyRing
from config.settings import OfficialAccountSettings, Settings
from handlers.http.keys import DATABASE, ENGINE, TOOLS
from tests.fakes.clock import FakeClock

APP_ID = "wx0000000000000001"
TOKEN = "a-token"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
DATA_KEYS, INDEX_KEYS = KeyRing.generate(), KeyRing.generate()
PATH = "/webhooks/wechat/official"

# made-up people; the numbers have the right form and check character
CODES = "湖北健康码 武汉健康码 国康码 社区电子通行证 粤康码 穗康码"
LI = {"name": "李小梅", "certificate": "420106199003074527", "phone": "13900000001"}


def make_settings(database_url: str, **changes: Any) -> Settings:
    """Settings of a development service with the official account in safe mode."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "seed": "none",
        "data_keys": SecretStr(DATA_KEYS),
        "index_keys": SecretStr(INDEX_KEYS),
        "wechat_official": OfficialAccountSettings(
            app_id=APP_ID, token=SecretStr(TOKEN), aes_key=SecretStr(AES_KEY)
        ),
        **changes,
    }
    return Settings(_env_file=None, **values)


class Service:
    """A running service and the platform in front of it."""

    def __init__(self, client: TestClient[web.Request, web.Application], clock: Clock) -> None:
        self.client = client
        self.clock = clock
        self.sender = PushSender(APP_ID, TOKEN, AES_KEY)

    @property
    def app(self) -> web.Application:
        return self.client.server.app  # type: ignore[attr-defined,no-any-return]  # TestServer has it

    @property
    def database(self) -> Any:
        return self.app[DATABASE]

    @property
    def engine(self) -> Any:
        return self.app[ENGINE]

    @property
    def tools(self) -> Any:
        return self.app[TOOLS]

    async def post(self, push: Push) -> tuple[int, bytes]:
        """Deliver one push and return status and body."""
        response = await self.client.post(PATH, params=list(push.query), data=push.body)
        return response.status, await response.read()

    async def answer(self, push: Push) -> str:
        """The text that the sender of a push reads; empty for `success`."""
        status, body = await self.post(push)
        assert status == 200, status
        shown = self.sender.answer(body)
        return "" if shown is None else shown["Content"]

    async def say(self, openid: str, text: str, *, msg_id: str | None = None) -> str:
        """What is answered to a text."""
        return await self.answer(self.sender.text(openid, text, at=self.clock.wire(), msg_id=msg_id))

    async def talk(self, openid: str, *texts: str) -> str:
        """Say several things; what was answered to the last."""
        answer = ""
        for text in texts:
            answer = await self.say(openid, text)
        return answer

    async def event(self, openid: str, event: str, event_key: str | None = None) -> str:
        """What is answered to an event."""
        return await self.answer(self.sender.event(openid, event, event_key, at=self.clock.wire()))

    async def declare(self, openid: str, order: int = 1, *, codes: str = CODES, **who: str) -> str:
        """From the first contact to a submitted declaration; `who` replaces name, certificate or phone of LI."""
        person = {**LI, "phone": f"1390000{order:04d}", **who}
        known = ("你好", "同意", "申报", person["name"], person["certificate"], person["phone"])
        home = ("武汉市武昌区", f"和平路{order}号3栋2单元501")
        return await self.talk(openid, *known, *home, *("没有",) * 6, codes, "提交")

    async def metric(self, sample: str) -> float:
        """The value of one line of /metrics, named with its labels; 0 while it was never counted."""
        response = await self.client.get("/metrics")
        lines = (line.rpartition(" ") for line in (await response.text()).splitlines())
        return next((float(value) for name, _, value in lines if name == sample), 0.0)

    async def stored(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table of the models, by its columns; not which rule books the process came with, nor when
        its jobs began."""
        found = {}
        for meta in (
            getattr(models, name)._meta for name in models.__all__ if name not in ("Stamp", "JobRun")
        ):
            columns = tuple(meta.fields_map)
            names = ", ".join(f'"{column}"' for column in columns)
            rows = await self.rows(f"SELECT {names} FROM {meta.db_table}")
            found[meta.db_table] = [dict(zip(columns, row, strict=True)) for row in rows]
        return found

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.fetch(sql, params)]


@asynccontextmanager
async def running(
    database_url: str, *, clock: Clock | None = None, clients: Clients | None = None, **changes: Any
) -> AsyncIterator[Service]:
    """A service over that database, stopped cleanly at the end."""
    clock = clock or FakeClock()
    app = create_app(make_settings(database_url, **changes), clock=clock, clients=clients)
    async with TestClient(TestServer(app)) as client:
        yield Service(client, clock)
