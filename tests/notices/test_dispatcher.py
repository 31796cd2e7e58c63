"""Everything that is due goes out once and in order, whatever platforms, rows and processes do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.channels.outbound import Effect, Trouble, Way
from bot.clock import Clock
from bot.store.database import Database
from tests.conversation.world import keys
from tests.notices.sending import Desk, FakeOutbound, drained, failed


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with Desk(database) as opened:
        yield opened


async def test_due_notice_goes_out_and_is_written_down(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue(li, "hello")
    await drained(await desk.opened())
    assert desk.outbound.sent == [("li", "hello")]
    rows = await desk.rows(
        "SELECT state, reason, channel, way, account_id, platform_id, owner, lease_until IS NULL, sent_at IS NULL FROM notices"
    )
    assert rows == [("sent", "", "wechat_official", "customer_service", li, "p1", "", True, False)]
    assert await desk.rows("SELECT window_left FROM accounts") == [(499,)]


async def test_notices_of_a_person_go_one_after_the_other_in_order(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue_in_turn(li, "abcdef")
    await drained(await desk.opened())
    assert [text for _, text in desk.outbound.sent] == list("abcdef")
    assert desk.outbound.most == 1


async def test_notices_of_many_persons_go_at_once_up_to_the_limit(desk: Desk) -> None:
    desk.outbound.turns = 3
    for number in range(12):
        await desk.queue_in_turn(await desk.somebody(f"p{number}"), "ab")
    await drained(await desk.opened(at_once=5))
    assert len(desk.outbound.sent) == 24
    assert 1 < desk.outbound.most <= 5


async def test_never_more_rows_are_being_sent_than_the_limit(desk: Desk) -> None:
    desk.outbound.gate = asyncio.Event()
    for number in range(9):
        await desk.queue(await desk.somebody(f"p{number}"), "hello")
    dispatcher = await desk.opened(at_once=4)
    await desk.outbound.until(lambda: desk.outbound.under_way == 4)
    dispatcher.wake()
    await desk.rows("SELECT 1")
    assert await desk.rows("SELECT COUNT(*) FROM notices WHERE state = 'sending'") == [(4,)]
    desk.outbound.gate.set()
    await drained(dispatcher)
    assert len(desk.outbound.sent) == 9


async def test_wake_sends_what_was_queued_since(desk: Desk) -> None:
    dispatcher = await desk.opened()
    await drained(dispatcher)
    await desk.queue(await desk.somebody("li"), "hello")
    dispatcher.wake()
    await desk.outbound.until(lambda: bool(desk.outbound.sent))
    await drained(dispatcher)
    assert await desk.states() == [("sent", "")]


async def test_failed_send_is_tried_again_later_and_holds_back_what_comes_after(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue_in_turn(li, ["first", "second"])
    desk.outbound.script["li"] = [failed(Trouble.RETRY, "http_502")]
    dispatcher = await desk.opened()
    await drained(dispatcher)
    assert await desk.states() == [("queued", "http_502"), ("queued", "")]
    await desk.queue(li, "urgent", priority=1)
    await drained(dispatcher)
    assert [text for _, text in desk.outbound.sent] == ["urgent"]
    desk.advance(seconds=13)
    await drained(dispatcher)
    assert [text for _, text in desk.outbound.sent] == ["urgent", "first", "second"]


async def test_same_key_is_used_whenever_the_same_notice_is_sent(desk: Desk) -> None:
    await desk.queue_in_turn(await desk.somebody("li"), ["a", "b"])
    desk.outbound.script["li"] = [failed(Trouble.RETRY)]
    dispatcher = await desk.opened()
    await drained(dispatcher)
    desk.advance(minutes=1)
    await drained(dispatcher)
    first, again, other = desk.outbound.keys
    assert first == again != other
    assert len(first) <= 32


async def test_refused_recipient_is_reached_in_another_way(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue(li, "hello", kind="colour_changed")
    desk.outbound.script["li"] = [failed(Trouble.RECIPIENT, "wechat_45015", effect=Effect.WINDOW_CLOSED)]
    await drained(await desk.opened())
    assert [way for _, _, way in desk.outbound.tried] == [Way.CUSTOMER_SERVICE, Way.TEMPLATE]
    assert await desk.states() == [("sent", "")]


async def test_recipient_who_is_gone_waits_for_an_event_and_the_others_go_on(desk: Desk) -> None:
    for name in ("li", "wang"):
        await desk.queue(await desk.somebody(name), "hello")
    desk.outbound.script["li"] = [failed(Trouble.RECIPIENT, "wechat_40003", effect=Effect.UNKNOWN_ACCOUNT)]
    await drained(await desk.opened())
    assert sorted(await desk.states()) == [("queued", "blocked"), ("sent", "")]


async def test_refusal_that_teaches_nothing_is_not_repeated_for_ever(desk: Desk) -> None:
    await desk.queue(await desk.somebody("li"), "hello")
    desk.outbound.always = failed(Trouble.RECIPIENT, "wechat_1")
    await drained(await desk.opened())
    assert await desk.states() == [("failed", "wechat_1")]
    assert len(desk.outbound.tried) == 2


async def test_refused_content_fails_and_tells_an_operator_the_field(desk: Desk) -> None:
    await desk.queue(await desk.somebody("li"), "hello")
    desk.outbound.always = failed(Trouble.CONTENT, "wechat_47003", field_name="thing3")
    with capture_logs() as logs:
        await drained(await desk.opened())
    assert await desk.states() == [("failed", "wechat_47003")]
    (event,) = [each for each in logs if each["action"] == "notice_fail"]
    assert (event["log_level"], event["reason"], event["field"]) == ("error", "wechat_47003", "thing3")


@pytest.mark.parametrize("trouble", [Trouble.QUOTA, Trouble.TOKEN, Trouble.PERMISSION])
async def test_trouble_of_the_app_costs_no_try(desk: Desk, trouble: Trouble) -> None:
    await desk.queue(await desk.somebody("li"), "hello")
    desk.outbound.script["li"] = [failed(trouble, retry_after=50.0)] * 3
    dispatcher = await desk.opened()
    for _ in range(3):
        await drained(dispatcher)
        desk.advance(seconds=61)
    assert await desk.rows("SELECT state, failures FROM notices") == [("queued", 0)]
    await drained(dispatcher)
    assert await desk.states() == [("sent", "")]


async def test_unknown_outcome_is_never_repeated(desk: Desk) -> None:
    await desk.queue(await desk.somebody("li"), "hello")
    desk.outbound.always = failed(Trouble.UNKNOWN, "timeout")
    dispatcher = await desk.opened()
    await drained(dispatcher)
    desk.advance(days=1)
    await drained(dispatcher)
    assert len(desk.outbound.tried) == 1
    assert await desk.states() == [("unknown", "timeout")]
    assert await desk.rows("SELECT window_left FROM accounts") == [(499,)]


async def test_unknown_outcome_is_repeated_where_the_platform_drops_the_second(desk: Desk) -> None:
    desk.outbound.idempotent = frozenset(Way)
    await desk.queue(await desk.somebody("li"), "hello")
    desk.outbound.script["li"] = [failed(Trouble.UNKNOWN, "timeout")]
    dispatcher = await desk.opened()
    await drained(dispatcher)
    desk.advance(seconds=13)
    await drained(dispatcher)
    assert await desk.states() == [("sent", "")]


async def test_clients_own_error_leaves_the_outcome_unknown_and_the_others_alone(desk: Desk) -> None:
    for name in ("li", "wang"):
        await desk.queue(await desk.somebody(name), "hello")
    desk.outbound.script["li"] = [ZeroDivisionError()]
    await drained(await desk.opened())
    assert sorted(await desk.states()) == [("sent", ""), ("unknown", "client_error")]


@pytest.mark.parametrize("what", ["no words", "damaged", "other address"])
async def test_bad_row_fails_alone(desk: Desk, what: str) -> None:
    bad: dict[str, Any] = {"params_sealed": b"damaged"} if what == "damaged" else {}
    li = await desk.somebody("li")
    if what == "other address":
        await desk.database.execute("UPDATE accounts SET external_sealed = ?", [keys().seal("other", "li")])
    await desk.queue(li, "nothing" if what == "no words" else "hello", **bad)
    await desk.queue(await desk.somebody("wang"), "hello")
    await drained(await desk.opened())
    assert sorted(await desk.states()) == [("failed", "no_words"), ("sent", "")]
    assert desk.outbound.sent == [("wang", "hello")]


async def test_app_that_is_down_does_not_hold_up_the_other(desk: Desk) -> None:
    mini = FakeOutbound("wechat_mini", always=failed(Trouble.RETRY, "connect"))
    desk.outbounds = {"wechat_official": desk.outbound, "wechat_mini": mini}
    for number in range(20):
        await desk.queue(await desk.somebody(f"m{number}", "wechat_mini"), "mini")
    for number in range(20):
        await desk.queue(await desk.somebody(f"o{number}"), "official")
    dispatcher = await desk.opened()
    await drained(dispatcher)
    assert len(desk.outbound.sent) == 20
    assert len(mini.tried) < 20  # it rests after a few
    mini.always = None
    for _ in range(4):
        desk.advance(seconds=30)
        await drained(dispatcher)
    assert len(mini.sent) == 20


async def test_app_that_hangs_does_not_take_all_slots(desk: Desk) -> None:
    mini = FakeOutbound("wechat_mini", gate=asyncio.Event())
    desk.outbounds = {"wechat_official": desk.outbound, "wechat_mini": mini}
    for number in range(8):
        await desk.queue_in_turn(await desk.somebody(f"m{number}", "wechat_mini"), ["mini"])
    for number in range(8):
        await desk.queue(await desk.somebody(f"o{number}"), "official")
    dispatcher = await desk.opened(at_once=4)
    await desk.outbound.until(lambda: len(desk.outbound.sent) == 8)
    assert mini.under_way == 3
    assert mini.gate is not None
    mini.gate.set()
    await drained(dispatcher)
    assert len(mini.sent) == 8


async def test_rate_of_an_app_is_kept_and_everything_goes_in_the_end(desk: Desk) -> None:
    for number in range(12):
        await desk.queue(await desk.somebody(f"p{number}"), "hello")
    begun = asyncio.get_running_loop().time()
    await drained(await desk.opened(at_once=12, pace={"wechat_official": 40.0}))
    assert asyncio.get_running_loop().time() - begun >= (12 - 4) / 40 - 0.01
    assert len(desk.outbound.sent) == 12


async def test_notice_that_is_due_later_goes_by_itself(desk: Desk) -> None:
    desk.clock.wire = Clock().wire  # type: ignore[method-assign]  # this one waits for real time
    now = desk.clock.now()
    await desk.queue(
        await desk.somebody("li"), "hello", created_at=now, try_at=now + timedelta(milliseconds=80)
    )
    await desk.opened()
    await desk.outbound.until(lambda: bool(desk.outbound.sent))
    assert desk.clock.now() >= now + timedelta(milliseconds=80)


async def test_notice_that_falls_due_while_all_slots_are_taken_goes_when_one_is_free(desk: Desk) -> None:
    desk.clock.wire = Clock().wire  # type: ignore[method-assign]  # as above
    desk.outbound.gate = asyncio.Event()
    now = desk.clock.now()
    for name in ("li", "wang"):
        await desk.queue(await desk.somebody(name), "first")
    later = now + timedelta(milliseconds=60)
    await desk.queue(await desk.somebody("zhao"), "later", created_at=now, try_at=later)
    dispatcher = await desk.opened(at_once=2)
    asyncio.get_running_loop().call_later(0.15, desk.outbound.gate.set)
    await desk.outbound.until(lambda: len(desk.outbound.sent) == 3)
    await drained(dispatcher)
    assert desk.outbound.sent[2] == ("zhao", "later")


async def test_logs_and_metrics_name_no_person(desk: Desk) -> None:
    await desk.queue(await desk.somebody("o_secret_openid"), "some words")
    await desk.queue(await desk.somebody("wang"), "hello")
    desk.outbound.script["o_secret_openid"] = [failed(Trouble.CONTENT, "wechat_45002")]
    with capture_logs() as logs:
        await drained(await desk.opened())
    text = desk.metrics.text().decode()
    assert 'yima_notices_total{channel="wechat_official",kind="result",outcome="sent",trouble=""} 1.0' in text
    assert 'outcome="failed",trouble="content"} 1.0' in text
    assert "yima_notice_age_seconds_count" in text
    assert "o_secret_openid" not in text + str(logs)
    assert "some words" not in str(logs)
