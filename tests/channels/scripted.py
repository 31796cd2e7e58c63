"""A platform on loopback that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]
Scripted = dict[str, Any] | Respond


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    raw: bytes
    headers: dict[str, str]

    @property
    def body(self) -> Any:
        return orjson.loads(self.raw)


@dataclass
class ScriptedPlatform:
    """`answers[path]` are given in turn, the last one for ever; a dict is JSON as `text/plain`."""

    answers: dict[str, list[Scripted]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    base: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app)
        await self._server.start_server()
        self.base = str(self._server.make_url("/")).rstrip("/")
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.over.set()
        await self._server.close()

    def asked(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.calls.append(Call(request.method, request.path, dict(request.query), raw, dict(request.headers)))
        self.arrived.set()
        script = self.answers[request.path]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, dict):
            return web.Response(body=orjson.dumps(answer), content_type="text/plain")
        return await answer(request)

    async def never(self, request: web.Request) -> web.StreamResponse:
        """No answer, until the test is over."""
        await self.over.wait()
        return web.Response()


def page(status: int, body: bytes = b"<html>Bad Gateway</html>", content_type: str = "text/html") -> Respond:
    """That answer, whatever was asked."""

    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=content_type)

    return respond


async def hang_up(request: web.Request) -> web.StreamResponse:
    """The request was read, and the connection is gone."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def half_an_answer(request: web.Request) -> web.StreamResponse:
    """The head of an answer and some of its body, then the connection is gone."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"errcode":')
    assert request.transport is not None
    request.transport.abort()
    return response
