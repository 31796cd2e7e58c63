"""Several at work on the same notices, and what a death, a close or a bad write leaves: each goes once, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.channels.outbound import Trouble
from bot.errors import Unavailable
from bot.metrics import Metrics
from bot.notices import ledger
from bot.notices.dispatcher import Dispatcher
from bot.notices.outbox import mark_told
from bot.notices.reachability import Reachability
from bot.services.colour_notices import Unsent, _replace
from bot.store.database import Database
from bot.store.snapshot import WaitingNotice
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from tests.conversation.world import keys
from tests.notices.persons import OFFERED
from tests.notices.sending import Desk, FakeComposer, FakeOutbound, drained, failed


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with Desk(database) as opened:
        yield opened


async def test_replaced_notice_is_not_sent(desk: Desk) -> None:
    li = await desk.somebody("li")
    notice_id = await desk.queue(li, "old")
    work = Work(now=desk.clock.now())
    _replace(work, Unsent(notice_id, 0, li, 0, ()))
    assert await Writer(desk.database).commit(work) == Outcome.COMMITTED
    await drained(await desk.opened())
    assert (desk.outbound.sent, await desk.states()) == ([], [("replaced", "")])


@pytest.mark.parametrize("told", [True, False])
async def test_notice_is_sent_or_overtaken_and_never_both(desk: Desk, told: bool) -> None:
    """Overtaken: told with the next answer, or replaced by a later change, as either races with the claim."""
    overtaken = 0
    dispatcher = await desk.opened(at_once=3)
    for number in range(8):
        li = await desk.somebody(f"p{number}")
        notice_id = await desk.queue(li, f"n{number}")
        work = Work(now=desk.clock.now())
        if told:
            waiting = WaitingNotice(notice_id, 0, "result", b"", desk.clock.now(), 0)
            mark_told(work, waiting, "wechat_official")
        else:
            _replace(work, Unsent(notice_id, 0, li, 0, ()))
        outcome, _ = await asyncio.gather(Writer(desk.database).commit(work), drained(dispatcher))
        sent = (f"p{number}", f"n{number}") in desk.outbound.sent
        assert sent == (outcome == Outcome.CONFLICT)
        overtaken += outcome == Outcome.COMMITTED
    assert len(desk.outbound.sent) == 8 - overtaken


async def test_notice_that_was_sent_is_not_told_again_with_an_answer_read_before(desk: Desk) -> None:
    notice_id = await desk.queue(await desk.somebody("li"), "hello")
    work = Work(now=desk.clock.now())
    mark_told(work, WaitingNotice(notice_id, 0, "result", b"", desk.clock.now(), 0), "wechat_official")
    await drained(await desk.opened())
    assert await Writer(desk.database).commit(work) == Outcome.CONFLICT


async def test_two_processes_send_everything_once_and_in_order(desk: Desk) -> None:
    desk.outbound.turns = 2
    for number in range(10):
        await desk.queue_in_turn(await desk.somebody(f"p{number}"), "abcd")
    database = Database(desk.database.url)
    await database.open()
    try:
        one = await desk.opened("one", at_once=3)
        other = desk.dispatcher("two", at_once=3) if database.dialect == "sqlite" else _beside(desk, database)
        await other.open()
        for _ in range(40):
            await asyncio.gather(drained(one), drained(other))
            if {state for state, _ in await desk.states()} == {"sent"}:
                break
        await other.close()
    finally:
        await database.close()
    for number in range(10):
        assert [text for name, text in desk.outbound.sent if name == f"p{number}"] == list("abcd")
    assert len(desk.outbound.sent) == 40


def _beside(desk: Desk, database: Database) -> Dispatcher:
    """A dispatcher of another process, with connections of its own."""
    return Dispatcher(
        database, keys(), desk.clock, reachability=Reachability(database, desk.clock, OFFERED),
        composer=FakeComposer(), outbounds=desk.outbounds, metrics=Metrics(), owner="two", at_once=3, pace={},
    )  # fmt: skip


async def test_death_while_sending_leaves_at_most_those_under_way_unknown(desk: Desk) -> None:
    """The first dispatcher is abandoned between claim and outcome, as a kill would leave it."""
    gate = FakeOutbound(gate=asyncio.Event())
    for number in range(10):
        await desk.queue(await desk.somebody(f"p{number}"), "hello")
    dead = desk.dispatcher("dead", outbounds={"wechat_official": gate})
    await dead.open()
    await gate.until(lambda: gate.under_way == 4)
    await desk.rows("SELECT 1")
    for task in [each for each in asyncio.all_tasks() if each.get_name() in ("dispatcher", "notice")]:
        task.cancel()
    await gate.until(lambda: gate.under_way == 0)
    alive = await desk.opened("alive")
    await drained(alive)
    desk.advance(minutes=4)
    await alive.close()
    later = await desk.opened("later")
    await drained(later)
    assert sorted(await desk.states()) == [("sent", "")] * 6 + [("unknown", "interrupted")] * 4
    assert {name for name, _ in desk.outbound.sent}.isdisjoint({name for name, _, _ in gate.tried})


async def test_close_finishes_what_is_being_sent_and_claims_nothing_more(desk: Desk) -> None:
    desk.outbound.gate = asyncio.Event()
    for number in range(6):
        await desk.queue(await desk.somebody(f"p{number}"), "hello")
    dispatcher = await desk.opened(at_once=2)
    await desk.outbound.until(lambda: desk.outbound.under_way == 2)
    closing = asyncio.create_task(dispatcher.close(), name="closing")
    await asyncio.sleep(0)
    desk.outbound.gate.set()
    await asyncio.wait_for(closing, 20)
    assert sorted(await desk.states()) == [("queued", "")] * 4 + [("sent", "")] * 2


async def test_drain_of_a_closed_dispatcher_is_refused(desk: Desk) -> None:
    dispatcher = await desk.opened()
    await dispatcher.close()
    with pytest.raises(Unavailable):
        await dispatcher.drain()


async def test_outcome_that_cannot_be_written_keeps_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend = ledger.spend

    async def breaks(session: Any, used: Any, **more: Any) -> None:
        if any(channel.account_id == li for channel, _ in used):
            raise ZeroDivisionError
        await spend(session, used, **more)

    li = await desk.somebody("li")
    await desk.queue(li, "hello")
    for number in range(3):
        await desk.queue(await desk.somebody(f"p{number}"), "hello")
    monkeypatch.setattr(ledger, "spend", breaks)
    dispatcher = await desk.opened()
    with capture_logs() as logs:
        for _ in range(3):
            try:
                await drained(dispatcher)
                break
            except ZeroDivisionError:
                continue
    assert [state for state, _ in await desk.states()] == ["sent"] * 4
    assert [each["notice"] for each in logs if each["action"] == "outcome_fail"] != []


FAILURES = st.sampled_from(
    [None, Trouble.RETRY, Trouble.QUOTA, Trouble.TOKEN, Trouble.PERMISSION, Trouble.CONTENT, Trouble.UNKNOWN]
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(FAILURES, max_size=6), min_size=1, max_size=3))
async def test_any_sequence_of_failures_keeps_the_order_and_sends_none_twice(
    database: Database, scripts: list[list[Trouble | None]]
) -> None:
    for table in ("notices", "accounts"):
        await database.execute(f"DELETE FROM {table}")
    async with Desk(database) as desk:
        for place, script in enumerate(scripts):
            name = f"p{place}"
            desk.outbound.script[name] = [
                failed(each, retry_after=20.0) if each in (Trouble.QUOTA, Trouble.TOKEN) else failed(each) if each else None  # type: ignore[misc]  # None: it goes through
                for each in script
            ]  # fmt: skip
            await desk.queue_in_turn(await desk.somebody(name), "abc")
        dispatcher = await desk.opened()
        for _ in range(14):
            await drained(dispatcher)
            desk.advance(minutes=11)
        for place, script in enumerate(scripts):
            got = [text for name, text in desk.outbound.sent if name == f"p{place}"]
            tried = [text for name, text, _ in desk.outbound.tried if name == f"p{place}"]
            assert len(got) == len(set(got))
            if (
                Trouble.QUOTA not in script
                and Trouble.TOKEN not in script
                and Trouble.PERMISSION not in script
            ):
                assert tried == sorted(tried)
        assert {state for state, _ in await desk.states()} <= {"sent", "failed", "unknown"}
