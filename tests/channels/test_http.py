"""The caller of platforms: what it sends, what it makes of every answer, and that no address gets out."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.channels.http import LARGEST_ANSWER, Answer, CallFailed, HttpCaller
from tests.channels.scripted import Scripted, ScriptedPlatform, half_an_answer, hang_up, page

QUERY = {"access_token": "token-that-nobody-sees"}


@pytest.fixture
async def platform() -> AsyncIterator[ScriptedPlatform]:
    async with ScriptedPlatform() as platform:
        yield platform


@pytest.fixture
async def caller() -> AsyncIterator[HttpCaller]:
    caller = HttpCaller(total_seconds=5, connect_seconds=2)
    yield caller
    await caller.close()


async def refused(platform: ScriptedPlatform, caller: HttpCaller, answer: Scripted) -> CallFailed:
    platform.answers["/x"] = [answer]
    with pytest.raises(CallFailed) as caught:
        await caller.post_json(f"{platform.base}/x", {}, QUERY)
    return caught.value


async def test_json_is_sent_as_utf8_without_escapes(platform: ScriptedPlatform, caller: HttpCaller) -> None:
    platform.answers["/x"] = [{"errcode": 0}]
    assert await caller.post_json(f"{platform.base}/x", {"text": "你好 😀"}, QUERY) == {"errcode": 0}
    call = platform.calls[0]
    assert call.raw == '{"text":"你好 😀"}'.encode()
    assert call.headers["Content-Type"] == "application/json"
    assert call.query == QUERY


async def test_query_and_form_keep_every_character(platform: ScriptedPlatform, caller: HttpCaller) -> None:
    odd = {"sign": "a+b/c==%2B &?#中~", "empty": ""}
    platform.answers["/x"] = [page(200, "签名".encode("gbk"), "text/html")]
    answer = await caller.post_form(f"{platform.base}/x", odd, odd)
    call = platform.calls[0]
    assert call.query == odd
    assert call.raw == (
        b"sign=a%2Bb%2Fc%3D%3D%252B+%26%3F%23%E4%B8%AD~&empty="
    )  # so that what was signed is what arrives
    assert (answer.status, answer.body, answer.content_type) == (200, "签名".encode("gbk"), "text/html")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "text/html", "image/jpeg"])
async def test_json_is_read_under_any_content_type(
    platform: ScriptedPlatform, caller: HttpCaller, content_type: str
) -> None:
    platform.answers["/x"] = [page(200, b'\xef\xbb\xbf {"a": 1}\n', content_type)]
    assert await caller.get_json(f"{platform.base}/x") == {"a": 1}


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        (page(502), "http_502", 502),
        (page(504), "http_504", 504),
        (page(404, b"{}"), "http_404", 404),
        (page(302), "http_302", 302),
        (page(200), "not_json", 200),
        (page(200, b"[]"), "not_json", 200),
        (page(200, b""), "empty", 200),
        (page(200, b'{"errcode": 0, '), "cut_short", 200),
        (page(200, b" " * (LARGEST_ANSWER + 1)), "too_large", 200),
        (hang_up, "disconnected", None),
        (half_an_answer, "disconnected", None),
    ],
)
async def test_bad_answer_has_its_reason_and_may_have_been_processed(
    platform: ScriptedPlatform, caller: HttpCaller, answer: Scripted, reason: str, status: int | None
) -> None:
    failed = await refused(platform, caller, answer)
    assert (failed.reason, failed.written, failed.status) == (reason, True, status)


async def test_call_that_was_cut_off_is_never_repeated(
    platform: ScriptedPlatform, caller: HttpCaller
) -> None:
    platform.answers["/x"] = [{"a": 1}, hang_up, {"a": 2}]
    url = f"{platform.base}/x"
    await caller.get_json(url)
    with pytest.raises(CallFailed) as caught:
        await caller.get_json(url)  # on the connection of the first
    assert caught.value.reason == "disconnected"
    assert len(platform.calls) == 2


async def test_answer_that_never_comes_is_a_timeout(platform: ScriptedPlatform) -> None:
    caller = HttpCaller(total_seconds=0.2)
    failed = await refused(platform, caller, platform.never)
    await caller.close()
    assert (failed.reason, failed.written) == ("timeout", True)


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/x", "no-address", "ftp://127.0.0.1/x", "http://"])
async def test_what_never_got_a_connection_was_not_written(caller: HttpCaller, url: str) -> None:
    with pytest.raises(CallFailed) as caught:
        await caller.post_json(url.format(port=closed_port()), {}, QUERY)
    assert (caught.value.reason, caught.value.written) == ("connect", False)


async def test_waiting_for_a_free_connection_is_not_written(platform: ScriptedPlatform) -> None:
    caller = HttpCaller(total_seconds=5, connect_seconds=0.1, connections=1)
    platform.answers["/slow"] = [platform.never]
    first = asyncio.create_task(caller.get_json(f"{platform.base}/slow"), name="first")
    await platform.arrived.wait()
    with pytest.raises(CallFailed) as caught:
        await caller.get_json(f"{platform.base}/slow")
    assert (caught.value.reason, caught.value.written) == ("connect", False)
    platform.over.set()
    with pytest.raises(CallFailed):
        await first
    await caller.close()


@pytest.mark.parametrize("told", [True, False])
async def test_bytes_beyond_the_limit_are_refused_told_or_not(
    platform: ScriptedPlatform, caller: HttpCaller, told: bool
) -> None:
    async def send(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "11"} if told else {})
        await response.prepare(request)
        await response.write(b"12345678901")
        return response

    platform.answers["/x"] = [send]
    url = f"{platform.base}/x"
    assert (await caller.get_bytes(url, limit=11)).body == b"12345678901"
    with pytest.raises(CallFailed) as caught:
        await caller.get_bytes(url, limit=10)
    assert caught.value.reason == "too_large"


async def test_closed_caller_opens_nothing_again(platform: ScriptedPlatform) -> None:
    caller = HttpCaller()
    await caller.close()
    with pytest.raises(CallFailed) as caught:
        await caller.get_json(platform.base)
    assert (caught.value.reason, caught.value.written) == ("closed", False)


async def test_no_address_gets_into_failures_and_logs(
    platform: ScriptedPlatform, caller: HttpCaller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers: list[Scripted] = [page(502), page(200), hang_up, half_an_answer]
    failures = [await refused(platform, caller, answer) for answer in answers]
    with pytest.raises(CallFailed) as caught:
        await caller.get_json(f"http://127.0.0.1:{closed_port()}/x", QUERY)
    for failed in [*failures, caught.value]:
        shown = "".join(traceback.format_exception(failed)) + repr(failed) + repr(failed.__context__)
        assert QUERY["access_token"] not in shown
    mine = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    assert QUERY["access_token"] not in "".join(mine)
    assert QUERY["access_token"] not in repr(caller) + repr(Answer(200, b"token-that-nobody-sees"))
