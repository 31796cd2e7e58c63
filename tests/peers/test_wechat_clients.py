"""Third parties' clients against our fake WeChat API: what they take for the platform behaves like it."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import APILimitedException, WeChatClientException

from tests.fakes.clock import FakeClock
from tests.fakes.wechat_api import App, FakeWeChatApi
from tests.fakes.wechat_api_world import Media
from tests.peers.processes import Conversation, Runner

OPENID = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
TOKEN, CUSTOM = "/cgi-bin/token", "/cgi-bin/message/custom/send"
OFFICIAL_DATA = {"thing1": {"value": "健康码"}, "time2": {"value": "2020年2月20日 09:00"}}
MINI_DATA = {"thing3": {"value": "健康码"}, "time2": {"value": "2020-02-20 09:00"}}
MENU = {"button": [{"type": "click", "name": "打卡", "key": "punch_in"}]}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def api(clock: FakeClock) -> AsyncIterator[FakeWeChatApi]:
    official = App("wx_official", "s-official")
    official.add_template("T_OFFICIAL", *OFFICIAL_DATA)
    official.media["M_1"] = Media(b"\xff\xd8jpeg")
    official.happened(OPENID, "message", at=clock.wire())
    official.tokens.grace_seconds = 0
    mini = App("wx_mini", "s-mini", kind="mini")
    mini.add_template("T_MINI", *MINI_DATA)
    async with FakeWeChatApi(official, mini, clock=clock.wire) as api:
        yield api


Talk = Callable[..., AbstractAsyncContextManager[Conversation]]


@pytest.fixture
def talk(node: Callable[..., Runner], api: FakeWeChatApi) -> Talk:
    """co-wechat-api as one of the two apps."""
    runner = node("co-wechat-api")

    def started(app_id: str = "wx_official", secret: str = "") -> AbstractAsyncContextManager[Conversation]:
        settings = {"base": api.base_url, "appid": app_id, "secret": secret or api.apps[app_id].secret}
        return runner.serve("wechat_client.cjs", json.dumps(settings), said_first=False)

    return started


async def call(client: Conversation, name: str, *arguments: Any) -> Any:
    return await client.ask({"call": name, "args": arguments})


async def test_co_wechat_api_sends_texts_until_it_may_not(talk: Talk, api: FakeWeChatApi) -> None:
    async with talk() as client:
        answers = [await call(client, "sendText", OPENID, "您好 🟢") for _ in range(6)]
        answers += [
            await call(client, "sendText", openid, text) for openid, text in (("o_2", "1"), (OPENID, ""))
        ]
    assert [answer.get("code", 0) for answer in answers] == [0] * 5 + [45047, 40003, 44004]
    assert api.received_by(OPENID)[0].content["text"] == {"content": "您好 🟢"}
    assert api.calls[TOKEN] == 1


async def test_co_wechat_api_sends_a_template_to_followers_alone(talk: Talk, api: FakeWeChatApi) -> None:
    async with talk() as client:
        arguments = ("T_OFFICIAL", "", "", OFFICIAL_DATA, None)
        sent = await call(client, "sendTemplate", OPENID, *arguments)
        api.apps["wx_official"].unfollow(OPENID)
        refused = await call(client, "sendTemplate", OPENID, *arguments)
    assert sent["result"]["msgid"] == api.sent[0].msgid
    assert refused["code"] == 43004


async def test_co_wechat_api_sends_one_subscription_message_per_consent(
    talk: Talk, api: FakeWeChatApi
) -> None:
    api.apps["wx_mini"].accept(OPENID, "T_MINI")
    arguments = (OPENID, "T_MINI", "pages/index")
    async with talk("wx_mini") as client:
        wrong = await call(client, "sendSubscribeMessage", *arguments, {"thing3": {"value": ""}})
        answers = [await call(client, "sendSubscribeMessage", *arguments, MINI_DATA) for _ in range(2)]
    assert wrong["code"] == 47003
    assert "data.thing3.value is emtpy" in wrong["message"]
    assert [answer.get("code", 0) for answer in answers] == [0, 43101]


async def test_co_wechat_api_reads_login_media_menu_and_addresses(
    talk: Talk, api: FakeWeChatApi, clock: FakeClock
) -> None:
    code = api.apps["wx_mini"].login_code(OPENID, at=clock.wire())
    async with talk("wx_mini") as client:
        logins = [await call(client, "code2Session", each) for each in (code, code, "made-up")]
    async with talk() as client:
        media = [await call(client, "getMedia", each) for each in ("M_1", "M_none")]
        menu, ips = await call(client, "createMenu", MENU), await call(client, "getIp")
    assert logins[0]["result"]["openid"] == OPENID
    assert [login["code"] for login in logins[1:]] == [40163, 40029]
    assert b64decode(media[0]["result"]) == b"\xff\xd8jpeg"
    assert media[1]["code"] == 40007
    assert (menu["result"]["errcode"], api.apps["wx_official"].menu) == (0, MENU)
    assert ips["result"]["ip_list"] == ["127.0.0.1", "192.0.2.0/25"]


async def test_co_wechat_api_gets_over_a_token_that_somebody_replaced(talk: Talk, api: FakeWeChatApi) -> None:
    async with talk() as client:
        await call(client, "sendText", OPENID, "一")
        api.invalidate_tokens()
        assert (await call(client, "sendText", OPENID, "二"))["result"]["errcode"] == 0
    assert (api.calls[TOKEN], api.calls[CUSTOM]) == (2, 3)


async def test_co_wechat_api_gives_up_on_a_token_that_is_never_right(talk: Talk, api: FakeWeChatApi) -> None:
    api.faults.fail_with(40001, path=CUSTOM)
    async with talk() as client:
        assert (await call(client, "sendText", OPENID, "一"))["code"] == 40001
    assert (api.calls[TOKEN], api.calls[CUSTOM]) == (4, 4)
    assert api.sent == []


async def test_co_wechat_api_is_told_that_its_secret_is_wrong(talk: Talk) -> None:
    async with talk(secret="wrong") as client:
        assert (await call(client, "sendText", OPENID, "一"))["code"] == 40125


async def test_co_wechat_api_sees_a_gateway_page_and_a_dead_platform(talk: Talk, api: FakeWeChatApi) -> None:
    async with talk() as client:
        api.faults.answer_html(502, times=1)
        assert "status code: 502" in (await call(client, "getIp"))["message"]
        await api.down()
        assert "ECONNREFUSED" in json.dumps(await call(client, "getIp"))
        await api.up()
        assert "result" in await call(client, "getIp")


class Wechatpy(WeChatClient):  # type: ignore[misc]  # wechatpy has no types
    """wechatpy's client, which would fetch its token from the real platform."""

    def __init__(self, app: App, base: str) -> None:
        super().__init__(app.app_id, app.secret, timeout=5)
        self.API_BASE_URL = f"{base}/cgi-bin/"

    def fetch_access_token(self) -> Any:
        given = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self._fetch_access_token(f"{self.API_BASE_URL}token", given)


