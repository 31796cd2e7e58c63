"""Verification over a real database: outcomes, limits, the worker's way, and who can hold a certificate."""

from __future__ import annotations

import pytest

from bot.core.model import Identity
from bot.errors import NotLoaded
from bot.services.identities import TRIES_A_DAY, Outcome, verify, verify_by_worker
from bot.services.real_name import Verdict
from bot.store.database import Database
from bot.store.loader import Loader
from bot.store.snapshot import Resident
from bot.store.work import Work
from tests.handlers.chat.factory import FIRST, FakeRegister, Phone, make_world


async def make_claimed(database: Database, user: str = "li") -> tuple[Phone, FakeRegister, Resident]:
    """A resident who has declared while the real-name service was out of order."""
    register = FakeRegister(Verdict.UNAVAILABLE)
    phone = Phone(database, user=user, world=make_world(register))
    await phone.say(*FIRST, "提交")
    assert phone.ctx.resident is not None
    ids = [phone.ctx.resident.resident_id]
    return phone, register, (await Loader(database).residents(ids, phone.clock.now()))[0]


def checks(work: Work) -> list[object]:
    return [write.row["outcome"] for write in work.writes if write.table == "identity_checks"]


async def test_match_verifies_and_is_recorded_once(database: Database) -> None:
    phone, register, resident = await make_claimed(database)
    register.verdict = Verdict.MATCH
    work = Work(now=phone.clock.now())
    assert await verify(phone.world, work, database, resident) == Outcome.VERIFIED
    assert resident.identity == Identity.VERIFIED
    assert checks(work) == ["verified"]
    assert resident.resident_id in work.touched


async def test_mismatch_changes_nothing_but_the_count_of_tries(database: Database) -> None:
    phone, register, resident = await make_claimed(database)
    register.verdict = Verdict.MISMATCH
    work = Work(now=phone.clock.now())
    assert await verify(phone.world, work, database, resident) == Outcome.MISMATCH
    assert resident.identity == Identity.CLAIMED
    assert [write.table for write in work.writes] == ["identity_checks"]
    assert work.touched == set()


async def test_outage_is_no_try_and_writes_nothing(database: Database) -> None:
    phone, _, resident = await make_claimed(database)
    work = Work(now=phone.clock.now())
    assert await verify(phone.world, work, database, resident) == Outcome.UNAVAILABLE
    assert work.writes == []


async def test_tries_of_the_day_before_do_not_count(database: Database) -> None:
    phone, register, resident = await make_claimed(database)
    register.verdict = Verdict.MISMATCH
    await phone.say(*["实名"] * TRIES_A_DAY)
    assert await verify(phone.world, Work(now=phone.clock.now()), database, resident) == Outcome.TOO_MANY
    phone.wait(hours=15)
    assert await verify(phone.world, Work(now=phone.clock.now()), database, resident) == Outcome.MISMATCH


async def test_verifying_twice_asks_the_register_once(database: Database) -> None:
    phone, register, resident = await make_claimed(database)
    register.verdict = Verdict.MATCH
    register.asked.clear()
    await verify(phone.world, Work(now=phone.clock.now()), database, resident)
    await verify(phone.world, Work(now=phone.clock.now()), database, resident)
    assert len(register.asked) == 1


async def test_worker_verifies_with_a_record_that_the_resident_can_read(database: Database) -> None:
    phone, _, resident = await make_claimed(database)
    work = Work(now=phone.clock.now())
    outcome = await verify_by_worker(work, phone.world, database, resident, worker_id=9, role="grid_worker")
    assert outcome == Outcome.VERIFIED
    views = [write.row for write in work.writes if write.table == "access_log"]
    assert [(each["actor_kind"], each["actor_id"], each["action"]) for each in views] == [
        ("worker", 9, "verify_identity")
    ]
    assert {code.colour for code in resident.codes.values()} == {"green"}
    work.check()


async def test_worker_cannot_verify_what_another_resident_holds(database: Database) -> None:
    phone, register, _ = await make_claimed(database)
    register.verdict = Verdict.MATCH
    await phone.say("实名")
    second, _, resident = await make_claimed(database, user="second")
    work = Work(now=second.clock.now())
    outcome = await verify_by_worker(work, second.world, database, resident, worker_id=9, role="grid_worker")
    assert outcome == Outcome.TAKEN
    assert resident.identity == Identity.CLAIMED
    assert [write.row["why"] for write in work.writes if write.table == "access_log"] == ["taken"]


async def test_nobody_outside_is_asked_before_everything_needed_is_read(database: Database) -> None:
    phone, register, resident = await make_claimed(database)
    register.asked.clear()
    resident.standing_facts = None
    with pytest.raises(NotLoaded):
        await verify(phone.world, Work(now=phone.clock.now()), database, resident)
    assert register.asked == []
