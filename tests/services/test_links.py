"""Becoming one person over a real database: who may ask, how often, what a confirmation moves, and what stops it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.services.links import (
    OPEN_FOR,
    REQUESTS_A_DAY,
    Answer,
    Asking,
    LinkRequest,
    ask,
    confirm,
    deny,
    unanswered,
)
from bot.services.real_name import Verdict
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.loader import Loader
from bot.store.snapshot import Account, Resident
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import FIRST, FakeRegister, Phone, certificate, make_world

OTHER = certificate("42010619950307111")


class Two:
    """An older phone that is verified, and a newer one that declares the same certificate."""

    def __init__(self, database: Database, verdict: Verdict = Verdict.MATCH) -> None:
        self.database, self.clock, self.register = database, FakeClock(), FakeRegister()
        self.world = make_world(self.register)
        self.verdict = verdict
        self.older = self.phone("older")
        self.newer = self.phone("newer")

    def phone(self, user: str) -> Phone:
        return Phone(self.database, user=user, world=self.world, clock=self.clock)

    async def meet(self) -> None:
        await self.older.say(*FIRST, "提交")
        self.register.verdict = self.verdict
        await self.newer.say(*FIRST, "提交")

    def account(self, phone: Phone) -> Account:
        return phone.ctx.account

    async def resident(self, phone: Phone) -> Resident:
        assert phone.ctx.resident is not None
        ids = [phone.ctx.resident.resident_id]
        return (await Loader(self.database).residents(ids, self.clock.now()))[0]

    async def ask(self, phone: Phone | None = None) -> Asking:
        phone, work = phone or self.newer, Work(now=self.clock.now())
        asked = await ask(
            self.world, work, self.database, account=self.account(phone), resident=await self.resident(phone)
        )
        assert await self.commit(work) == Outcome.COMMITTED
        return asked

    async def requests(self) -> tuple[LinkRequest, ...]:
        return await unanswered(self.database, self.account(self.older).person_id, self.clock.now())

    async def confirm(self) -> Answer:
        work = Work(now=self.clock.now())
        [request] = await self.requests()
        said = await confirm(
            self.world, work, self.database, holder=await self.resident(self.older), request=request
        )
        assert await self.commit(work) == Outcome.COMMITTED
        return said

    async def commit(self, work: Work) -> Outcome:
        return await Writer(self.database).commit(work)

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return await self.older.rows(sql, *params)


@pytest.fixture
async def two(database: Database) -> Two:
    made = Two(database)
    await made.meet()
    return made


async def queue_notice(two: Two, phone: Phone, *, suffix: str, state: str = "queued", **more: Any) -> int:
    """A notice about a member, addressed to the person of that phone."""
    work, notice_id, person_id = Work(now=two.clock.now()), new_id(), two.account(phone).person_id
    row = {
        "id": notice_id, "resident_id": 77, "person_id": person_id, "account_id": person_id, "kind": "colour_changed",
        "params_sealed": b"s", "state": state, "dedup_key": f"{person_id}:{suffix}", "not_before": work.now,
        "try_at": work.now, "expires_at": work.now + timedelta(days=3), "created_at": work.now,
    }  # fmt: skip
    work.insert("notices", **{**row, **more})
    assert await two.commit(work) == Outcome.COMMITTED
    return notice_id


# asking


async def test_match_of_today_may_ask_who_holds_the_certificate(two: Two) -> None:
    assert await two.ask() == Asking.ASKED
    [request] = await two.requests()
    older, newer = await two.resident(two.older), two.account(two.newer)
    assert (request.resident_id, request.account_id) == (older.resident_id, newer.id)
    assert request.expires_at - two.clock.now() == OPEN_FOR
    [(kind, person_id, sealed)] = await two.rows("SELECT kind, person_id, params_sealed FROM notices")
    assert (kind, person_id) == ("link_asked", two.account(two.older).person_id)
    assert two.world.keys.open_json("notices.params", sealed) == {"platform": "simulator"}


async def test_request_can_be_read_by_whom_it_is_about(two: Two) -> None:
    await two.ask()
    older = await two.resident(two.older)
    assert await two.rows("SELECT resident_id, actor_kind, action FROM access_log") == [
        (older.resident_id, "system", "link_asked")
    ]


@pytest.mark.parametrize("verdict", [Verdict.MISMATCH, Verdict.UNAVAILABLE])
async def test_claimed_identity_may_not_ask(database: Database, verdict: Verdict) -> None:
    two = Two(database, verdict)
    await two.meet()
    assert await two.ask() == Asking.NOT_OFFERED
    assert await two.rows("SELECT id FROM link_requests") == []
    assert await two.rows("SELECT id FROM notices") == []


async def test_verified_resident_has_nothing_to_ask(two: Two) -> None:
    assert await two.ask(two.older) == Asking.NOT_OFFERED


async def test_match_of_yesterday_is_no_match(two: Two) -> None:
    two.clock.advance(timedelta(days=1))
    assert await two.ask() == Asking.NOT_OFFERED


async def test_match_does_not_count_for_another_number_declared_since(two: Two) -> None:
    two.register.verdict = Verdict.UNAVAILABLE
    two.clock.advance(timedelta(minutes=1))
    await two.newer.say("修改证件号", OTHER, "提交")
    assert await two.ask() == Asking.NOT_OFFERED


async def test_last_check_of_the_day_decides(two: Two) -> None:
    two.register.verdict = Verdict.MISMATCH
    two.clock.advance(timedelta(minutes=1))
    await two.newer.say("实名")
    assert await two.ask() == Asking.NOT_OFFERED


async def test_second_wish_is_the_same_request(two: Two) -> None:
    await two.ask()
    two.clock.advance(timedelta(hours=1))
    assert await two.ask() == Asking.STILL_ASKED
    assert len(await two.rows("SELECT id FROM link_requests")) == 1
    assert len(await two.rows("SELECT id FROM notices")) == 1


async def test_account_asks_at_most_three_times_a_day(two: Two) -> None:
    for _ in range(REQUESTS_A_DAY):
        assert await two.ask() == Asking.ASKED
        await two.database.execute("UPDATE link_requests SET state = 'denied'")
    assert await two.ask() == Asking.TOO_MANY


async def test_resident_is_asked_at_most_three_times_a_day_by_all_together(two: Two) -> None:
    for number in range(REQUESTS_A_DAY):
        phone = two.phone(f"stranger-{number}")
        await phone.say(*FIRST, "提交")
        assert await two.ask(phone) == Asking.ASKED
    assert await two.ask() == Asking.TOO_MANY


async def test_two_wishes_at_once_are_counted_one_after_the_other(two: Two) -> None:
    other = two.phone("stranger")
    await other.say(*FIRST, "提交")
    works = [Work(now=two.clock.now()) for _ in range(2)]
    for work, phone in zip(works, (two.newer, other), strict=True):
        await ask(
            two.world, work, two.database, account=two.account(phone), resident=await two.resident(phone)
        )
    assert [await two.commit(work) for work in works] == [Outcome.COMMITTED, Outcome.CONFLICT]


async def test_holder_without_an_account_cannot_be_asked(two: Two) -> None:
    older = await two.resident(two.older)
    await two.database.execute("DELETE FROM account_residents WHERE resident_id = ?", [older.resident_id])
    assert await two.ask() == Asking.NOBODY


# confirming


async def test_confirmation_makes_both_accounts_one_person_with_one_resident(two: Two) -> None:
    await two.ask()
    older, claimed = await two.resident(two.older), await two.resident(two.newer)
    assert await two.confirm() == Answer.CONFIRMED
    assert len(await two.rows("SELECT DISTINCT person_id FROM accounts")) == 1
    links = await two.rows("SELECT account_id, resident_id, relation FROM account_residents")
    accounts = (two.account(two.older).id, two.account(two.newer).id)
    assert sorted(links) == sorted((each, older.resident_id, "self") for each in accounts)
    kept = await two.rows("SELECT identity FROM residents WHERE resident_id = ?", claimed.resident_id)
    assert kept == [("claimed",)]
    assert await two.rows("SELECT state FROM link_requests") == [("confirmed",)]
    assert await two.requests() == ()


async def test_who_asked_is_told_of_the_confirmation(two: Two) -> None:
    await two.ask()
    await two.confirm()
    rows = await two.rows(
        "SELECT person_id, account_id, params_sealed FROM notices WHERE kind = 'link_answered'"
    )
    [(person_id, account_id, sealed)] = rows
    assert (person_id, account_id) == (two.account(two.older).person_id, two.account(two.newer).id)
    assert two.world.keys.open_json("notices.params", sealed) == {
        "platform": "simulator",
        "outcome": "confirmed",
    }


async def test_member_of_the_newer_account_stays_guarded(two: Two) -> None:
    claimed, older = await two.resident(two.newer), await two.resident(two.older)
    work, member = Work(now=two.clock.now()), new_id()
    work.insert("residents", resident_id=member, created_at=work.now)
    work.insert(
        "account_residents", id=new_id(), account_id=two.account(two.newer).id, resident_id=member,
        relation="guardian", since=work.now,
    )  # fmt: skip
    work.insert(
        "guardianships", id=new_id(), resident_id=member, guardian_id=claimed.resident_id, state="active",
        since=work.now,
    )  # fmt: skip
    assert await two.commit(work) == Outcome.COMMITTED
    await two.ask()
    await two.confirm()
    linked = await two.rows(
        "SELECT account_id, relation FROM account_residents WHERE resident_id = ?", member
    )
    both = (two.account(two.newer).id, two.account(two.older).id)
    assert sorted(linked) == sorted((account_id, "guardian") for account_id in both)
    assert await two.rows("SELECT guardian_id, state FROM guardianships") == [(older.resident_id, "active")]


async def test_guard_of_the_older_resident_becomes_them(two: Two) -> None:
    older = await two.resident(two.older)
    work = Work(now=two.clock.now())
    work.insert(
        "account_residents", id=new_id(), account_id=two.account(two.newer).id, resident_id=older.resident_id,
        relation="guardian", since=work.now,
    )  # fmt: skip
    assert await two.commit(work) == Outcome.COMMITTED
    await two.ask()
    await two.confirm()
    linked = await two.rows(
        "SELECT relation FROM account_residents WHERE account_id = ?", two.account(two.newer).id
    )
    assert linked == [("self",)]


async def test_waiting_notices_move_and_what_both_wait_for_is_told_once(two: Two) -> None:
    await two.ask()
    await queue_notice(two, two.older, suffix="colour:1")
    both = await queue_notice(two, two.newer, suffix="colour:1")
    alone = await queue_notice(two, two.newer, suffix="colour:2", try_at=None, reason="no_account")
    failed = await queue_notice(two, two.newer, suffix="colour:3", state="failed")
    await two.confirm()
    found = {row[0]: row[1:] for row in await two.rows("SELECT id, person_id, state, try_at FROM notices")}
    person_id = two.account(two.older).person_id
    assert found[both][1] == "replaced"
    assert found[alone][:2] == (person_id, "queued")
    assert found[alone][2] is not None
    assert found[failed][:2] == (person_id, "failed")


async def test_notice_being_taken_meanwhile_makes_the_confirmation_start_again(two: Two) -> None:
    await two.ask()
    await queue_notice(two, two.older, suffix="colour:1")
    await queue_notice(two, two.newer, suffix="colour:1")
    work = Work(now=two.clock.now())
    [request] = await two.requests()
    await confirm(two.world, work, two.database, holder=await two.resident(two.older), request=request)
    await two.database.execute("UPDATE notices SET attempts = attempts + 1")
    assert await two.commit(work) == Outcome.CONFLICT
    assert await two.rows("SELECT state FROM link_requests") == [("asked",)]


async def test_declaration_on_the_newer_account_meanwhile_makes_it_start_again(two: Two) -> None:
    await two.ask()
    work = Work(now=two.clock.now())
    [request] = await two.requests()
    await confirm(two.world, work, two.database, holder=await two.resident(two.older), request=request)
    two.clock.advance(timedelta(minutes=1))
    await two.newer.say("修改证件号", OTHER, "提交")
    assert await two.commit(work) == Outcome.CONFLICT
    assert await two.confirm() == Answer.GONE


async def test_what_the_newer_account_was_filling_in_ends(two: Two) -> None:
    await two.newer.say("修改手机")
    await two.ask()
    await two.confirm()
    rows = await two.rows("SELECT form FROM dialogues WHERE account_id = ?", two.account(two.newer).id)
    assert rows == []


async def test_two_answers_at_once_are_one_answer(two: Two) -> None:
    await two.ask()
    [request] = await two.requests()
    older = await two.resident(two.older)
    yes, no = Work(now=two.clock.now()), Work(now=two.clock.now())
    await confirm(two.world, yes, two.database, holder=older, request=request)
    await deny(two.world, no, two.database, holder=older, request=request)
    assert [await two.commit(no), await two.commit(yes)] == [Outcome.COMMITTED, Outcome.CONFLICT]
    assert await two.rows("SELECT state FROM link_requests") == [("denied",)]


async def test_holder_who_is_no_longer_verified_confirms_nothing(two: Two) -> None:
    await two.ask()
    two.register.verdict = Verdict.UNAVAILABLE
    await two.older.say("修改证件号", OTHER, "提交")
    assert await two.confirm() == Answer.GONE
    assert len(await two.rows("SELECT DISTINCT person_id FROM accounts")) == 2
    assert await two.rows("SELECT state FROM link_requests") == [("expired",)]


async def test_account_that_withdrew_its_consent_is_not_joined(two: Two) -> None:
    await two.ask()
    await two.database.execute(
        "UPDATE accounts SET consent = 'withdrawn' WHERE id = ?", [two.account(two.newer).id]
    )
    assert await two.confirm() == Answer.GONE


async def test_other_requests_of_the_joined_account_end(two: Two) -> None:
    await two.ask()
    work = Work(now=two.clock.now())
    work.insert(
        "link_requests", id=new_id(), resident_id=5, person_id=6, account_id=two.account(two.newer).id,
        state="asked", asked_at=work.now, expires_at=work.now + OPEN_FOR,
    )  # fmt: skip
    assert await two.commit(work) == Outcome.COMMITTED
    await two.confirm()
    assert await two.rows("SELECT state FROM link_requests ORDER BY state") == [("confirmed",), ("expired",)]


# denying


async def test_denial_changes_nothing_and_tells_who_asked(two: Two) -> None:
    await two.ask()
    [request] = await two.requests()
    work, links = Work(now=two.clock.now()), await two.rows("SELECT * FROM account_residents ORDER BY id")
    await deny(two.world, work, two.database, holder=await two.resident(two.older), request=request)
    assert await two.commit(work) == Outcome.COMMITTED
    assert await two.rows("SELECT * FROM account_residents ORDER BY id") == links
    assert len(await two.rows("SELECT DISTINCT person_id FROM accounts")) == 2
    [(person_id, sealed)] = await two.rows(
        "SELECT person_id, params_sealed FROM notices WHERE kind = 'link_answered'"
    )
    assert person_id == two.account(two.newer).person_id
    assert two.world.keys.open_json("notices.params", sealed) == {
        "platform": "simulator",
        "outcome": "denied",
    }
    actions = await two.rows("SELECT action FROM access_log ORDER BY action")
    assert actions == [("link_asked",), ("link_denied",)]