@pytest.fixture
def client(wechatpy: None, api: FakeWeChatApi) -> Iterator[Any]:
    client = Wechatpy(api.apps["wx_official"], api.base_url)
    yield client
    client._http.close()


def errcode_of(act: Callable[..., Any], *arguments: Any) -> int:
    try:
        act(*arguments)
    except WeChatClientException as error:
        return int(error.errcode)
    return 0


async def test_wechatpy_sends_texts_until_it_may_not(client: Any, api: FakeWeChatApi) -> None:
    def send() -> list[int]:
        texts = [(OPENID, "您好 🟢")] * 6 + [("o_2", "1"), (OPENID, "")]
        return [errcode_of(client.message.send_text, *text) for text in texts]

    assert await asyncio.to_thread(send) == [0] * 5 + [45047, 40003, 44004]
    assert api.received_by(OPENID)[0].content["text"] == {"content": "您好 🟢"}


async def test_wechatpy_sends_templates_media_and_menus(client: Any, api: FakeWeChatApi) -> None:
    def use() -> tuple[Any, ...]:
        sent = client.message.send_template(OPENID, "T_OFFICIAL", OFFICIAL_DATA)
        unknown = errcode_of(client.message.send_template, OPENID, "T_none", OFFICIAL_DATA)
        media = client.media.download("M_1").content
        return sent, unknown, media, client.menu.create(MENU), client.misc.get_wechat_ips()

    sent, unknown, media, menu, ips = await asyncio.to_thread(use)
    assert (sent["msgid"], unknown, media) == (api.sent[0].msgid, 40037, b"\xff\xd8jpeg")
    assert (menu["errcode"], api.apps["wx_official"].menu) == (0, MENU)
    assert ips == ["127.0.0.1", "192.0.2.0/25"]


async def test_wechatpy_gets_over_a_token_that_somebody_replaced(client: Any, api: FakeWeChatApi) -> None:
    await asyncio.to_thread(client.message.send_text, OPENID, "一")
    api.invalidate_tokens()
    await asyncio.to_thread(client.message.send_text, OPENID, "二")
    assert (api.calls[TOKEN], len(api.sent)) == (2, 2)


async def test_wechatpy_gets_over_a_token_that_expired(
    client: Any, api: FakeWeChatApi, clock: FakeClock
) -> None:
    await asyncio.to_thread(client.message.send_text, OPENID, "一")
    clock.advance(timedelta(hours=2))
    await asyncio.to_thread(client.message.send_text, OPENID, "二")
    assert (api.calls[TOKEN], len(api.sent)) == (2, 2)


async def test_wechatpy_knows_the_refusals_by_its_own_names(client: Any, api: FakeWeChatApi) -> None:
    api.faults.fail_with(45009, times=1, path=CUSTOM)
    with pytest.raises(APILimitedException):
        await asyncio.to_thread(client.message.send_text, OPENID, "一")
    api.apps["wx_official"].unfollow(OPENID)
    assert await asyncio.to_thread(errcode_of, client.message.send_text, OPENID, "一") == 43004
    client.secret = "wrong"
    assert await asyncio.to_thread(errcode_of, client.fetch_access_token) == 40125
