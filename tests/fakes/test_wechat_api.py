"""The fake platform as a server: its faults, its port, and its own idea of the time."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import pytest
from aiohttp import ClientConnectionError, ClientConnectorError, ServerDisconnectedError

from tests.fakes.clock import FakeClock
from tests.fakes.conftest import Caller
from tests.fakes.wechat_api import App, FakeWeChatApi

CUSTOM = "/cgi-bin/message/custom/send"
BODY = {"touser": "o_1", "msgtype": "text", "text": {"content": "您好"}}


@pytest.fixture(autouse=True)
def _open_window(official: App, clock: FakeClock) -> None:
    official.happened("o_1", "message", at=clock.wire())


async def test_platform_that_is_down_refuses_and_comes_back_on_its_port(
    caller: Caller, api: FakeWeChatApi
) -> None:
    address = api.base_url
    await caller.text("o_1")
    await api.down()
    with pytest.raises(ClientConnectionError):
        await caller.text("o_1")
    with pytest.raises(ClientConnectorError):
        await caller.text("o_1")
    await api.up()
    assert (await caller.text("o_1"))["errcode"] == 0
    assert (api.base_url, len(api.sent)) == (address, 2)


async def test_nobody_takes_the_port_while_the_platform_is_down(api: FakeWeChatApi) -> None:
    await api.down()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", api.port))


async def test_gateway_page_means_that_nothing_was_carried_out(caller: Caller, api: FakeWeChatApi) -> None:
    token = await caller.token()
    api.faults.answer_html(502, times=1)
    async with caller.http.post(api.base_url + CUSTOM, json=BODY, params={"access_token": token}) as response:
        assert (response.status, response.content_type) == (502, "text/html")
        assert "502 Bad Gateway" in await response.text()
    assert api.sent == []
    assert (await caller.text("o_1"))["errcode"] == 0


async def test_hanging_platform_delivers_and_never_answers(caller: Caller, api: FakeWeChatApi) -> None:
    token = await caller.token()
    api.faults.hang(path=CUSTOM)
    waiting = asyncio.create_task(caller.post(CUSTOM, BODY, access_token=token))
    await api.until(lambda: len(api.sent) == 1)
    assert not waiting.done()
    await api.close()
    with pytest.raises(ServerDisconnectedError):
        await waiting


async def test_cut_connection_leaves_the_message_delivered(caller: Caller, api: FakeWeChatApi) -> None:
    token = await caller.token()
    api.faults.drop_after_write(times=1)
    with pytest.raises(ClientConnectionError):
        await caller.post(CUSTOM, BODY, access_token=token)
    assert len(api.sent) == 1
    assert (await caller.text("o_1"))["errcode"] == 0


async def test_named_failure_strikes_as_often_as_it_was_told(caller: Caller, api: FakeWeChatApi) -> None:
    api.faults.fail_with(-1, times=2, path=CUSTOM)
    assert [(await caller.text("o_1"))["errcode"] for _ in range(3)] == [-1, -1, 0]
    assert len(api.sent) == 1


async def test_healing_ends_every_fault_at_once(caller: Caller, api: FakeWeChatApi) -> None:
    api.faults.fail_with(45009)
    api.faults.slow(60)
    api.faults.heal()
    assert (await caller.text("o_1"))["errcode"] == 0


async def test_slow_platform_has_carried_out_nothing_before_its_time(
    caller: Caller, api: FakeWeChatApi
) -> None:
    token = await caller.token()
    api.faults.slow(3600)
    waiting = asyncio.create_task(caller.post(CUSTOM, BODY, access_token=token))
    await api.until(lambda: api.calls[CUSTOM] == 1)
    assert not waiting.done()
    assert api.sent == []
    await api.close()
    with pytest.raises(ServerDisconnectedError):
        await waiting


async def test_platform_has_a_clock_of_its_own(official: App, clock: FakeClock) -> None:
    async with FakeWeChatApi(official, clock=lambda: clock.wire() + timedelta(minutes=5)) as ahead:
        token, _ = official.tokens.fetch(clock.wire().timestamp())
        clock.advance(timedelta(minutes=115))
        assert official.tokens.standing(token, ahead.clock().timestamp()) == "expired"
        assert official.tokens.standing(token, clock.wire().timestamp()) == "valid"


async def test_calls_are_counted_by_their_path(caller: Caller, api: FakeWeChatApi) -> None:
    await caller.text("o_1")
    await caller.text("o_1")
    assert api.calls == {"/cgi-bin/stable_token": 2, CUSTOM: 2}


async def test_stopping_twice_and_starting_twice_harm_nothing(official: App) -> None:
    api = FakeWeChatApi(official)
    await api.up()
    await api.up()
    await api.close()
    await api.close()
