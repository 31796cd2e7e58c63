"""The platforms' doors: raw bytes in, a sealed answer out, and a refusal for whatever isn't theirs."""

from __future__ import annotations

import structlog
from aiohttp import web

from bot.errors import Refused, TooLarge, status_of
from handlers.http.keys import CLOCK, ENGINE, METRICS, OFFICIAL

_log = structlog.get_logger("webhooks")
_DOOR = "wechat_official"


async def shake_hands(request: web.Request) -> web.Response:
    """Prove to the platform that this address knows the token."""
    try:
        echo = request.app[OFFICIAL].handshake(list(request.query.items()))
    except Refused as error:
        return refuse(request, error)
    return web.Response(text=echo)


async def receive_message(request: web.Request) -> web.Response:
    """Answer one message of the official account."""
    app = request.app
    official = app[OFFICIAL]
    try:
        opened = official.open(
            list(request.query.items()),
            await _body(request),
            wire=app[CLOCK].wire(),
            received_at=app[CLOCK].now(),
        )
    except Refused as error:
        return refuse(request, error)
    if opened.incoming is None:  # a type of message that isn't known: taken, counted, not answered
        app[METRICS].unknown.labels(_DOOR, opened.kind).inc()
        reply = None
    else:
        reply = await app[ENGINE].receive(opened.incoming)
    body = official.seal(reply, opened, wire=app[CLOCK].wire())
    return web.Response(body=body, headers={"Content-Type": f"{official.content_type(body)}; charset=utf-8"})


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge from None


def refuse(request: web.Request, error: Refused) -> web.Response:
    """An empty answer with the error's status; the reason is counted and logged, not told."""
    request.app[METRICS].refusals.labels(_DOOR, error.reason).inc()
    _log.info("request refused", action="webhook_refuse", door=_DOOR, reason=error.reason)
    return web.Response(status=status_of(error))
