"""The service with Alipay's fakes around it: what somebody writes there, and what arrives on their phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from config.settings import AlipaySettings, OfficialAccountSettings
from handlers.http.keys import DISPATCHER
from tests.fakes.alipay_gateway import FakeAlipayGateway
from tests.fakes.alipay_notifier import AlipayNotifier, Push
from tests.fakes.alipay_signing import key_of, private_pem, public_pem
from tests.fakes.clock import FakeClock
from tests.handlers.http.api.front import Front
from tests.service import Service, running

APP_ID, PATH = "2021000000000001", "/webhooks/alipay"
TEMPLATE = "T-colour"


class AlipayPhones:
    """People on Alipay, the platform between, and the service."""

    def __init__(
        self, service: Service, gateway: FakeAlipayGateway, notifier: AlipayNotifier, clock: FakeClock
    ) -> None:
        self.service = service
        self.gateway = gateway
        self.notifier = notifier
        self.clock = clock

    async def post(self, push: Push) -> tuple[int, bytes]:
        """One delivery; status and body."""
        headers = {"Content-Type": push.content_type}
        async with self.service.client.post(PATH, data=push.body, headers=headers) as response:
            return response.status, await response.read()

    async def taken(self, push: Push) -> None:
        """One delivery that the platform sees acknowledged."""
        status, body = await self.post(push)
        assert status == 200
        assert self.notifier.read(body).success

    async def follow(self, user: str) -> None:
        self.gateway.apis.follow(user)
        await self.taken(self.notifier.follow(user))

    async def say(self, user: str, text: str, *, message_id: str = "") -> list[str]:
        """Type something into the chat; what arrives on the phone because of it."""
        self.gateway.apis.contact(user, "chat")
        before = len(self.texts(user))
        await self.taken(self.notifier.text(user, text, message_id=message_id))
        await self.drain()
        return self.texts(user)[before:]

    def texts(self, user: str) -> list[str]:
        """Every text of the chat that came to that phone."""
        return [each.text for each in self.gateway.sent if each.to == user and each.text]

    async def log_in(self, user: str) -> Front:
        """The user opens the front end, which exchanges the platform's code for a session."""
        front = Front(self.service, user)
        code = self.gateway.apis.authorize(user)
        answer = await front.post("/sessions", {"platform": "alipay", "code": code})
        assert answer.status == 201, answer.body
        front.token = answer.body["token"]
        return front

    async def drain(self) -> None:
        """Everything goes out that can go now."""
        await self.service.app[DISPATCHER].drain()

    def pass_time(self, **how_long: float) -> None:
        self.clock.advance(timedelta(**how_long))


@asynccontextmanager
async def alipay_phones(
    database_url: str, folder: Path, *, charset: str = "GBK", **changes: Any
) -> AsyncIterator[AlipayPhones]:
    """A service with Alipay alone set up; its keys lie in `folder`."""
    clock = FakeClock()
    ours, theirs = key_of("app"), key_of("platform")
    (folder / "ours.pem").write_text(private_pem(ours))
    (folder / "theirs.pem").write_text(public_pem(theirs.public_key()))
    gateway = FakeAlipayGateway(
        app_id=APP_ID, app_public_key=ours.public_key(), platform_key=theirs, clock=clock
    )
    gateway.apis.add_template(TEMPLATE, "keyword1", "keyword2", "keyword3")
    notifier = AlipayNotifier(
        app_id=APP_ID,
        platform_key=theirs,
        app_public_key=ours.public_key(),
        clock=clock,
        charset=charset,
    )
    async with gateway:
        settings = AlipaySettings(
            app_id=APP_ID,
            private_key_file=str(folder / "ours.pem"),
            alipay_public_key_file=str(folder / "theirs.pem"),
            gateway_url=gateway.url,
            templates={"colour_changed": TEMPLATE},
        )
        official = OfficialAccountSettings()
        async with running(
            database_url, clock=clock, alipay=settings, wechat_official=official, **changes
        ) as service:
            yield AlipayPhones(service, gateway, notifier, clock)
