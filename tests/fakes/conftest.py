"""A running platform with one app of each kind, and a caller that speaks plain HTTP to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from tests.fakes.clock import FakeClock
from tests.fakes.wechat_api import App, FakeWeChatApi

OFFICIAL = {"appid": "wx_official", "secret": "s-official"}
MINI = {"appid": "wx_mini", "secret": "s-mini"}


@dataclass
class Caller:
    """Calls the platform and reads JSON, whatever the answer's type says."""

    http: ClientSession
    api: FakeWeChatApi

    async def get(self, path: str, **query: str) -> Any:
        async with self.http.get(self.api.base_url + path, params=query) as response:
            return await response.json(content_type=None)

    async def post(self, path: str, body: Any, **query: str) -> Any:
        async with self.http.post(self.api.base_url + path, json=body, params=query) as response:
            return await response.json(content_type=None)

    async def fetch(self, path: str, **query: str) -> tuple[ClientResponse, bytes]:
        """The whole answer: its head and its bytes."""
        async with self.http.get(self.api.base_url + path, params=query) as response:
            return response, await response.read()

    async def token(self, app: dict[str, str] | None = None) -> str:
        given = await self.post(
            "/cgi-bin/stable_token", {"grant_type": "client_credential", **(app or OFFICIAL)}
        )
        return str(given["access_token"])

    async def say(self, path: str, body: Any, app: dict[str, str] | None = None) -> Any:
        """Post with a valid token."""
        return await self.post(path, body, access_token=await self.token(app))

    async def text(self, openid: str, content: str = "您好", app: dict[str, str] | None = None) -> Any:
        """A customer-service text."""
        body = {"touser": openid, "msgtype": "text", "text": {"content": content}}
        return await self.say("/cgi-bin/message/custom/send", body, app)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def official() -> App:
    app = App("wx_official", "s-official")
    app.add_template("T_OFFICIAL", "thing1", "time2")
    return app


@pytest.fixture
def mini() -> App:
    app = App("wx_mini", "s-mini", kind="mini", pages=frozenset({"pages/index"}))
    app.add_template("T_MINI", "thing3", "time2", "enum4", enum4=("绿色", "黄色"))
    return app


@pytest.fixture
async def api(official: App, mini: App, clock: FakeClock) -> AsyncIterator[FakeWeChatApi]:
    async with FakeWeChatApi(official, mini, clock=clock.wire) as api:
        yield api


@pytest.fixture
async def caller(api: FakeWeChatApi) -> AsyncIterator[Caller]:
    async with ClientSession(timeout=ClientTimeout(total=10)) as http:
        yield Caller(http, api)
