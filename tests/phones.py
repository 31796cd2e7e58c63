"""The service with its platforms' fakes behind it: what arrives on people's phones by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from bot.channels.wechat.push import Push, PushSender
from bot.clock import Clock
from config.settings import MiniProgramSettings, OfficialAccountSettings
from handlers.http.keys import DISPATCHER
from tests.crowd import Crowd
from tests.fakes.clock import FakeClock
from tests.fakes.wechat_api import App, FakeWeChatApi
from tests.service import AES_KEY, APP_ID, TOKEN, Service, running

MINI_ID, MINI_SECRET = "wx0000000000000002", "a-secret"
MINI_PATH = "/webhooks/wechat/mini"
TEMPLATES = {"colour_changed": "T-colour", "asked_first": "T-asked", "link_asked": "T-link"}


class Phones:
    """People on the mini-program, the platform between, and the service."""

    def __init__(self, service: Service, api: FakeWeChatApi, clock: Clock) -> None:
        self.service = service
        self.api = api
        self.app = api.apps[MINI_ID]
        self.clock = clock
        self.sender = PushSender(MINI_ID, TOKEN, AES_KEY, format="json")

    async def deliver(self, push: Push) -> tuple[int, bytes]:
        """One delivery of a push; returns status and body."""
        client = self.service.client
        async with client.post(MINI_PATH, params=list(push.query), data=push.body) as response:
            return response.status, await response.read()

    async def say(self, openid: str, text: str, *, msg_id: str | None = None) -> list[str]:
        """Type something into the mini-program's chat; what arrives on the phone because of it."""
        self.app.happened(openid, "message", at=self.clock.wire())
        before = len(self.texts(openid))
        push = self.sender.text(openid, text, at=self.clock.wire(), msg_id=msg_id)
        assert await self.deliver(push) == (200, b"success")
        await self.drain()
        return self.texts(openid)[before:]

    async def talk(self, openid: str, *texts: str) -> list[str]:
        """Say several things; what came after the last."""
        came: list[str] = []
        for text in texts:
            came = await self.say(openid, text)
        return came

    async def accept(self, openid: str, kind: str, *, count: int = 1) -> None:
        """Agree to notices of that kind, in the platform's own dialog."""
        for _ in range(count):
            self.app.accept(openid, TEMPLATES[kind])
            push = self.sender.consents(openid, [(TEMPLATES[kind], "accept")], at=self.clock.wire())
            assert await self.deliver(push) == (200, b"success")
            self.pass_time(seconds=1)
        await self.drain()

    def texts(self, openid: str) -> list[str]:
        """Every text of the chat that came to that phone."""
        received = self.api.received_by(openid)
        return [each.content["text"]["content"] for each in received if each.kind == "custom"]

    def subscribed(self, openid: str) -> list[dict[str, str]]:
        """The fields of every subscription message that came to that phone."""
        received = self.api.received_by(openid)
        return [
            {name: value["value"] for name, value in each.content["data"].items()}
            for each in received
            if each.kind == "subscription"
        ]

    def crowd(self, channel: str = "wechat_mini") -> Crowd:
        """People on one of the apps, with what is queued for them."""
        app = self.app if channel == "wechat_mini" else self.api.apps[APP_ID]
        return Crowd(self.service.database, self.service.tools.world.keys, self.clock, app, channel)

    async def drain(self) -> None:
        """Everything goes out that can go now."""
        await self.service.app[DISPATCHER].drain()

    def pass_time(self, **how_long: float) -> None:
        assert isinstance(self.clock, FakeClock)
        self.clock.advance(timedelta(**how_long))


def mini_settings(api: FakeWeChatApi, **changes: Any) -> MiniProgramSettings:
    """The mini-program's settings, with the fake as the platform."""
    values: dict[str, Any] = {
        "app_id": MINI_ID,
        "token": SecretStr(TOKEN),
        "aes_key": SecretStr(AES_KEY),
        "secret": SecretStr(MINI_SECRET),
        "api_base": api.base_url,
        "templates": TEMPLATES,
        **changes,
    }
    return MiniProgramSettings(**values)


def official_settings(api: FakeWeChatApi) -> OfficialAccountSettings:
    """The official account's settings, which may send through the same platform."""
    return OfficialAccountSettings(
        app_id=APP_ID,
        token=SecretStr(TOKEN),
        aes_key=SecretStr(AES_KEY),
        secret=SecretStr(MINI_SECRET),
        api_base=api.base_url,
    )


def platform(clock: Clock, *, ahead: timedelta = timedelta(0), latency: float = 0.0) -> FakeWeChatApi:
    """The platform with both apps, not listening yet; `ahead` of our clock is its own."""
    mini, official = App(MINI_ID, MINI_SECRET, "mini"), App(APP_ID, MINI_SECRET)
    for template_id in TEMPLATES.values():
        mini.add_template(template_id, "thing1", "thing2", "thing3")
    return FakeWeChatApi(mini, official, clock=lambda: clock.wire() + ahead, latency=latency)


@asynccontextmanager
async def served(
    database_url: str,
    api: FakeWeChatApi,
    clock: Clock,
    *,
    mini: Mapping[str, Any] | None = None,
    official: bool = False,
    **changes: Any,
) -> AsyncIterator[Phones]:
    """A service before a platform that is there already; `mini` are changes of the mini-program's settings, and
    with `official` the official account may send, too."""
    if official:
        changes["wechat_official"] = official_settings(api)
    settings = mini_settings(api, **mini or {})
    async with running(database_url, clock=clock, wechat_mini=settings, **changes) as service:
        yield Phones(service, api, clock)


@asynccontextmanager
async def phones(
    database_url: str,
    *,
    clock: FakeClock | None = None,
    ahead: timedelta = timedelta(0),
    latency: float = 0.0,
    **changes: Any,
) -> AsyncIterator[Phones]:
    """A service with the mini-program set up, and the fake platform that it calls; `changes` as for `served`."""
    clock = clock or FakeClock()
    async with (
        platform(clock, ahead=ahead, latency=latency) as api,
        served(database_url, api, clock, **changes) as they,
    ):
        yield they
