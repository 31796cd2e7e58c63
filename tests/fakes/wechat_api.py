"""The API of WeChat as its documents describe it, on a port of loopback: for the demo, the tests and the benchmark.

It is written from the documents, not from our client, and third parties' clients are run against it in `tests/peers`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import count
from types import TracebackType
from typing import Any, Literal

import orjson
from aiohttp import web

from bot.clock import Clock
from tests.fakes import wechat_api_calls as calls
from tests.fakes.wechat_api_calls import Answer, ByToken, Call, File
from tests.fakes.wechat_api_faults import Fault, Faults
from tests.fakes.wechat_api_sending import Sending
from tests.fakes.wechat_api_words import ERRMSG
from tests.fakes.wechat_api_world import App, Kind, Person, Received, Refusal

__all__ = ["App", "FakeWeChatApi", "Faults", "Person", "Received"]

HOST = "127.0.0.1"
JSON = {"Content-Type": "application/json; encoding=utf-8"}
PLAIN = {"Content-Type": "text/plain"}
HTML = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body><center><h1>{0}</h1></center></body>\r\n</html>\r\n"
)
SUBSCRIBE_SEND = "/cgi-bin/message/subscribe/send"
LOGIN = "/sns/jscode2session"
BOTH = frozenset({"official", "mini"})
OFFICIAL, MINI = frozenset({"official"}), frozenset({"mini"})
Digest = Callable[[Mapping[str, Any]], Hashable]


@dataclass(frozen=True, slots=True)
class Route:
    """One path that needs a token: its method, what it does, and the kinds of app that may use it."""

    method: Literal["GET", "POST"]
    act: ByToken
    kinds: frozenset[str] = BOTH


BY_SECRET: Mapping[str, tuple[str, calls.BySecret]] = {
    "/cgi-bin/token": ("GET", calls.fetch_token),
    "/cgi-bin/stable_token": ("POST", calls.fetch_stable_token),
    "/cgi-bin/clear_quota/v2": ("POST", calls.clear_quota_by_secret),
    LOGIN: ("GET", calls.exchange_code),
}


class FakeWeChatApi:
    """A running platform: `async with FakeWeChatApi(App(...)) as api:` and then `api.base_url`.

    `clock` gives the platform's own instant, aware. `latency` is how long every answer takes, in seconds. With
    `record=False` nothing but pairs of openid and digest is kept, in `digests`: for benchmarks. The digest is that of
    the body as it was sent, unless `digest` makes one of the message.
    """

    def __init__(
        self,
        *apps: App,
        clock: Callable[[], datetime] | None = None,
        latency: float = 0.0,
        record: bool = True,
        digest: Digest | None = None,
        port: int = 0,
    ) -> None:
        self.apps = {app.app_id: app for app in apps}
        self.clock = clock or Clock().wire
        self.latency = latency
        self.record = record
        self.faults = Faults()
        self.sent: list[Received] = []
        self.digests: list[tuple[str, Hashable]] = []
        self.calls: Counter[str] = Counter()
        self.port = port
        self._digest = digest
        self._msgids = count(200_000_000_000)
        self._runner: web.ServerRunner | None = None
        self._kept_port: socket.socket | None = None
        self._released = asyncio.Event()
        self._news = asyncio.Event()
        self._routes = _routes(Sending(self._take, reports=record))

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> FakeWeChatApi:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the port and of everybody who still waits."""
        await self._stop()
        self._free_port()

    async def up(self) -> None:
        """Listen, after `down` on the same port as before."""
        if self._runner is not None:
            return
        self._free_port()
        self._released = asyncio.Event()
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, backlog=1024).start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Refuse connections, and cut those that are open; nobody else gets the port meanwhile."""
        await self._stop()
        self._kept_port = socket.socket()
        self._kept_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept_port.bind((HOST, self.port))

    def invalidate_tokens(self) -> None:
        """Somebody else has fetched new tokens for every app."""
        now = self.clock().timestamp()
        for app in self.apps.values():
            app.tokens.invalidate(now)

    def received_by(self, openid: str) -> list[Received]:
        """What this person has on the phone, oldest first."""
        return [each for each in self.sent if each.openid == openid]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait; the condition is looked at again after every call and every delivery."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def _stop(self) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _free_port(self) -> None:
        if self._kept_port is not None:
            self._kept_port.close()
            self._kept_port = None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        self.calls[path] += 1
        self._news.set()
        fault = self.faults.strike(path)
        if fault is not None and fault.kind == "html":
            return await self._answer_html(fault.code)
        call = await self._read(request)
        try:
            answer = await self._carry_out(call, request.method, fault)
        except Refusal as refusal:
            answer = _refused(refusal)
        if fault is not None and fault.kind in {"hang", "drop"}:
            return await self._say_nothing(request, fault)
        return _response(answer, PLAIN if path == LOGIN else JSON)

    async def _read(self, request: web.BaseRequest) -> Call:
        raw = await request.read() if request.body_exists else b""
        at = self.clock()
        return Call(request.path, request.query, raw, request.remote or "", at, at.timestamp(), self.apps)

    async def _carry_out(self, call: Call, method: str, fault: Fault | None) -> Answer:
        if fault is not None and fault.kind == "fail":
            await self._wait()
            raise Refusal(fault.code)
        by_secret = BY_SECRET.get(call.path)
        if by_secret is not None:
            await self._wait()
            _check_method(method, by_secret[0])
            return by_secret[1](call)
        route = self._routes.get(call.path)
        if route is None:
            raise Refusal(40066)
        _check_method(method, route.method)
        app = self._by_token(call)
        if app.kind not in route.kinds or call.path in app.forbidden:
            raise Refusal(48001)
        if call.path == SUBSCRIBE_SEND:
            return await self._one_at_a_time(call, app, route)
        await self._wait()
        return self._act(call, app, route)

    async def _one_at_a_time(self, call: Call, app: App, route: Route) -> Answer:
        """43108 for a second subscription message to somebody whose first has not been answered yet."""
        person = app.people.get(str(call.json().get("touser", "")))
        if person is None:
            await self._wait()
            return self._act(call, app, route)
        if person.sending:
            raise Refusal(43108)
        person.sending = True
        try:
            await self._wait()
            return self._act(call, app, route)
        finally:
            person.sending = False

    def _act(self, call: Call, app: App, route: Route) -> Answer:
        app.spend_call(call.path, call.now)
        return route.act(call, app)

    def _by_token(self, call: Call) -> App:
        token = call.query.get("access_token", "")
        if not token:
            raise Refusal(41001)
        for app in self.apps.values():
            if app.tokens.knows(token):
                standing = app.tokens.standing(token, call.now)
                if standing == "valid":
                    return app
                raise Refusal(42001 if standing == "expired" else 40001)
        raise Refusal(40014)

    def _take(self, call: Call, app: App, kind: Kind, body: Mapping[str, Any]) -> int:
        """Put a message on somebody's phone."""
        msgid, openid = next(self._msgids), body["touser"]
        if self.record:
            content = {name: value for name, value in body.items() if name != "touser"}
            self.sent.append(Received(app.app_id, openid, kind, content, call.at, msgid))
        else:
            short = self._digest(body) if self._digest else blake2b(call.raw, digest_size=8).digest()
            self.digests.append((openid, short))
        self._news.set()
        return msgid

    async def _wait(self) -> None:
        seconds = self.latency + self.faults.delay
        if seconds:
            await asyncio.sleep(seconds)

    async def _answer_html(self, status: int) -> web.Response:
        await self._wait()
        page = HTML.format(f"{status} Bad Gateway" if status == 502 else str(status))
        return web.Response(status=status, text=page, content_type="text/html")

    async def _say_nothing(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        if fault.kind == "hang":
            await self._released.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _routes(sending: Sending) -> Mapping[str, Route]:
    return {
        "/cgi-bin/message/custom/send": Route("POST", sending.custom),
        "/cgi-bin/message/custom/typing": Route("POST", sending.typing),
        SUBSCRIBE_SEND: Route("POST", sending.subscription, MINI),
        "/cgi-bin/message/template/send": Route("POST", sending.template, OFFICIAL),
        "/cgi-bin/media/get": Route("GET", calls.get_media),
        "/cgi-bin/menu/create": Route("POST", calls.create_menu, OFFICIAL),
        "/cgi-bin/getcallbackip": Route("GET", calls.list_addresses),
        "/cgi-bin/get_api_domain_ip": Route("GET", calls.list_addresses),
        "/cgi-bin/clear_quota": Route("POST", calls.clear_quota),
        "/cgi-bin/openapi/quota/get": Route("POST", calls.get_quota),
    }


def _check_method(method: str, wanted: str) -> None:
    if method != wanted:
        raise Refusal(43001 if wanted == "GET" else 43002)


def _refused(refusal: Refusal) -> dict[str, Any]:
    """The platform's texts end with a number of the request: nobody can rely on the whole."""
    words = refusal.errmsg or ERRMSG.get(refusal.errcode, "unknown error")
    errmsg = f"{words} rid: {secrets.token_hex(8)}"
    return {"errcode": refusal.errcode, "errmsg": errmsg, **refusal.more}


def _response(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    if isinstance(answer, File):
        named = {
            "Content-Type": answer.content_type,
            "Content-Disposition": f'attachment; filename="{answer.name}"',
        }
        return web.Response(body=answer.content, headers=named)
    return web.Response(body=orjson.dumps(answer), headers=headers)
