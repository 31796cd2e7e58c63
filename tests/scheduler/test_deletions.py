"""The job that carries deletions out: when it is due, and that it stops where another can go on."""

from __future__ import annotations

from typing import Any

from bot.metrics import Metrics
from bot.store.database import Database, instant
from scheduler.deletions import JOB, delete_due, next_due
from scheduler.job import JobTools
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import HOME, LI, Phone
from tests.own_data import Slot, declare, phone_of, run_deletions


def _tools(phone: Phone) -> JobTools:
    missing: Any = None
    return JobTools(
        database=phone.database, clock=phone.clock, world=phone.world, rescorer=missing,
        reachability=phone.tools.reachability, metrics=Metrics(), wake=lambda: None, home=HOME,
    )  # fmt: skip


async def _asked(database: Database) -> Phone:
    phone = phone_of(database, FakeClock())
    await declare(phone, LI["name"], LI["certificate"], LI["phone"])
    await phone.say("删除我的数据", "确认删除")
    return phone


async def test_nothing_in_sight_is_never_due(database: Database) -> None:
    phone = phone_of(database, FakeClock())
    assert JOB.due is next_due
    assert await next_due(_tools(phone), phone.clock.now()) is None


async def test_due_when_the_wish_is_and_again_until_accounts_are_forgotten(database: Database) -> None:
    phone = await _asked(database)
    due = instant((await phone.rows("SELECT due_at FROM deletion_requests"))[0][0])
    assert await next_due(_tools(phone), phone.clock.now()) == due
    phone.wait(days=9)
    assert (await run_deletions(phone))["erased"] == 1
    assert await next_due(_tools(phone), phone.clock.now()) is not None
    phone.wait(days=2)
    await run_deletions(phone)
    assert await next_due(_tools(phone), phone.clock.now()) is None


async def test_a_stopping_service_begins_no_more_deletions(database: Database) -> None:
    phone = await _asked(database)
    phone.wait(days=9)
    run: Any = Slot(phone.clock.now(), stopping=True)
    await delete_due(_tools(phone), run)
    assert run.counts == {}
    assert (await run_deletions(phone))["erased"] == 1


async def test_the_same_slot_twice_deletes_once(database: Database) -> None:
    phone = await _asked(database)
    phone.wait(days=9)
    assert (await run_deletions(phone))["erased"] == 1
    assert "erased" not in await run_deletions(phone)
