"""The rules of both kinds of tokens, and every refusal that stands before a call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.conftest import MINI, OFFICIAL, Caller
from tests.fakes.wechat_api import App, FakeWeChatApi

STABLE = "/cgi-bin/stable_token"
IPS = "/cgi-bin/getcallbackip"


async def old_token(caller: Caller) -> str:
    given = await caller.get("/cgi-bin/token", grant_type="client_credential", **OFFICIAL)
    assert given["expires_in"] == 7200
    return str(given["access_token"])


async def stable_token(caller: Caller, *, force: bool = False) -> Any:
    body = {"grant_type": "client_credential", "force_refresh": force, **OFFICIAL}
    return await caller.post(STABLE, body)


async def errcode_with(caller: Caller, token: str) -> int:
    answer = await caller.get(IPS, access_token=token)
    return int(answer.get("errcode", 0))


async def test_only_the_newest_old_token_is_valid_without_grace(caller: Caller, official: App) -> None:
    official.tokens.grace_seconds = 0
    first, second = await old_token(caller), await old_token(caller)
    assert await errcode_with(caller, first) == 40001
    assert await errcode_with(caller, second) == 0


async def test_older_token_lives_five_minutes_on_with_grace(caller: Caller, clock: FakeClock) -> None:
    first = await old_token(caller)
    await old_token(caller)
    clock.advance(timedelta(minutes=4, seconds=59))
    assert await errcode_with(caller, first) == 0
    clock.advance(timedelta(seconds=1))
    assert await errcode_with(caller, first) == 40001


async def test_fetching_again_does_not_lengthen_the_grace(caller: Caller, clock: FakeClock) -> None:
    first = await old_token(caller)
    await old_token(caller)
    clock.advance(timedelta(minutes=4))
    await old_token(caller)
    clock.advance(timedelta(minutes=1))
    assert await errcode_with(caller, first) == 40001


async def test_stable_token_stays_the_same_while_it_is_valid(caller: Caller, clock: FakeClock) -> None:
    first = await stable_token(caller)
    clock.advance(timedelta(hours=1))
    second = await stable_token(caller)
    assert first["access_token"] == second["access_token"]
    assert (first["expires_in"], second["expires_in"]) == (7200, 3600)


async def test_stable_token_is_renewed_in_its_last_five_minutes(caller: Caller, clock: FakeClock) -> None:
    first = await stable_token(caller)
    clock.advance(timedelta(minutes=115))
    second = await stable_token(caller)
    assert first["access_token"] != second["access_token"]
    assert await errcode_with(caller, first["access_token"]) == 0


async def test_forced_refresh_ends_the_stable_token_at_once(caller: Caller) -> None:
    first = await stable_token(caller)
    second = await stable_token(caller, force=True)
    assert await errcode_with(caller, first["access_token"]) == 40001
    assert await errcode_with(caller, second["access_token"]) == 0


async def test_forced_refresh_twice_within_half_a_minute_is_refused(caller: Caller, clock: FakeClock) -> None:
    await stable_token(caller, force=True)
    clock.advance(timedelta(seconds=29))
    assert (await stable_token(caller, force=True))["errcode"] == 45011
    clock.advance(timedelta(seconds=1))
    assert "access_token" in await stable_token(caller, force=True)


async def test_twenty_first_forced_refresh_of_a_day_is_refused(caller: Caller, clock: FakeClock) -> None:
    for _ in range(20):
        assert "access_token" in await stable_token(caller, force=True)
        clock.advance(timedelta(seconds=30))
    assert (await stable_token(caller, force=True))["errcode"] == 45009


async def test_both_kinds_of_tokens_leave_each_other_alone(caller: Caller, official: App) -> None:
    official.tokens.grace_seconds = 0
    stable = (await stable_token(caller))["access_token"]
    old = await old_token(caller)
    await stable_token(caller, force=True)
    assert await errcode_with(caller, old) == 0
    await old_token(caller)
    fresh = (await stable_token(caller))["access_token"]
    assert [await errcode_with(caller, token) for token in (stable, old, fresh)] == [40001, 40001, 0]


async def test_token_is_expired_after_two_hours(caller: Caller, clock: FakeClock) -> None:
    token = (await stable_token(caller))["access_token"]
    clock.advance(timedelta(hours=2))
    assert await errcode_with(caller, token) == 42001


async def test_missing_and_made_up_tokens_have_codes_of_their_own(caller: Caller) -> None:
    assert (await caller.get(IPS))["errcode"] == 41001
    assert await errcode_with(caller, "made-up") == 40014


async def test_tokens_invalidated_by_somebody_else_are_not_the_newest(
    caller: Caller, api: FakeWeChatApi
) -> None:
    tokens = [await old_token(caller), (await stable_token(caller))["access_token"]]
    api.invalidate_tokens()
    assert [await errcode_with(caller, token) for token in tokens] == [40001, 40001]
    assert await errcode_with(caller, (await stable_token(caller))["access_token"]) == 0


async def test_token_of_one_app_never_speaks_for_another(caller: Caller, mini: App) -> None:
    mini.happened("o_1", "message", at=caller.api.clock())
    assert (await caller.text("o_1", app=OFFICIAL))["errcode"] == 40003
    assert (await caller.text("o_1", app=MINI))["errcode"] == 0


async def test_long_tokens_have_at_least_512_characters(caller: Caller, official: App) -> None:
    official.tokens.long = True
    assert len(await old_token(caller)) >= 512


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"secret": "wrong"}, 40125),
        ({"appid": "wx_unknown"}, 40013),
        ({"grant_type": "authorization_code"}, 40002),
    ],
)
@pytest.mark.parametrize("stable", [True, False], ids=["stable", "old"])
async def test_wrong_credentials_are_refused_by_name(
    caller: Caller, changed: dict[str, str], errcode: int, stable: bool
) -> None:
    given = {"grant_type": "client_credential", **OFFICIAL, **changed}
    answer = await (caller.post(STABLE, given) if stable else caller.get("/cgi-bin/token", **given))
    assert answer["errcode"] == errcode


async def test_address_outside_of_the_list_gets_no_token(caller: Caller, official: App) -> None:
    official.allowed_ips = frozenset({"192.0.2.1"})
    assert (await stable_token(caller))["errcode"] == 40164
    official.allowed_ips = frozenset({"127.0.0.1"})
    assert "access_token" in await stable_token(caller)


async def test_frozen_secret_gets_no_token(caller: Caller, official: App) -> None:
    official.secret_frozen = True
    assert (await stable_token(caller))["errcode"] == 40243


async def test_two_thousand_old_tokens_a_day_are_the_limit(caller: Caller, official: App) -> None:
    official.used_today["/cgi-bin/token"] = 0
    await old_token(caller)
    official.used_today["/cgi-bin/token"] = 2000
    answer = await caller.get("/cgi-bin/token", grant_type="client_credential", **OFFICIAL)
    assert answer["errcode"] == 45009
