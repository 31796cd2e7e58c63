"""The token: fetched once for all, renewed in time, forced rarely, and never asked for with a wrong secret."""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.channels.outbound import SendFailed, Trouble
from bot.channels.wechat.api import CUSTOM, WeChatApi
from bot.channels.wechat.api_errors import MEANINGS, Halt
from bot.channels.wechat.tokens import EARLY, FORCE_EVERY, next_count
from bot.channels.wechat.tokens import PATH as TOKEN
from tests.channels.scripted import Scripted, hang_up, page
from tests.channels.wechat.api_rig import APP_ID, OK, OPENID, SECRET, Issuer, Rig, error, token, token_text

MINUTE = timedelta(minutes=1)


async def send(api: WeChatApi) -> None:
    await api.send_custom(OPENID, "你好")


async def refused(api: WeChatApi) -> SendFailed:
    with pytest.raises(SendFailed) as caught:
        await send(api)
    return caught.value


def used(rig: Rig) -> list[str]:
    return [call.query["access_token"] for call in rig.platform.asked(CUSTOM)]


async def test_stable_token_is_asked_for_without_force(rig: Rig) -> None:
    await send(rig.api())
    call = rig.platform.asked(TOKEN)[0]
    assert call.body == {
        "grant_type": "client_credential",
        "appid": APP_ID,
        "secret": SECRET,
        "force_refresh": False,
    }
    assert (call.method, call.query) == ("POST", {})


async def test_fifty_cold_calls_fetch_one_token(rig: Rig) -> None:
    api = rig.api()
    await asyncio.gather(*(send(api) for _ in range(50)))
    assert (rig.fetched, rig.sent, set(used(rig))) == (1, 50, {token_text(1)})


async def test_two_processes_fetch_one_token(rig: Rig) -> None:
    one, other = rig.api("one"), rig.api("other")
    await asyncio.gather(*(send(api) for api in (one, other) for _ in range(10)))
    assert (rig.fetched, set(used(rig))) == (1, {token_text(1)})


