"""Login, media, menu, addresses and quotas of the fake platform."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.conftest import MINI, OFFICIAL, Caller
from tests.fakes.wechat_api import App
from tests.fakes.wechat_api_words import ERRMSG
from tests.fakes.wechat_api_world import Media

LOGIN = "/sns/jscode2session"
MENU = "/cgi-bin/menu/create"
CUSTOM = "/cgi-bin/message/custom/send"


async def login(caller: Caller, code: str, **changed: str) -> Any:
    given = {"grant_type": "authorization_code", "js_code": code, **MINI, **changed}
    return await caller.get(LOGIN, **given)


async def test_login_code_gives_the_openid_as_plain_text(caller: Caller, mini: App, clock: FakeClock) -> None:
    code = mini.login_code("o_1", at=clock.wire())
    response, body = await caller.fetch(LOGIN, grant_type="authorization_code", js_code=code, **MINI)
    answer = json.loads(body)
    assert response.content_type == "text/plain"
    assert answer.keys() == {"openid", "session_key"}
    assert answer["openid"] == "o_1"


async def test_login_code_works_once_and_for_five_minutes(
    caller: Caller, mini: App, clock: FakeClock
) -> None:
    used, late = (mini.login_code("o_1", at=clock.wire()) for _ in range(2))
    await login(caller, used)
    assert (await login(caller, used))["errcode"] == 40163
    clock.advance(timedelta(minutes=5))
    assert (await login(caller, late))["errcode"] == 40029
    assert (await login(caller, "made-up"))["errcode"] == 40029


async def test_login_of_somebody_risky_is_blocked(caller: Caller, mini: App, clock: FakeClock) -> None:
    mini.person("o_1").high_risk = True
    assert (await login(caller, mini.login_code("o_1", at=clock.wire())))["errcode"] == 40226


async def test_hundred_logins_a_minute_are_the_limit(caller: Caller, mini: App, clock: FakeClock) -> None:
    codes = [mini.login_code("o_1", at=clock.wire()) for _ in range(101)]
    answers = [await login(caller, code) for code in codes]
    assert [answer.get("errcode", 0) for answer in answers] == [0] * 100 + [45011]
    clock.advance(timedelta(minutes=1))
    assert (await login(caller, codes[-1]))["openid"] == "o_1"


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [({"secret": "wrong"}, 40125), ({"appid": "wx_none"}, 40013), ({"grant_type": "other"}, 40002)],
)
async def test_login_with_wrong_credentials_is_refused(
    caller: Caller, mini: App, clock: FakeClock, changed: dict[str, str], errcode: int
) -> None:
    code = mini.login_code("o_1", at=clock.wire())
    assert (await login(caller, code, **changed))["errcode"] == errcode


async def test_picture_comes_as_bytes_with_a_name(caller: Caller, official: App) -> None:
    official.media["M_1"] = Media(b"\xff\xd8jpeg")
    response, body = await caller.fetch(
        "/cgi-bin/media/get", access_token=await caller.token(), media_id="M_1"
    )
    assert body == b"\xff\xd8jpeg"
    assert response.content_type == "image/jpeg"
    assert response.content_disposition is not None
    assert response.content_disposition.filename == "M_1"


async def test_video_comes_as_an_address_and_nothing_as_an_error(caller: Caller, official: App) -> None:
    official.media["M_2"] = Media(video_url="https://video.example/2")
    token = await caller.token()
    video = await caller.get("/cgi-bin/media/get", access_token=token, media_id="M_2")
    missing = await caller.get("/cgi-bin/media/get", access_token=token, media_id="M_3")
    assert video == {"video_url": "https://video.example/2"}
    assert missing["errcode"] == 40007


def click(name: str = "打卡", key: str = "punch_in") -> dict[str, Any]:
    return {"type": "click", "name": name, "key": key}


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([click()], 0),
        ([{"name": "更多", "sub_button": [click("一" * 20)] * 5}], 0),
        ([], 40016),
        ([click()] * 4, 40016),
        ([click("一" * 6)], 40018),
        ([{"name": "更多", "sub_button": [click()] * 6}], 40023),
        ([{"name": "更多", "sub_button": [click("一" * 21)]}], 40025),
        ([click(key="k" * 129)], 40019),
        ([{"type": "view", "name": "网页"}], 40020),
        ([{"type": "dance", "name": "跳舞"}], 40017),
    ],
)
async def test_menu_is_taken_within_its_limits(
    caller: Caller, official: App, buttons: list[dict[str, Any]], errcode: int
) -> None:
    menu = {"button": buttons}
    assert (await caller.say(MENU, menu))["errcode"] == errcode
    assert official.menu == (None if errcode else menu)


async def test_addresses_of_the_platform_are_listed(caller: Caller) -> None:
    token = await caller.token()
    for path in ("/cgi-bin/getcallbackip", "/cgi-bin/get_api_domain_ip"):
        assert (await caller.get(path, access_token=token))["ip_list"] == ["127.0.0.1", "192.0.2.0/25"]


async def test_used_up_quota_comes_back_when_it_is_cleared(
    caller: Caller, official: App, clock: FakeClock
) -> None:
    official.happened("o_1", "message", at=clock.wire())
    official.exhaust()
    assert (await caller.text("o_1"))["errcode"] == 45009
    left = await caller.say("/cgi-bin/openapi/quota/get", {"cgi_path": "/cgi-bin/message/template/send"})
    assert left["quota"] == {"daily_limit": 100_000, "used": 100_000, "remain": 0}
    assert (await caller.say("/cgi-bin/clear_quota", {"appid": "wx_official"}))["errcode"] == 0
    assert (await caller.text("o_1"))["errcode"] == 0


async def test_used_up_quota_comes_back_at_midnight_in_beijing(
    caller: Caller, official: App, clock: FakeClock
) -> None:
    official.daily_limits[CUSTOM] = 1
    official.happened("o_1", "message", at=clock.wire())
    assert [(await caller.text("o_1"))["errcode"] for _ in range(2)] == [0, 45009]
    clock.advance(timedelta(hours=14, minutes=59))
    assert (await caller.text("o_1"))["errcode"] == 45009
    clock.advance(timedelta(minutes=1))
    assert (await caller.text("o_1"))["errcode"] == 0


async def test_minute_quota_comes_back_with_the_next_minute(
    caller: Caller, official: App, clock: FakeClock
) -> None:
    official.minute_limits[CUSTOM] = 1
    official.happened("o_1", "message", at=clock.wire())
    assert [(await caller.text("o_1"))["errcode"] for _ in range(2)] == [0, 45011]
    clock.advance(timedelta(minutes=1))
    assert (await caller.text("o_1"))["errcode"] == 0


async def test_quota_is_cleared_ten_times_a_month_and_not_more(caller: Caller, clock: FakeClock) -> None:
    given = {"appid": OFFICIAL["appid"], "appsecret": OFFICIAL["secret"]}
    codes = [(await caller.post("/cgi-bin/clear_quota/v2", given))["errcode"] for _ in range(11)]
    assert codes == [0] * 10 + [48006]
    clock.advance(timedelta(days=10))
    assert (await caller.say("/cgi-bin/clear_quota", {"appid": "wx_official"}))["errcode"] == 0


async def test_quota_of_somebody_else_is_not_cleared(caller: Caller) -> None:
    assert (await caller.say("/cgi-bin/clear_quota", {"appid": "wx_mini"}))["errcode"] == 40013
    wrong = {"appid": "wx_official", "appsecret": "wrong"}
    assert (await caller.post("/cgi-bin/clear_quota/v2", wrong))["errcode"] == 40125
    unknown = {"appid": "wx_none", "appsecret": "wrong"}
    assert (await caller.post("/cgi-bin/clear_quota/v2", unknown))["errcode"] == 40013


async def test_wrong_method_path_and_body_have_codes_of_their_own(caller: Caller) -> None:
    token = await caller.token()
    assert (await caller.get(CUSTOM, access_token=token))["errcode"] == 43002
    assert (await caller.post("/cgi-bin/getcallbackip", {}, access_token=token))["errcode"] == 43001
    assert (await caller.get("/cgi-bin/none", access_token=token))["errcode"] == 40066
    assert (await caller.post(CUSTOM, ["no object"], access_token=token))["errcode"] == 47001
    async with caller.http.post(
        caller.api.base_url + CUSTOM, data=b"{", params={"access_token": token}
    ) as response:
        assert (await response.json())["errcode"] == 47001


async def test_path_that_the_app_may_not_use_is_unauthorized(caller: Caller, official: App) -> None:
    official.forbidden.add(CUSTOM)
    assert (await caller.text("o_1"))["errcode"] == 48001


async def test_every_refusal_carries_words_and_a_number_of_its_own(caller: Caller) -> None:
    first, second = [await caller.get("/cgi-bin/getcallbackip") for _ in range(2)]
    assert first["errmsg"].startswith(f"{ERRMSG[41001]} rid: ")
    assert first["errmsg"] != second["errmsg"]
