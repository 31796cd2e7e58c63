"""Who is behind a code, and when nobody can say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.alipay.login import AlipayLogin
from bot.channels.http import CallFailed
from bot.channels.login import Login, LoginRefused
from bot.errors import Unavailable
from bot.store.database import Database
from tests.channels.alipay.door import OTHERS, USER
from tests.channels.alipay.platform import Said, ScriptedPlatform, api_of, refusal, rests_of
from tests.fakes.clock import FakeClock

PERSON = Said(
    {"user_id": USER, "open_id": "074a", "access_token": "secret-token", "refresh_token": "secret-too"}
)
WRONG = Said({"code": "40002", "sub_code": "isv.code-invalid"}, "error_response", None)


def login(platform: ScriptedPlatform, database: Database, clock: FakeClock | None = None) -> Login:
    clock = clock or FakeClock()
    return AlipayLogin(api_of(platform, clock), rests_of(database, clock))


async def unavailable(found: Login) -> str:
    with pytest.raises(Unavailable) as failed:
        await found.log_in("code-1")
    return str(failed.value)


async def test_person_is_named_by_the_user_id_and_nothing_else_is_kept(database: Database) -> None:
    platform = ScriptedPlatform(PERSON)
    found = login(platform, database)
    user = await found.log_in("code-1")
    assert (found.channel, user.address) == ("alipay", USER)
    assert platform.calls[0].form["code"] == "code-1"
    assert "secret" not in repr(user)
    assert USER not in repr(user)


async def test_newer_apps_name_a_person_by_the_open_id(database: Database) -> None:
    platform = ScriptedPlatform(Said({"open_id": "074a1CcTG1", "access_token": "t"}))
    assert (await login(platform, database).log_in("code-1")).address == "074a1CcTG1"


async def test_code_that_the_platform_does_not_know_is_refused(database: Database) -> None:
    with pytest.raises(LoginRefused, match="wrong_code"):
        await login(ScriptedPlatform(WRONG), database).log_in("code-1")


@pytest.mark.parametrize("code", ["", "a b", "中", "x" * 129, "a\n"])
async def test_code_that_can_be_none_is_not_asked_for(database: Database, code: str) -> None:
    platform = ScriptedPlatform()
    with pytest.raises(LoginRefused, match="bad_code"):
        await login(platform, database).log_in(code)
    assert platform.calls == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (refusal("20000", "isp.unknow-error"), "alipay_isp.unknow-error"),
        (refusal("40004", "NOBODY"), "alipay_NOBODY"),
        (replace(PERSON, key=OTHERS), "alipay_unverified"),
        (replace(PERSON, key=None), "alipay_unverified"),
        (b"<html>", "alipay_html"),
        (CallFailed("timeout", written=True), "timeout"),
        (CallFailed("connect", written=False), "connect"),
        (Said({"access_token": "t"}), "alipay_no_account"),
        (Said({"user_id": 2088}), "alipay_no_account"),
        (Said({"user_id": "<b>"}), "alipay_no_account"),
    ],
)
async def test_answer_that_names_nobody_means_unavailable(database: Database, said: Any, why: str) -> None:
    assert (
        await unavailable(login(ScriptedPlatform(said), database)) == f"Alipay doesn't take logins now: {why}"
    )


async def test_wrongly_set_up_app_is_not_asked_until_its_break_is_over(database: Database) -> None:
    clock = FakeClock()
    platform = ScriptedPlatform(refusal("40002", "isv.invalid-app-id"), PERSON)
    found = login(platform, database, clock)
    for _ in range(2):
        assert "alipay_invalid-app-id" in await unavailable(found)
    assert len(platform.calls) == 1
    clock.advance(timedelta(seconds=60))
    assert (await found.log_in("code-1")).address == USER


async def test_pause_of_the_sends_keeps_nobody_out(database: Database) -> None:
    platform = ScriptedPlatform(refusal("40005", "isv.app-call-limited"), PERSON)
    found = login(platform, database)
    assert "alipay_app-call-limited" in await unavailable(found)
    assert (await found.log_in("code-1")).address == USER