async def test_token_that_was_stored_just_before_the_lease_is_used(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = rig.api("one"), rig.api("other")
    take_lease = other.shared.take_lease

    async def take_late(seconds: float) -> bool:
        await send(one)
        return await take_lease(seconds)

    monkeypatch.setattr(other.shared, "take_lease", take_late)
    await send(other)
    assert (rig.fetched, set(used(rig))) == (1, {token_text(1)})
    assert await one.shared.take_lease(20)


async def test_process_that_starts_later_uses_the_stored_token(rig: Rig) -> None:
    await send(rig.api("one"))
    await send(rig.api("other"))
    assert (rig.fetched, rig.sent) == (1, 2)


async def test_lease_of_a_dead_process_holds_nobody_back_for_long(rig: Rig) -> None:
    assert await rig.api("dead").shared.take_lease(20)
    rig.clock.advance(timedelta(seconds=20))
    await send(rig.api("alive"))
    assert rig.sent == 1


async def test_failed_fetch_fails_all_who_wait_with_one_call(rig: Rig) -> None:
    rig.script(TOKEN, error(-1), token(1))
    api = rig.api()
    results = await asyncio.gather(*(send(api) for _ in range(20)), return_exceptions=True)
    assert {str(result) for result in results} == {"retry: wechat_-1"}
    assert (rig.fetched, rig.sent) == (1, 0)
    await send(api)
    assert rig.fetched == 2


async def test_caller_that_goes_away_takes_no_token_along(rig: Rig) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.json_response(token(1))

    gate = asyncio.Event()
    rig.script(TOKEN, slow)
    api = rig.api()
    first, second = (asyncio.create_task(send(api), name=name) for name in ("first", "second"))
    await rig.platform.arrived.wait()
    first.cancel()
    gate.set()
    await second
    assert first.cancelled()
    assert (rig.fetched, rig.sent) == (1, 1)


async def test_token_is_renewed_before_it_ends(rig: Rig) -> None:
    api = rig.api()
    await send(api)
    rig.clock.advance(timedelta(seconds=7200) - EARLY - timedelta(seconds=1))
    await send(api)
    assert rig.fetched == 1
    rig.clock.advance(timedelta(seconds=62))
    await send(api)
    assert used(rig) == [token_text(1), token_text(1), token_text(2)]


async def test_renewal_by_one_process_serves_the_other(rig: Rig) -> None:
    one, other = rig.api("one"), rig.api("other")
    await asyncio.gather(send(one), send(other))
    rig.clock.advance(timedelta(seconds=7200) - EARLY + MINUTE)
    await send(one)
    await send(other)
    assert (rig.fetched, used(rig)[-2:]) == (2, [token_text(2)] * 2)


@pytest.mark.parametrize("answer", [error(-1), page(502), hang_up])
async def test_token_that_still_works_is_kept_while_renewing_fails(rig: Rig, answer: Scripted) -> None:
    rig.script(TOKEN, token(1), answer)
    api = rig.api()
    await send(api)
    rig.clock.advance(timedelta(seconds=7200) - EARLY + MINUTE)
    await asyncio.gather(*(send(api) for _ in range(5)))
    await send(api)
    assert (rig.fetched, set(used(rig))) == (2, {token_text(1)})
    rig.clock.advance(timedelta(seconds=16))
    await send(api)
    assert rig.fetched == 3
    rig.clock.advance(EARLY)
    assert (await refused(api)).trouble == Trouble.RETRY


async def test_token_kept_while_another_process_renews_it(rig: Rig) -> None:
    api = rig.api()
    await send(api)
    rig.clock.advance(timedelta(seconds=7200) - EARLY + MINUTE)
    assert await rig.api("other").shared.take_lease(20)
    await send(api)
    assert (rig.fetched, used(rig)) == (1, [token_text(1)] * 2)


async def test_short_lived_token_is_not_fetched_for_every_call(rig: Rig) -> None:
    rig.script(TOKEN, token(1, expires_in=120))
    api = rig.api()
    for _ in range(5):
        await send(api)
    assert rig.fetched == 1


async def test_clock_of_the_platform_does_not_matter(rig: Rig) -> None:
    async def wrong_clock(request: web.Request) -> web.StreamResponse:
        late = {"Date": "Thu, 20 Feb 2020 00:55:00 GMT"}
        return web.json_response(token(1), headers=late)

    rig.script(TOKEN, wrong_clock)
    api = rig.api()
    await send(api)
    state = await api.shared.read()
    assert state.token_expires_at == rig.clock.wire() + timedelta(seconds=7200)


async def test_permanently_refused_token_costs_two_fetches_and_two_sends(rig: Rig) -> None:
    rig.script(CUSTOM, error(40001))
    api = rig.api()
    failed = await refused(api)
    assert (failed.trouble, failed.reason, failed.retry_after) == (Trouble.TOKEN, "wechat_40001", 60)
    assert (rig.fetched, rig.sent) == (2, 2)
    again = await refused(api)  # and then the app rests, in every process
    rig.clock.advance(timedelta(seconds=1))
    elsewhere = await refused(rig.api("other"))
    assert (again.trouble, elsewhere.trouble) == (Trouble.PERMISSION, Trouble.PERMISSION)
    assert (rig.fetched, rig.sent) == (2, 2)


async def test_many_calls_with_a_refused_token_fetch_one_new_one(rig: Rig) -> None:
    rig.script(CUSTOM, *[error(42001)] * 20, OK)
    api = rig.api()
    await asyncio.gather(*(send(api) for _ in range(20)))
    assert (rig.fetched, rig.sent) == (2, 40)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_token_that_a_third_party_replaced_is_forced_once(rig: Rig, code: int) -> None:
    issuer = Issuer()
    rig.script(TOKEN, issuer)
    rig.script(CUSTOM, OK, error(code), issuer.send)
    api = rig.api()
    await send(api)
    await send(api)  # the plain call gives out the refused token again, so one is forced
    await send(api)
    assert [call.body["force_refresh"] for call in rig.platform.asked(TOKEN)] == [False, False, True]
    assert used(rig) == [token_text(1), token_text(1), token_text(2), token_text(2)]


async def test_third_party_that_got_a_new_token_needs_no_force(rig: Rig) -> None:
    issuer = Issuer()
    rig.script(TOKEN, issuer)
    rig.script(CUSTOM, issuer.send)
    api = rig.api()
    await send(api)
    issuer.number += 1
    await send(api)
    assert (issuer.forced, rig.fetched, rig.sent) == (0, 2, 3)


async def test_force_is_never_used_twice_within_half_a_minute(rig: Rig) -> None:
    issuer = Issuer()
    rig.script(TOKEN, issuer)
    rig.script(CUSTOM, error(40001), OK, error(40001), OK)
    one = rig.api("one")
    await send(one)
    failed = await refused(one)
    assert (failed.trouble, failed.reason, failed.retry_after) == (Trouble.TOKEN, "token_refused", 30)
    assert issuer.forced == 1
    assert not await rig.api("other").shared.take_lease(20)  # nor by another process
    rig.clock.advance(FORCE_EVERY)
    await send(one)
    assert issuer.forced == 2


async def test_process_with_an_old_token_takes_the_one_that_another_stored(rig: Rig) -> None:
    issuer = Issuer()
    rig.script(TOKEN, issuer)
    rig.script(CUSTOM, issuer.send)
    one, other = rig.api("one"), rig.api("other")
    await send(one)
    await send(other)
    issuer.number += 1
    await send(one)
    await send(other)
    assert (rig.fetched, issuer.forced) == (2, 0)


async def test_late_refusal_of_an_old_token_does_not_drop_the_new_one(rig: Rig) -> None:
    api = rig.api()
    await send(api)
    await api._tokens.invalidate(token_text(1))
    await send(api)
    await api._tokens.invalidate(token_text(1))
    await send(api)
    assert rig.fetched == 2
    assert (await api.shared.read()).token == token_text(2)


WRONG_SETUP = [code for code, meaning in MEANINGS.items() if meaning.halt == Halt.BREAK]


@pytest.mark.parametrize("code", [*WRONG_SETUP, 12345])
async def test_wrong_setup_stops_asking_for_a_growing_time(rig: Rig, code: int) -> None:
    rig.script(TOKEN, error(code))
    api = rig.api()
    rests = []
    for _ in range(6):
        results = await asyncio.gather(*(refused(api) for _ in range(10)))
        assert {(each.trouble, each.reason) for each in results} == {(Trouble.PERMISSION, f"wechat_{code}")}
        assert (await refused(api)).trouble == Trouble.PERMISSION
        left = results[0].retry_after
        assert left is not None
        rests.append(left / 60)
        rig.clock.advance(timedelta(seconds=left))
    assert rests == [1, 2, 4, 8, 16, 30]
    assert (rig.fetched, rig.sent) == (6, 0)


async def test_break_is_over_when_the_secret_is_right_again(rig: Rig) -> None:
    rig.script(TOKEN, error(40125), error(40125), token(1), error(40125))
    api = rig.api()
    await refused(api)
    rig.clock.advance(MINUTE)
    await refused(api)
    rig.clock.advance(2 * MINUTE)
    await send(api)
    await api._tokens.invalidate(token_text(1))
    assert (await refused(api)).retry_after == 60


@pytest.mark.parametrize(
    ("answer", "trouble", "reason"),
    [
        (error(45009), Trouble.QUOTA, "wechat_45009"),
        (error(45011), Trouble.RETRY, "wechat_45011"),
        (error(-1), Trouble.RETRY, "wechat_-1"),
        (page(502), Trouble.RETRY, "http_502"),
        (page(504), Trouble.RETRY, "http_504"),
        (page(200), Trouble.RETRY, "not_json"),
        (page(200, b""), Trouble.RETRY, "empty"),
        (hang_up, Trouble.RETRY, "disconnected"),
        ({}, Trouble.RETRY, "bad_answer"),
        ({"access_token": "short", "expires_in": 7200}, Trouble.RETRY, "bad_answer"),
        ({"access_token": "x" * 3000, "expires_in": 7200}, Trouble.RETRY, "bad_answer"),
        ({"access_token": token_text(1), "expires_in": "soon"}, Trouble.RETRY, "bad_answer"),
        ({"errcode": None}, Trouble.RETRY, "bad_answer"),
    ],
)
async def test_send_without_a_token_was_not_made(
    rig: Rig, answer: Scripted, trouble: Trouble, reason: str
) -> None:
    rig.script(TOKEN, answer)
    failed = await refused(rig.api())
    assert (failed.trouble, failed.reason) == (trouble, reason)
    assert (rig.fetched, rig.sent) == (1, 0)


async def test_token_call_has_its_time_limit(rig: Rig) -> None:
    rig.script(TOKEN, rig.platform.never)
    failed = await refused(rig.api(total_seconds=0.2))
    assert (failed.trouble, failed.reason, rig.sent) == (Trouble.RETRY, "timeout", 0)


@pytest.mark.parametrize(
    ("at", "midnight"),
    [
        (datetime(2020, 2, 20, 1, tzinfo=UTC), datetime(2020, 2, 20, 16, tzinfo=UTC)),
        (datetime(2020, 2, 20, 15, 59, 59, tzinfo=UTC), datetime(2020, 2, 20, 16, tzinfo=UTC)),
        (datetime(2020, 2, 20, 16, 10, tzinfo=UTC), datetime(2020, 2, 21, 16, tzinfo=UTC)),
        # the platform's clock may be behind ours
        (datetime(2020, 2, 20, 16, tzinfo=UTC), datetime(2020, 2, 20, 16, 10, tzinfo=UTC)),
        (datetime(2020, 2, 20, 16, 9, 59, tzinfo=UTC), datetime(2020, 2, 20, 16, 10, tzinfo=UTC)),
    ],
)
def test_counts_begin_anew_at_midnight_in_beijing(at: datetime, midnight: datetime) -> None:
    assert next_count(at) == midnight


async def test_neither_token_nor_secret_is_ever_shown(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig.script(TOKEN, token(1), token(2), error(40125))
    rig.script(CUSTOM, error(40001), page(502), hang_up, error(40001), error(40001))
    api = rig.api()
    failures = [await refused(api) for _ in range(3)]
    shown = [repr(api), repr(api._tokens), repr(api._tokens._held), repr(api.shared)]
    for failed in failures:
        shown += [*traceback.format_exception(failed), repr(failed), repr(failed.__context__)]
    shown += [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    for hidden in (SECRET, token_text(1), token_text(2), OPENID):
        assert hidden not in "".join(shown)
