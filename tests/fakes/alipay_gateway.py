"""Alipay's OpenAPI gateway on loopback: it verifies every request, signs every answer, and fails on demand.

Anchored by the official Node client (tests/peers/test_alipay.py). Real answers contain `}` in strings and `\\/`:
these do too, always, together with a field that no client knows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from bot.clock import Clock
from tests.fakes.alipay_apis import AlipayApis, Refusal, SentMessage
from tests.fakes.alipay_signing import decrypt, encrypt, key_of, request_string, signature, verifies

PATH = "/gateway.do"
BEIJING = timezone(timedelta(hours=8))
TIMESTAMP = "%Y-%m-%d %H:%M:%S"
TOLERANCE = timedelta(minutes=10)  # undocumented; a host eight hours off is refused, five minutes are taken
CHARSETS = {"utf-8", "gbk", "gb2312", "gb18030"}
MESSAGES = {
    "10000": "Success",
    "20000": "Service Currently Unavailable",
    "20001": "Insufficient Token Permissions",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40003": "Insufficient Conditions",
    "40004": "Business Failed",
    "40005": "Call Limited",
    "40006": "Insufficient Permissions",
}
AWKWARD = '<p>}{ "\\/" 中文</p>'
Api = Callable[[Mapping[str, str], Mapping[str, Any]], dict[str, Any]]


@dataclass(slots=True)
class Fault:
    """What happens to the next calls instead of an answer; `times` None until healed."""

    kind: str = ""
    times: int | None = None
    status: int = 0
    seconds: float = 0
    refusal: Refusal | None = None
    after: bool = False


NO_FAULT = Fault()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seal:
    """How one answer is signed, and sealed where there is a key."""

    key: RSAPrivateKey = field(repr=False)
    charset: str
    aes_key: str = field(repr=False)

    def around(self, name: str, node: Mapping[str, Any]) -> bytes:
        """Name, node and signature over the very bytes of the node; a sealed node is signed with its quotes."""
        raw = _raw(node)
        if self.aes_key:
            raw = f'"{encrypt(raw.encode(self.charset), self.aes_key)}"'
        signed = signature(self.key, raw.encode(self.charset))
        return f'{{"{name}":{raw},"sign":"{signed}"}}'.encode(self.charset)


@dataclass(kw_only=True, slots=True)
class FakeAlipayGateway:
    """One app at the gateway. `apis` is what phones and consoles do; `calls` are the methods that were asked for.

    `clock_off` moves the platform's clock, `signs_errors` signs an `error_response`, which the real one needn't.
    """

    app_id: str
    app_public_key: RSAPublicKey = field(repr=False)
    platform_key: RSAPrivateKey = field(repr=False)
    clock: Clock
    aes_key: str = field(default="", repr=False)
    sign_types: frozenset[str] = frozenset({"RSA2"})
    clock_off: timedelta = timedelta(0)
    signs_errors: bool = False
    apis: AlipayApis = field(init=False)
    calls: list[str] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None
    _site: web.TCPSite | None = None
    _port: int = 0

    def __post_init__(self) -> None:
        self.apis = AlipayApis(self.clock)

    # its life

    async def __aenter__(self) -> FakeAlipayGateway:
        app = web.Application()
        app.router.add_route("*", PATH, self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    @property
    def sent(self) -> list[SentMessage]:
        return self.apis.sent

    # faults

    async def down(self) -> None:
        """Nobody listens any more: connections are refused, open ones are closed."""
        if self._site is not None and self._runner is not None:
            await self._site.stop()
            self._site = None
            for connection in self._runner.server.connections if self._runner.server else ():
                connection.force_close()  # a polite close leaves those open that are idle

    async def up(self) -> None:
        """Listen, again at the same port."""
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    def slow(self, seconds: float, *, times: int | None = None) -> None:
        """Answer correctly, but late."""
        self._faults.append(Fault("slow", times, seconds=seconds))

    def answer_html(self, status: int = 502, *, times: int | None = None) -> None:
        """What a broken proxy in front of the platform says."""
        self._faults.append(Fault("html", times, status=status))

    def hang(self, *, times: int | None = None, after: bool = True) -> None:
        """Never answer; the call is carried out nevertheless, unless `after` says otherwise."""
        self._faults.append(Fault("hang", times, after=after))

    def drop_after_write(self, *, times: int | None = None) -> None:
        """The call is carried out, and the connection cut before the answer."""
        self._faults.append(Fault("drop", times, after=True))

    def fail_with(
        self, code: str, sub_code: str = "", *, times: int | None = None, gateway: bool = False
    ) -> None:
        """Refuse with this code; `gateway` puts it into `error_response`."""
        self._faults.append(Fault("refuse", times, refusal=Refusal(code, sub_code, gateway=gateway)))

    def forge(self, *, times: int | None = None) -> None:
        """Answer as somebody on the way would: with a signature that isn't the platform's."""
        self._faults.append(Fault("forge", times))

    def heal(self) -> None:
        """Everything works again; calls that hang are cut."""
        self._faults.clear()
        self._released.set()
        self._released = asyncio.Event()

    # one call

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        query, body = request.rel_url.raw_query_string, (await request.read()).decode("ascii", "replace")
        fault = self._take_fault()
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "html":
            return web.Response(
                status=fault.status, text="<html>Bad Gateway</html>", content_type="text/html"
            )
        if fault.kind in ("hang", "drop"):
            return await self._cut(request, self.answer(query, body) if fault.after else b"", fault)
        # the real one calls its JSON a page, too
        return web.Response(body=self.answer(query, body, fault), content_type="text/html", charset="utf-8")

    async def _cut(self, request: web.Request, unsaid: bytes, fault: Fault) -> web.StreamResponse:
        if fault.kind == "hang":
            await self._released.wait()
        if request.transport is not None:
            request.transport.close()
        return web.Response(body=unsaid)

    def answer(self, query: str, body: str, fault: Fault = NO_FAULT) -> bytes:
        """The answer to a query string and a form body, as it goes over the wire."""
        named = dict(parse_qsl(query) + parse_qsl(body))
        charset, method = named.get("charset", "utf-8").lower(), named.get("method", "")
        self.calls.append(method)
        seal = _Seal(
            key=key_of("a forger") if fault.kind == "forge" else self.platform_key,
            charset=charset if charset in CHARSETS else "utf-8",
            aes_key=self.aes_key if named.get("encrypt_type") else "",
        )
        try:
            if charset not in CHARSETS:
                raise Refusal("40002", "isv.invalid-charset", gateway=True)
            params = _params(query, body, charset)
            self._check(params, charset)
            if fault.refusal is not None:
                raise fault.refusal
            return seal.around(_node_name(method), self._call(params, charset))
        except Refusal as refusal:
            return self._error(method, refusal, seal)

    def _check(self, params: Mapping[str, str], charset: str) -> None:
        for name in ("method", "app_id", "timestamp", "version", "sign_type"):
            if not params.get(name):
                missing = "signature-type" if name == "sign_type" else name.replace("_", "-")
                raise Refusal("40001", f"isv.missing-{missing}", gateway=True)
        if not params.get("sign"):
            raise Refusal("40001", "isv.missing-signature", gateway=True)
        if params["app_id"] != self.app_id:
            raise Refusal("40002", "isv.invalid-app-id", gateway=True)
        if params.get("format", "JSON").upper() != "JSON":
            raise Refusal("40002", "isv.invalid-format", gateway=True)
        if params["sign_type"] not in self.sign_types:
            raise Refusal("40002", "isv.invalid-signature-type", gateway=True)
        self._check_time(params["timestamp"])
        content = request_string(params).encode(charset)
        if not verifies(self.app_public_key, content, params["sign"], params["sign_type"]):
            raise Refusal("40002", "isv.invalid-signature", gateway=True)

    def _check_time(self, stamp: str) -> None:
        try:
            at = datetime.strptime(stamp, TIMESTAMP).replace(tzinfo=BEIJING)
        except ValueError:
            raise Refusal("40002", "isv.invalid-timestamp", gateway=True) from None
        if abs(at - self.clock.wire() - self.clock_off) > TOLERANCE:
            raise Refusal("40002", "isv.invalid-timestamp", gateway=True)

    def _call(self, params: Mapping[str, str], charset: str) -> dict[str, Any]:
        apis: dict[str, Api] = {
            "alipay.system.oauth.token": self.apis.oauth_token,
            "alipay.open.public.message.custom.send": self.apis.custom_send,
            "alipay.open.app.mini.templatemessage.send": self.apis.template_send,
        }
        if params["method"] not in apis:
            raise Refusal("40002", "isv.invalid-method", gateway=True)
        node = apis[params["method"]](params, self._content(params, charset))
        # the login answers without a code, as older APIs do
        code = {} if "access_token" in node else {"code": "10000", "msg": MESSAGES["10000"]}
        return {**code, **node, "unknown_to_clients": AWKWARD}

    def _content(self, params: Mapping[str, str], charset: str) -> dict[str, Any]:
        text = params.get("biz_content", "") or "{}"
        if params.get("encrypt_type"):
            if params["encrypt_type"] != "AES" or not self.aes_key:
                raise Refusal("40002", "isv.invalid-encrypt-type", gateway=True)
            try:
                text = decrypt(text, self.aes_key).decode(charset)
            except ValueError:
                raise Refusal("40002", "isv.decryption-error-unknown", gateway=True) from None
        try:
            content = json.loads(text)
        except ValueError:
            raise Refusal("40002", "isv.invalid-parameter", gateway=True) from None
        if not isinstance(content, dict):
            raise Refusal("40002", "isv.invalid-parameter", gateway=True)
        return content

    # answers

    def _error(self, method: str, refusal: Refusal, seal: _Seal) -> bytes:
        node = {"code": refusal.code, "msg": MESSAGES.get(refusal.code, "Unknown")}
        if refusal.sub_code:
            node |= {"sub_code": refusal.sub_code, "sub_msg": f"refused {AWKWARD}"}
        if not refusal.gateway:
            return seal.around(_node_name(method), node)
        if self.signs_errors:
            return replace(seal, aes_key="").around("error_response", node)
        return f'{{"error_response":{_raw(node)}}}'.encode(seal.charset)

    def _take_fault(self) -> Fault:
        if not self._faults:
            return NO_FAULT
        fault = self._faults[0]
        if fault.times is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.pop(0)
        return fault


def _params(query: str, body: str, charset: str) -> dict[str, str]:
    """Everything sent, from the query and the form; a name that stands twice is refused."""
    found: dict[str, str] = {}
    for text in (query, body):
        for name, value in parse_qsl(text, keep_blank_values=True, encoding=charset):
            if name in found:
                raise Refusal("40002", "isv.invalid-parameter", gateway=True)
            found[name] = value
    return found


def _node_name(method: str) -> str:
    return f"{method.replace('.', '_')}_response"


def _raw(node: Mapping[str, Any]) -> str:
    """JSON as the platform writes it: every slash escaped."""
    return json.dumps(node, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
