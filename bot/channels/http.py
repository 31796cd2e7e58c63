"""Calls to the platforms over HTTP: the one place that knows the client library.

Access tokens and secrets travel in the query of an address. So no address is logged, raised or shown here: a
failure carries a short code, and neither its cause nor its context is the library's own error, which names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from bot.errors import YimaError

LARGEST_ANSWER = 256 * 1024
# Shorter than platforms keep an idle connection: a POST on one that they are just closing has an unknown outcome.
_IDLE_SECONDS = 10.0
_JSON = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "Accept-Encoding": "identity"}
_NONE = {"Accept-Encoding": "identity"}
_NO_QUERY: Mapping[str, str] = {}
_BEFORE_WRITING = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


class CallFailed(YimaError):
    """A call to a platform got no usable answer.

    `written` says whether the platform may have got the request and acted on it; only failures to connect are
    certain not to. `reason` is one of `connect`, `closed` (these two: not written), `timeout`, `disconnected`,
    `protocol` (not HTTP), `too_large`, `not_json`, `empty`, `cut_short` (JSON that ends early), `bad_answer`
    (JSON, but not what this platform says) and `http_<status>` for every status but 200 to 299; `status` is the
    answer's, None without one.
    """

    def __init__(self, reason: str, *, written: bool, status: int | None = None) -> None:
        super().__init__(f"call failed: {reason}")
        self.reason = reason
        self.written = written
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back with a status of 200 to 299. `content_type` is without parameters, in lower case."""

    status: int
    body: bytes = field(repr=False)
    content_type: str = ""

    def json(self) -> dict[str, Any]:
        """The JSON object in the body, whatever its content type says; CallFailed for anything else."""
        text = self.body.decode("utf-8-sig", errors="replace").strip()
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, dict):
            return found
        reason = "empty" if not text else "cut_short" if text.startswith("{") else "not_json"
        raise CallFailed(reason, written=True, status=self.status)


class HttpCaller:
    """Calls with a time limit, a size limit and one pool of connections, which is made at the first call.

    `total_seconds` is for a whole call, `connect_seconds` for getting a connection, waiting in the pool included.
    """

    def __init__(
        self, *, total_seconds: float = 10.0, connect_seconds: float = 3.0, connections: int = 100
    ) -> None:
        self._total = total_seconds
        self._connect = min(connect_seconds, total_seconds)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def post_json(self, url: str, body: object, query: Mapping[str, str] = _NO_QUERY) -> dict[str, Any]:
        """POST a value as JSON in UTF-8, nothing escaped; the answer's JSON object."""
        answer = await self._call("POST", _address(url, query), _JSON, orjson.dumps(body), LARGEST_ANSWER)
        return answer.json()

    async def post_form(
        self, url: str, fields: Mapping[str, str], query: Mapping[str, str] = _NO_QUERY
    ) -> Answer:
        """POST a form in UTF-8; the answer with its raw bytes."""
        return await self._call(
            "POST", _address(url, query), _FORM, urlencode(fields).encode(), LARGEST_ANSWER
        )

    async def get_json(self, url: str, query: Mapping[str, str] = _NO_QUERY) -> dict[str, Any]:
        """GET; the answer's JSON object."""
        answer = await self._call("GET", _address(url, query), _NONE, None, LARGEST_ANSWER)
        return answer.json()

    async def get_bytes(self, url: str, query: Mapping[str, str] = _NO_QUERY, *, limit: int) -> Answer:
        """GET at most `limit` bytes; CallFailed `too_large` for more, without reading them."""
        return await self._call("GET", _address(url, query), _NONE, None, limit)

    async def close(self) -> None:
        """Let go of the connections; later calls fail."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _call(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        if self._closed:
            raise CallFailed("closed", written=False)
        try:
            async with self._opened().request(
                method, address, headers=headers, data=body, allow_redirects=False
            ) as response:
                return await _read(response, limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failed = _failed(error)
        # outside of the handler, so that the library's error is not even its context
        raise failed

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections, ttl_dns_cache=60, keepalive_timeout=_IDLE_SECONDS
                ),
                timeout=aiohttp.ClientTimeout(total=self._total, connect=self._connect),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
            # the library would silently send a GET a second time: the code of a login is good for one
            self._session._retry_connection = False
        return self._session


def _address(url: str, query: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url


async def _read(response: aiohttp.ClientResponse, limit: int) -> Answer:
    if not 200 <= response.status < 300:
        response.close()
        raise CallFailed(f"http_{response.status}", written=True, status=response.status)
    chunks: list[bytes] = []
    left = limit - (response.content_length or 0)
    if left >= 0:
        left = limit
        async for chunk in response.content.iter_any():
            left -= len(chunk)
            if left < 0:
                break
            chunks.append(chunk)
    if left < 0:
        response.close()
        raise CallFailed("too_large", written=True, status=response.status)
    return Answer(response.status, b"".join(chunks), response.content_type)


def _failed(error: Exception) -> CallFailed:
    """What a failure of the library means; only those before the request was written are certain."""
    if isinstance(error, _BEFORE_WRITING):
        return CallFailed("connect", written=False)
    if isinstance(error, TimeoutError):
        return CallFailed("timeout", written=True)
    if isinstance(error, aiohttp.ClientResponseError):
        return CallFailed("protocol", written=True)
    return CallFailed("disconnected", written=True)
