"""The phones of the demo: what somebody types, what is answered, and what arrives by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from bot.channels.wechat.push import Push, PushSender
from bot.clock import DEFAULT_ZONE, Clock, zone
from bot.notices.dispatcher import Dispatcher

if TYPE_CHECKING:
    from tests.fakes.wechat_api import App, FakeWeChatApi, Received

_LABELS = {
    "thing1": "健康码",
    "thing2": "变化",
    "thing3": "备注",
}  # as they are chosen in the platform's console

Post = Callable[[Push], Awaitable[bytes]]
"""Delivers a push, and returns the body that answers it."""


class StoryClock(Clock):
    """Real time moves with a story too: windows end and tokens run out as its days pass."""

    def now(self) -> datetime:
        return self.wire()

    def wire(self) -> datetime:
        return super().wire() + self.offset

    def until(self, hour: int, minute: int) -> timedelta:
        """How long it is to the next time that the wall clock shows this."""
        here = self.now().astimezone(zone(DEFAULT_ZONE))
        then = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (then if then > here else then + timedelta(days=1)) - here


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that came by itself, as the phone shows it."""

    at: datetime
    head: str
    lines: Sequence[str]


class Phone(Protocol):
    """A platform with people behind it, by their ids there."""

    async def say(self, openid: str, text: str) -> str:
        """Send one text and return the answer as it is read."""

    async def agree(self, openid: str) -> None:
        """Agree to one more notice of a change of colour."""

    async def arrived(self, openid: str) -> Sequence[Arrived]:
        """Whatever came since the last look without being asked for."""


class OfficialPhone:
    """The official account: the answer comes with the push, and without a secret nothing is sent unasked."""

    def __init__(self, sender: PushSender, post: Post, clock: Clock) -> None:
        self._sender = sender
        self._post = post
        self._clock = clock

    async def say(self, openid: str, text: str) -> str:
        """Encrypt what is typed, decrypt what is answered."""
        push = self._sender.text(openid, text, at=self._clock.wire())
        shown = self._sender.answer(await self._post(push))
        return shown["Content"] if shown else ""

    async def agree(self, openid: str) -> None:
        """The official account has no such dialog."""

    async def arrived(self, openid: str) -> Sequence[Arrived]:
        """Nothing."""
        return ()


class MiniPhone:
    """The mini-program: everything comes through the platform's API, answers too."""

    def __init__(
        self, sender: PushSender, post: Post, clock: Clock, *, dispatcher: Dispatcher, api: FakeWeChatApi
    ) -> None:
        self._sender = sender
        self._post = post
        self._clock = clock
        self._dispatcher = dispatcher
        self._api = api
        self._read: dict[str, int] = {}

    async def say(self, openid: str, text: str) -> str:
        """Push what is typed; what comes into the chat because of it is the answer."""
        at = self._clock.wire()
        self._app.happened(openid, "message", at=at)
        await self._post(self._sender.text(openid, text, at=at))
        return "\n\n".join(_text(each) for each in await self._unread(openid))

    async def agree(self, openid: str) -> None:
        """In the platform's own dialog, of which it tells the service."""
        template_id = next(iter(self._app.templates))  # the first of them is that of a change of colour
        self._app.accept(openid, template_id)
        self._clock.forward(timedelta(seconds=1))  # nobody answers two dialogs in one second
        push = self._sender.consents(openid, [(template_id, "accept")], at=self._clock.wire())
        await self._post(push)

    async def arrived(self, openid: str) -> Sequence[Arrived]:
        """Everything goes out that can go now; what of it came to this phone."""
        return [_shown(each) for each in await self._unread(openid)]

    async def _unread(self, openid: str) -> Sequence[Received]:
        await self._dispatcher.drain()
        received = self._api.received_by(openid)
        read, self._read[openid] = self._read.get(openid, 0), len(received)
        return received[read:]

    @property
    def _app(self) -> App:
        return self._api.apps[self._sender.app_id]


def _shown(received: Received) -> Arrived:
    if received.kind == "custom":
        return Arrived(received.at, "聊天消息 / in the chat", _text(received).splitlines())
    fields = received.content["data"].items()
    lines = [f"{_LABELS.get(name, name)}：{value['value']}" for name, value in fields]
    return Arrived(received.at, "服务通知 / a service notice", lines)


def _text(received: Received) -> str:
    return str(received.content["text"]["content"])
