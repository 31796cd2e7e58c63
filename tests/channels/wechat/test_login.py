"""Logins: whom a code belongs to, what is refused, and that the session key is nowhere."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta

import pytest

from bot.channels.login import Login, LoginRefused, PlatformUser
from bot.channels.wechat.api import CUSTOM, SESSION
from bot.channels.wechat.login import WeChatLogin
from bot.errors import Unavailable
from tests.channels.scripted import Scripted, hang_up, page
from tests.channels.wechat.api_rig import APP_ID, OPENID, SECRET, Rig, error

KEY = "HyVFkGl5F5OQWJZZaNzBBg=="
CODE = "0a3Q-code+1"
FOUND = {"openid": OPENID, "session_key": KEY, "unionid": "u"}


def login(rig: Rig) -> Login:
    return WeChatLogin("wechat_mini", rig.api())


async def test_code_becomes_its_user_without_any_token(rig: Rig) -> None:
    rig.script(SESSION, FOUND)
    assert await login(rig).log_in(CODE) == PlatformUser(OPENID)
    call = rig.platform.asked(SESSION)[0]
    assert (call.method, call.path) == ("GET", "/sns/jscode2session")
    assert call.query == {
        "appid": APP_ID,
        "secret": SECRET,
        "js_code": CODE,
        "grant_type": "authorization_code",
    }
    assert rig.fetched == 0


@pytest.mark.parametrize("code", [40029, 40163, 40226])
async def test_wrong_used_or_blocked_code_is_refused(rig: Rig, code: int) -> None:
    rig.script(SESSION, error(code))
    with pytest.raises(LoginRefused) as caught:
        await login(rig).log_in(CODE)
    assert caught.value.reason == f"wechat_{code}"


@pytest.mark.parametrize("code", ["", "x" * 513, "码", "a\nb"])
async def test_what_cannot_be_a_code_is_not_asked_for(rig: Rig, code: str) -> None:
    with pytest.raises(LoginRefused):
        await login(rig).log_in(code)
    assert rig.platform.calls == []


@pytest.mark.parametrize(
    "answer",
    [error(-1), error(45011), error(45009), error(12345), page(502), page(200), hang_up, {}, {"openid": ""}],
)
async def test_platform_that_gives_no_user_is_unavailable(rig: Rig, answer: Scripted) -> None:
    rig.script(SESSION, answer, FOUND)
    ours = login(rig)
    with pytest.raises(Unavailable):
        await ours.log_in(CODE)
    assert rig.count(SESSION) == 1
    await ours.log_in(CODE)  # and it is no reason to rest: these are counted per person


async def test_wrong_secret_stops_logins_and_sends_for_a_while(rig: Rig) -> None:
    rig.script(SESSION, error(40125), FOUND)
    ours = login(rig)
    for _ in range(5):
        with pytest.raises(Unavailable, match="wechat_40125"):
            await ours.log_in(CODE)
    assert rig.count(SESSION) == 1
    rig.clock.advance(timedelta(minutes=1))
    assert await ours.log_in(CODE) == PlatformUser(OPENID)


async def test_refused_tokens_and_quotas_do_not_stop_logins(rig: Rig) -> None:
    rig.script(SESSION, FOUND)
    rig.script(CUSTOM, error(40001))
    api = rig.api()
    with pytest.raises(Exception, match="wechat_40001"):
        await api.send_custom(OPENID, "x")
    await api.shared.pause(rig.clock.wire() + timedelta(hours=1), "wechat_45009")
    assert await WeChatLogin("wechat_mini", api).log_in(CODE) == PlatformUser(OPENID)


async def test_nothing_of_a_login_is_shown_or_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig.script(SESSION, FOUND, error(40029), hang_up)
    ours = login(rig)
    shown = [repr(await ours.log_in(CODE)), repr(ours)]
    for _ in range(2):
        with pytest.raises((LoginRefused, Unavailable)) as caught:
            await ours.log_in(CODE)
        shown += [*traceback.format_exception(caught.value), repr(caught.value.__context__)]
    shown += [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    for hidden in (KEY, SECRET, OPENID, CODE):
        assert hidden not in "".join(shown)
