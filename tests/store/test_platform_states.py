"""What processes share about an app: one lease, one token, rests that everybody keeps."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.store.database import Database
from bot.store.platform_states import (
    FIRST_BREAK,
    LONGEST_BREAK,
    PlatformStates,
    Rest,
    SharedApp,
    break_length,
)
from bot.store.sealing import KeyRing
from tests.fakes.clock import FakeClock

KEYS = KeyRing(KeyRing.generate(), KeyRing.generate())
NAME = "wechat_official:wx0000000000000001"
TOKEN = "token-0000000000001"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def process(
    database: Database, clock: FakeClock, owner: str, *, name: str = NAME, keys: KeyRing = KEYS
) -> SharedApp:
    return PlatformStates(database, keys, clock, owner=owner).of(name)


async def test_of_many_processes_one_gets_the_lease(database: Database, clock: FakeClock) -> None:
    apps = [process(database, clock, f"p{number}") for number in range(5)]
    assert sum(await asyncio.gather(*(app.take_lease(20) for app in apps))) == 1


async def test_lease_of_dead_process_ends_by_time(database: Database, clock: FakeClock) -> None:
    dead, alive = process(database, clock, "dead"), process(database, clock, "alive")
    assert await dead.take_lease(20)
    assert not await alive.take_lease(20)
    clock.advance(20 * SECOND)
    assert await alive.take_lease(20)
    assert not await dead.store_token(TOKEN, clock.wire() + HOUR)
    assert (await alive.read()).token == ""


async def test_stored_token_is_seen_by_all_and_frees_the_lease(database: Database, clock: FakeClock) -> None:
    one, other = process(database, clock, "one"), process(database, clock, "other")
    await one.take_lease(20)
    assert await one.store_token(TOKEN, clock.wire() + 2 * HOUR)
    state = await other.read()
    assert (state.token, state.token_expires_at) == (TOKEN, clock.wire() + 2 * HOUR)
    assert await other.take_lease(20)


async def test_lease_that_is_kept_stays_with_its_process(database: Database, clock: FakeClock) -> None:
    one, other = process(database, clock, "one"), process(database, clock, "other")
    await one.take_lease(30)
    await one.store_token(TOKEN, clock.wire() + HOUR, keep_lease=True)
    assert not await other.take_lease(20)
    await other.drop_lease()
    assert not await other.take_lease(20)
    await one.drop_lease()
    assert await other.take_lease(20)


async def test_token_is_sealed_at_rest_and_hidden_when_shown(database: Database, clock: FakeClock) -> None:
    app = process(database, clock, "one")
    await app.take_lease(20)
    await app.store_token(TOKEN, clock.wire() + HOUR)
    rows = await database.fetch("SELECT token_sealed FROM platform_states")
    assert TOKEN.encode() not in bytes(rows[0][0])
    assert TOKEN not in repr(await app.read())


async def test_only_the_token_that_is_stored_is_forgotten(database: Database, clock: FakeClock) -> None:
    app = process(database, clock, "one")
    await app.forget_token(TOKEN)
    await app.take_lease(20)
    await app.store_token(TOKEN, clock.wire() + HOUR)
    await app.forget_token("an-older-token-00001")
    assert (await app.read()).token == TOKEN
    await app.forget_token(TOKEN)
    assert (await app.read()).token == ""


async def test_token_under_a_key_that_is_gone_counts_as_none(database: Database, clock: FakeClock) -> None:
    app = process(database, clock, "one")
    await app.take_lease(20)
    await app.store_token(TOKEN, clock.wire() + HOUR)
    others = KeyRing(KeyRing.generate(), KeyRing.generate())
    assert (await process(database, clock, "two", keys=others).read()).token == ""


async def test_pause_is_kept_by_every_process_until_it_is_over(database: Database, clock: FakeClock) -> None:
    one, other = process(database, clock, "one"), process(database, clock, "other")
    until = clock.wire() + MINUTE
    assert await other.rest() is None
    await one.pause(until, "wechat_45011")
    expected = Rest(until, "wechat_45011", broken=False)
    assert await one.rest() == expected
    clock.advance(SECOND)  # others look once a second
    assert await other.rest() == expected
    clock.advance(MINUTE)
    assert await one.rest() is None
    assert await other.rest() is None


async def test_longer_pause_is_not_shortened(database: Database, clock: FakeClock) -> None:
    one, other = process(database, clock, "one"), process(database, clock, "other")
    await one.pause(clock.wire() + HOUR, "wechat_45009")
    await other.pause(clock.wire() + MINUTE, "wechat_45011")
    for app in (one, other):
        rest = await app.rest()
        assert rest is not None
        assert rest.why == "wechat_45009"


async def test_breaks_in_a_row_grow_whichever_process_fails(database: Database, clock: FakeClock) -> None:
    apps = [process(database, clock, owner) for owner in ("one", "two", "three")]
    lengths = []
    for number in range(7):
        app = apps[number % 3]
        began = clock.wire()
        await app.break_off("wechat_40125")
        rest = await app.rest()
        assert rest is not None
        assert (rest.why, rest.broken) == ("wechat_40125", True)
        lengths.append((rest.until - began) // MINUTE)
        clock.advance(rest.until - began)
        assert await app.rest() is None
    assert lengths == [1, 2, 4, 8, 16, 30, 30]


async def test_many_failures_at_once_are_one_break(database: Database, clock: FakeClock) -> None:
    apps = [process(database, clock, f"p{number}") for number in range(4)]
    await asyncio.gather(*(app.break_off("wechat_48001") for app in apps for _ in range(5)))
    assert (await apps[0].read()).breaks == 1
    rest = await apps[0].rest()
    assert rest is not None
    assert rest.until == clock.wire() + FIRST_BREAK


async def test_what_worked_makes_the_next_break_short_again(database: Database, clock: FakeClock) -> None:
    app = process(database, clock, "one")
    for _ in range(3):
        await app.break_off("wechat_40164")
        clock.advance(LONGEST_BREAK)
    await app.read()
    await app.mend()
    assert (await app.read()).breaks == 0
    await app.break_off("wechat_40164")
    rest = await app.rest()
    assert rest is not None
    assert rest.until == clock.wire() + FIRST_BREAK


async def test_late_success_does_not_end_a_running_break(database: Database, clock: FakeClock) -> None:
    one, other = process(database, clock, "one"), process(database, clock, "other")
    await one.break_off("wechat_40125")
    await other.read()
    await other.mend()
    assert (await one.read()).rest(clock.wire()) is not None


async def test_break_is_named_before_a_pause(database: Database, clock: FakeClock) -> None:
    app = process(database, clock, "one")
    await app.pause(clock.wire() + HOUR, "wechat_45009")
    await app.break_off("wechat_40125")
    rest = await app.rest()
    assert rest is not None
    assert (rest.why, rest.broken) == ("wechat_40125", True)


async def test_apps_do_not_know_each_others_rests(database: Database, clock: FakeClock) -> None:
    one = process(database, clock, "one")
    await one.break_off("wechat_40125")
    assert await process(database, clock, "one", name="wechat_mini:wx2").rest() is None


@given(st.integers(min_value=1, max_value=10_000))
def test_break_never_shrinks_and_never_passes_half_an_hour(times: int) -> None:
    assert FIRST_BREAK <= break_length(times) <= break_length(times + 1) <= LONGEST_BREAK
