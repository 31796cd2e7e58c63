"""Asking to report for somebody: who may, whom, what everybody hears, and what is left behind by a no."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from bot.services.guardians import guardians_of, masked_name, members_of, of_age_at
from bot.services.households import ASKS_A_DAY, TRIES_A_DAY, Asked
from bot.services.real_name import Verdict
from bot.store.database import Database
from bot.store.writer import Outcome
from tests.services.families import Families, number

CHILD = "20120305"


@pytest.fixture
async def they(database: Database) -> Families:
    return Families(database)


async def test_member_with_an_account_is_asked_and_nobody_speaks_for_them_yet(they: Families) -> None:
    guardian, member = await they.person(1, name="王强"), await they.person(2)
    assert await they.ask(guardian, they.numbers[member]) == Asked.ASKED
    assert await they.bonds() == [(member, guardian, "asked", "member")]
    assert await they.told(member) == [("binding_asked", "")]
    assert not await they.speaks(guardian, member)
    assert await they.rows("SELECT id FROM follow_ups") == []


async def test_unknown_number_becomes_a_claimed_row_and_work_for_the_community(they: Families) -> None:
    guardian = await they.person(1, name="王强")
    assert await they.ask(guardian, number(2)) == Asked.ASKED
    [(member, _, state, waits_for)] = await they.bonds()
    assert (state, waits_for) == ("asked", "worker")
    assert await they.rows("SELECT identity FROM residents WHERE resident_id = ?", member) == [("claimed",)]
    assert await they.rows("SELECT resident_id, reason, state, division FROM follow_ups") == [
        (member, "binding", "open", "420102")
    ]
    assert not await they.speaks(guardian, member)
    assert await they.rows("SELECT id FROM health_codes") == []


async def test_known_without_an_account_waits_for_a_worker_on_the_same_row(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2, phone=False)
    assert await they.ask(guardian, they.numbers[member]) == Asked.ASKED
    assert await they.bonds() == [(member, guardian, "asked", "worker")]


async def test_number_with_another_name_reaches_nobody(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2, name="李大爷")
    assert await they.ask(guardian, they.numbers[member], name="王大爷") == Asked.ASKED
    [(asked_about, _, _, waits_for)] = await they.bonds()
    assert asked_about != member
    assert waits_for == "worker"
    assert await they.told(member) == []


async def test_somebody_only_claimed_is_never_reached_by_their_number(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2, verified=False)
    assert await they.ask(guardian, they.numbers[member]) == Asked.ASKED
    assert [bond[0] for bond in await they.bonds()] != [member]
    assert await they.told(member) == []


@pytest.mark.parametrize("what", ["claimed", "minor"])
async def test_guardian_is_verified_and_of_age(they: Families, what: str) -> None:
    born = CHILD if what == "minor" else "19700101"
    guardian = await they.person(1, verified=what != "claimed", born=born)
    before = await they.counts()
    refusal = {"claimed": Asked.NOT_VERIFIED, "minor": Asked.TOO_YOUNG}[what]
    assert await they.ask(guardian, number(2)) == refusal
    assert await they.counts() == before


async def test_binding_oneself_saves_nothing(they: Families) -> None:
    guardian = await they.person(1)
    before = await they.counts()
    assert await they.ask(guardian, they.numbers[guardian]) == Asked.ONESELF
    assert await they.counts() == before


@pytest.mark.parametrize("known", [True, False])
async def test_same_member_twice_is_a_duplicate_known_or_not(they: Families, known: bool) -> None:
    guardian = await they.person(1)
    if known:
        await they.person(2)
    await they.ask(guardian, number(2))
    before = await they.counts()
    assert await they.ask(guardian, number(2)) == Asked.DUPLICATE
    assert await they.counts() == before


async def test_who_reports_for_the_guardian_is_not_bound_the_other_way(they: Families) -> None:
    one, other = await they.person(1), await they.person(2)
    await they.bind(one, other)
    before = await they.counts()
    assert await they.ask(other, they.numbers[one]) == Asked.CIRCULAR
    assert await they.counts() == before


async def test_no_more_members_than_the_policy_says(database: Database) -> None:
    they = Families(database, limit=2)
    guardian = await they.person(1)
    for order in (2, 3):
        assert await they.ask(guardian, number(order)) == Asked.ASKED
    before = await they.counts()
    assert await they.ask(guardian, number(4)) == Asked.FULL
    assert await they.counts() == before


async def test_fifty_members_are_never_bound(they: Families) -> None:
    guardian, outcomes = await they.person(1), []
    for order in range(2, 52):
        outcomes.append(await they.ask(guardian, number(order)))
        they.wait(hours=3)
    assert outcomes.count(Asked.ASKED) == 10
    assert set(outcomes[10:]) == {Asked.FULL}


async def test_only_so_many_are_asked_on_one_day(database: Database) -> None:
    they = Families(database, limit=50)
    guardian = await they.person(1)
    outcomes = [await they.ask(guardian, number(order)) for order in range(2, ASKS_A_DAY + 3)]
    assert outcomes == [Asked.ASKED] * ASKS_A_DAY + [Asked.TOO_MANY]
    they.wait(days=1)
    assert await they.ask(guardian, number(99)) == Asked.ASKED


async def test_two_wishes_at_once_cannot_pass_the_limit(database: Database) -> None:
    they = Families(database, limit=1)
    guardian = await they.person(1)
    first, second = [await they.prepare(guardian, number(order)) for order in (2, 3)]
    assert [first[0], second[0]] == [Asked.ASKED, Asked.ASKED]
    outcomes = await asyncio.gather(they.commit(first[1]), they.commit(second[1]))
    assert sorted(outcomes) == [Outcome.COMMITTED, Outcome.CONFLICT]
    assert len(await they.bonds()) == 1
    assert await they.ask(guardian, number(4)) == Asked.FULL


# -- children ------------------------------------------------------------------------------------------------


async def test_child_whom_the_register_knows_is_bound_at_once(they: Families) -> None:
    guardian = await they.person(1)
    assert await they.ask(guardian, number(2, CHILD), label="大宝") == Asked.ACTIVE
    [(member, _, state, waits_for)] = await they.bonds()
    assert (state, waits_for) == ("active", "")
    assert await they.speaks(guardian, member)
    assert await they.rows("SELECT identity FROM residents WHERE resident_id = ?", member) == [("verified",)]
    [found] = await members_of(they.database, they.world.keys, guardian)
    assert (found.label, found.resident_id, found.minor_on(date(2020, 2, 20))) == ("大宝", member, True)
    assert await they.rows("SELECT count(DISTINCT household_id) FROM residents") == [(1,)]


async def test_child_of_two_guardians_stays_one_resident(they: Families) -> None:
    mother, father = await they.person(1), await they.person(2)
    for guardian in (mother, father):
        assert await they.ask(guardian, number(3, CHILD)) == Asked.ACTIVE
    assert len({bond[0] for bond in await they.bonds()}) == 1
    assert all([await they.speaks(each, (await they.bonds())[0][0]) for each in (mother, father)])


async def test_child_with_a_phone_is_asked_itself(they: Families) -> None:
    guardian, child = await they.person(1), await they.person(2, born="20050305")
    assert await they.ask(guardian, they.numbers[child]) == Asked.ASKED
    assert await they.bonds() == [(child, guardian, "asked", "member")]


async def test_mismatch_saves_nothing_but_the_try_and_tries_are_limited(they: Families) -> None:
    guardian = await they.person(1)
    they.register.verdict = Verdict.MISMATCH
    before = await they.counts()
    outcomes = [await they.ask(guardian, number(order, CHILD)) for order in range(2, TRIES_A_DAY + 3)]
    assert outcomes == [Asked.MISMATCH] * TRIES_A_DAY + [Asked.TOO_MANY]
    assert await they.counts() == before
    assert len(they.register.asked) == TRIES_A_DAY


async def test_register_that_is_away_leaves_the_child_to_a_worker(they: Families) -> None:
    guardian = await they.person(1)
    they.away()
    assert await they.ask(guardian, number(2, CHILD)) == Asked.REGISTER_AWAY
    [(member, _, state, waits_for)] = await they.bonds()
    assert (state, waits_for) == ("asked", "worker")
    assert not await they.speaks(guardian, member)


async def test_codes_of_the_guardian_are_taken_and_scored(they: Families) -> None:
    guardian = await they.person(1)
    await they.database.execute(
        "INSERT INTO health_codes (id, resident_id, scheme, colour, state, since, version, assessment, held_since)"
        " VALUES (1, ?, 'hubei', 'green', 'decided', ?, '', '{}', ?)",
        [guardian, they.clock.now(), they.clock.now()],
    )
    await they.ask(guardian, number(2, CHILD))
    member = (await they.bonds())[0][0]
    rows = await they.rows("SELECT scheme, assessment FROM health_codes WHERE resident_id = ?", member)
    assert [row[0] for row in rows] == ["hubei"]
    assert rows[0][1] != "{}"


async def test_child_that_is_not_well_waits_for_a_declaration(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2, CHILD), well=False)
    member = (await they.bonds())[0][0]
    assert await they.rows("SELECT declared_at FROM residents WHERE resident_id = ?", member) == [(None,)]
    assert await they.rows("SELECT id FROM declarations") == []


async def test_member_elsewhere_gets_their_own_home(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2), home=("440104", "东山口 5号 601"))
    member = (await they.bonds())[0][0]
    found = await they.rows("SELECT division, household_id FROM residents WHERE resident_id = ?", member)
    assert found == [("440104", None)]


# -- what others see -----------------------------------------------------------------------------------------


async def test_member_sees_a_masked_name_and_the_end_of_a_number(they: Families) -> None:
    guardian, member = await they.person(1, name="王建国"), await they.person(2)
    await they.ask(guardian, they.numbers[member])
    [found] = await guardians_of(they.database, they.world.keys, member)
    assert (found.who, found.tail) == ("王**", "0001")
    assert "王建国" not in repr(found)


def test_masked_name_does_not_tell_its_length() -> None:
    assert masked_name("王强") == masked_name("王建国民") == "王**"


def test_child_of_a_leap_day_comes_of_age_in_march() -> None:
    at = of_age_at(date(2004, 2, 29), "Asia/Shanghai")
    assert at is not None
    assert at.isoformat() == "2022-02-28T16:00:00+00:00"


async def test_workers_in_scope_hear_of_it_without_a_name(they: Families) -> None:
    guardian, worker, other = await they.person(1), await they.person(8), await they.person(9)
    for number_, (resident, scope) in enumerate(((worker, "4201"), (other, "44")), start=1):
        await they.database.execute(
            "INSERT INTO workers (id, account_id, role, scope, invited_at, accepted_at) VALUES (?, ?, 'w', ?, ?, ?)",
            [number_, they.accounts[resident].id, scope, they.clock.now(), they.clock.now()],
        )
    await they.ask(guardian, number(2))
    assert await they.told(worker) == [("follow_up", "")]
    assert await they.told(other) == []
