"""The platforms' doors: raw bytes in, a sealed answer out, and a refusal for whatever isn't theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from bot.channels import names
from bot.channels.alipay.gateway import CheckFailed, content_type
from bot.channels.wechat.door import SUCCESS
from bot.errors import Refused, TooLarge, status_of
from bot.message import Incoming, Kind
from handlers.http.keys import ALIPAY, CLOCK, ENGINE, METRICS, MINI, OFFICIAL, TYPING

_log = structlog.get_logger("webhooks")
_NEWS = frozenset({Kind.SUBSCRIPTION, Kind.DELIVERY, Kind.UNFOLLOW})  # nobody waits for an answer

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Door:
    """One platform's door. `name` is its label in the metrics; `shakes_hands`: it is verified by a GET."""

    name: str
    path: str
    channel: web.AppKey[Any]
    receive: Handler
    shakes_hands: bool = False


def add_routes(app: web.Application) -> None:
    """Open the doors of those channels that the application has, and close the typing indicator with it."""
    for door in DOORS:
        if door.channel not in app:
            continue
        app.router.add_post(door.path, _guarded(door, door.receive))
        if door.shakes_hands:
            app.router.add_get(door.path, _guarded(door, _shaking_hands(door)), allow_head=False)
    if TYPING in app:
        app.on_shutdown.append(_stop_typing)


async def answer_official(request: web.Request) -> web.Response:
    """Answer one message of the official account passively."""
    app = request.app
    official = app[OFFICIAL]
    opened = official.open(
        list(request.query.items()),
        await _body(request),
        wire=app[CLOCK].wire(),
        received_at=app[CLOCK].now(),
    )
    if opened.incoming is None:  # a type of message that isn't known: taken, counted, not answered
        app[METRICS].unknown.labels(official.name, opened.kind).inc()
        reply = None
    else:
        reply = await app[ENGINE].receive(opened.incoming)
    body = official.seal(reply, opened, wire=app[CLOCK].wire())
    return web.Response(body=body, headers={"Content-Type": f"{official.content_type(body)}; charset=utf-8"})


async def take_mini(request: web.Request) -> web.Response:
    """Take one message of the mini-program's chat; its answer goes through the platform's API."""
    app = request.app
    mini = app[MINI]
    received = mini.open(
        list(request.query.items()),
        await _body(request),
        wire=app[CLOCK].wire(),
        received_at=app[CLOCK].now(),
    )
    if received.incoming is None:
        app[METRICS].unknown.labels(mini.name, received.kind).inc()
    else:
        with _typing(app, received.incoming):
            await app[ENGINE].receive(received.incoming)
    return web.Response(body=SUCCESS, headers={"Content-Type": "text/plain; charset=utf-8"})


async def take_alipay(request: web.Request) -> web.Response:
    """Take one message, notification or check of Alipay's gateway and acknowledge it."""
    app = request.app
    gateway = app[ALIPAY]
    try:
        opened = gateway.open(await _body(request), wire=app[CLOCK].wire(), received_at=app[CLOCK].now())
    except CheckFailed as error:  # the console shows what it is answered, so it is told
        _note_refusal(request, error, gateway.name)
        return web.Response(body=gateway.refuse(error), headers={"Content-Type": content_type(error.charset)})
    if opened.incoming is not None:
        await app[ENGINE].receive(opened.incoming)
    elif opened.kind.endswith("other"):
        app[METRICS].unknown.labels(gateway.name, opened.kind).inc()
    else:  # a check or a notification: there is nothing to do about it
        app[METRICS].messages.labels(gateway.name, opened.kind, "acknowledged").inc()
    body, shown_as = gateway.acknowledge(opened, wire=app[CLOCK].wire())
    return web.Response(body=body, headers={"Content-Type": shown_as})


DOORS = (
    Door(names.OFFICIAL, "/webhooks/wechat/official", OFFICIAL, answer_official, shakes_hands=True),
    Door(names.MINI, "/webhooks/wechat/mini", MINI, take_mini, shakes_hands=True),
    Door(names.ALIPAY, "/webhooks/alipay", ALIPAY, take_alipay),
)


def _shaking_hands(door: Door) -> Handler:
    async def shake_hands(request: web.Request) -> web.Response:
        """Prove to the platform that this address knows the token."""
        return web.Response(text=request.app[door.channel].handshake(list(request.query.items())))

    return shake_hands


def _guarded(door: Door, handler: Handler) -> Handler:
    async def guard(request: web.Request) -> web.Response:
        """An empty answer with the error's status for what is refused; the reason is not told."""
        try:
            return await handler(request)
        except Refused as error:
            _note_refusal(request, error, door.name)
            return web.Response(status=status_of(error))

    return guard


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge from None


def _note_refusal(request: web.Request, error: Refused, door: str) -> None:
    request.app[METRICS].refusals.labels(door, error.reason).inc()
    _log.info("request refused", action="webhook_refuse", door=door, reason=error.reason)


def _typing(app: web.Application, incoming: Incoming) -> AbstractContextManager[None]:
    if incoming.kind in _NEWS or TYPING not in app:
        return nullcontext()
    return app[TYPING].while_busy(incoming.account)


async def _stop_typing(app: web.Application) -> None:
    await app[TYPING].close()
