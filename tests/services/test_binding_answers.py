"""What becomes of a question: yes and no of members, guardians and workers, time, and never a circle."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.services.binding_answers import (
    KEPT_AFTER,
    Answered,
    ask_register_again,
    forget_unconfirmed,
    run_out,
)
from bot.services.bonds import bond_by_id, bonds_that_end
from bot.services.households import OPEN_FOR, Asked
from bot.services.links import Asking
from bot.services.links import ask as ask_link
from bot.services.real_name import Verdict
from bot.services.residents import tell_age
from bot.services.worker_scope import ActingWorker
from bot.store.database import Database
from bot.store.work import Work
from bot.store.writer import Outcome
from tests.handlers.chat.factory import FIRST, LI, Phone
from tests.services.families import Families, number

CHILD = "20120305"


@pytest.fixture
async def they(database: Database) -> Families:
    return Families(database)


async def test_yes_of_the_member_binds_and_tells_the_guardian(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2)
    assert await they.bind(guardian, member) == Answered.CONFIRMED
    assert (await they.only_bond())[1:3] == ("active", "member")
    assert await they.speaks(guardian, member)
    assert await they.told(guardian) == [("binding_changed", "confirmed")]


async def test_no_of_the_member_stands_for_a_month(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2)
    await they.ask(guardian, they.numbers[member])
    assert await they.answer(member, agrees=False) == Answered.REFUSED
    assert not await they.speaks(guardian, member)
    assert await they.told(guardian) == [("binding_changed", "refused")]
    before = await they.counts()
    assert await they.ask(guardian, they.numbers[member]) == Asked.REFUSED_LATELY
    assert await they.counts() == before
    they.wait(days=31)
    assert await they.ask(guardian, they.numbers[member]) == Asked.ASKED


async def test_answer_to_somebody_elses_question_changes_nothing(they: Families) -> None:
    guardian, member, stranger = [await they.person(order) for order in (1, 2, 3)]
    await they.ask(guardian, they.numbers[member])
    [(bond_id,)] = await they.rows("SELECT id FROM guardianships")
    for what in ("release", "remove"):
        assert await they.act(what, stranger, bond_id) == Answered.GONE
    assert (await they.only_bond())[1] == "asked"
    assert await they.answer(stranger) == Answered.GONE


async def test_answer_after_a_week_is_too_late(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2)
    await they.ask(guardian, they.numbers[member])
    they.wait(days=OPEN_FOR.days)
    assert await they.answer(member) == Answered.GONE
    assert not await they.speaks(guardian, member)


async def test_member_releases_in_one_step(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2)
    await they.bind(guardian, member)
    assert await they.act("release", member, (await they.only_bond())[0]) == Answered.ENDED
    assert not await they.speaks(guardian, member)
    assert (await they.told(guardian))[-1] == ("binding_changed", "released")
    assert await they.ask(guardian, they.numbers[member]) == Asked.REFUSED_LATELY


async def test_guardian_removes_a_member_who_keeps_their_codes(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2, CHILD))
    before = await they.counts()
    assert await they.act("remove", guardian, (await they.only_bond())[0]) == Answered.ENDED
    after = await they.counts()
    assert after["health_codes"] == before["health_codes"]
    assert after["residents"] == before["residents"]
    assert after["account_residents"] == before["account_residents"] - 1


async def test_question_taken_back_closes_the_follow_up(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    assert await they.act("remove", guardian, (await they.only_bond())[0]) == Answered.WITHDRAWN
    assert await they.rows("SELECT state, closed_why FROM follow_ups") == [("closed", "ended")]


async def test_end_of_a_guardian_with_two_phones_silences_both(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2)
    first = they.accounts[guardian].id
    await they.database.execute(
        "INSERT INTO accounts (id, person_id, channel, external_index, external_sealed, consent, created_at)"
        " VALUES (5, ?, 'alipay', 'i:5', ?, 'given', ?)",
        [first, b"s", they.clock.now()],
    )
    await they.database.execute(
        "INSERT INTO account_residents (id, account_id, resident_id, relation, since) VALUES (6, 5, ?, 'self', ?)",
        [guardian, they.clock.now()],
    )
    await they.bind(guardian, member)
    spoken = "SELECT account_id FROM account_residents WHERE resident_id = ? AND relation = 'guardian'"
    assert sorted(await they.rows(spoken, member)) == sorted([(5,), (first,)])
    await they.act("remove", guardian, (await they.only_bond())[0])
    assert await they.rows(spoken, member) == []


# -- workers -------------------------------------------------------------------------------------------------


async def test_worker_confirms_and_the_member_is_verified(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    assert await they.by_worker() == Answered.CONFIRMED
    [(member, _, state, _)] = await they.bonds()
    assert state == "active"
    assert await they.speaks(guardian, member)
    assert await they.rows("SELECT identity, verified_by FROM residents WHERE resident_id = ?", member) == [
        ("verified", "worker")
    ]
    assert await they.rows("SELECT state, closed_why FROM follow_ups") == [("closed", "worker")]
    assert await they.rows(
        "SELECT actor_kind, actor_id, action, why FROM access_log WHERE resident_id = ?", member
    ) == [("worker", 7, "binding_confirmed", "saw_document")]
    assert await they.told(guardian) == [("binding_changed", "confirmed")]


async def test_worker_of_another_place_can_do_nothing(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    stranger = ActingWorker(8, "community_worker", "44")
    for yes in (True, False):
        assert await they.by_worker(yes=yes, worker=stranger) == Answered.OUT_OF_SCOPE
    assert (await they.bonds())[0][2] == "asked"


async def test_refusal_of_a_worker_reads_like_that_of_a_member(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    assert await they.by_worker(yes=False) == Answered.REFUSED
    assert await they.told(guardian) == [("binding_changed", "refused")]
    assert await they.ask(guardian, number(2)) == Asked.REFUSED_LATELY


async def test_confirmed_document_of_somebody_with_a_phone_asks_them(they: Families) -> None:
    guardian, member = await they.person(1), await they.person(2, name="李大爷")
    await they.ask(guardian, they.numbers[member], name="李大姐")
    assert await they.by_worker() == Answered.ASKED_MEMBER
    assert (member, guardian, "asked", "member") in await they.bonds()
    assert not await they.speaks(guardian, member)
    assert await they.answer(member) == Answered.CONFIRMED
    assert await they.speaks(guardian, member)


# -- the register, later, and time ---------------------------------------------------------------------------


async def again(they: Families) -> Answered:
    bond = await bond_by_id(they.database, (await they.only_bond())[0])
    assert bond is not None
    member, work = await they.resident(bond.resident_id), Work(now=they.clock.now())
    tell_age(they.world.keys, member, they.clock.now())
    answered = await ask_register_again(they.world, work, they.database, bond=bond, member=member)
    assert await they.commit(work) == Outcome.COMMITTED
    return answered


@pytest.mark.parametrize(
    ("verdict", "answered", "state"),
    [
        (Verdict.UNAVAILABLE, Answered.STILL_AWAY, "asked"),
        (Verdict.MATCH, Answered.CONFIRMED, "active"),
        (Verdict.MISMATCH, Answered.REFUSED, "refused"),
    ],
)
async def test_register_that_is_back_settles_the_child(
    they: Families, verdict: Verdict, answered: Answered, state: str
) -> None:
    guardian = await they.person(1)
    they.away()
    await they.ask(guardian, number(2, CHILD))
    they.register.verdict = verdict
    assert await again(they) == answered
    assert (await they.only_bond())[1] == state
    assert await they.speaks(guardian, (await they.bonds())[0][0]) == (state == "active")


async def end_all(they: Families) -> list[Answered]:
    answers = []
    for bond in await bonds_that_end(they.database, they.clock.now()):
        work = Work(now=they.clock.now())
        answers.append(await run_out(they.world, work, they.database, bond))
        assert await they.commit(work) == Outcome.COMMITTED
    return answers


async def test_child_that_comes_of_age_is_released_on_its_birthday(they: Families) -> None:
    guardian = await they.person(1)
    assert await they.ask(guardian, number(2, "20020222")) == Asked.ACTIVE
    member = (await they.bonds())[0][0]
    they.wait(days=1, hours=14, minutes=59)
    assert await end_all(they) == []
    they.wait(minutes=1)
    assert await end_all(they) == [Answered.ENDED]
    assert (await they.only_bond())[1:] == ("ended", "register", "of_age")
    assert not await they.speaks(guardian, member)
    assert await they.told(guardian) == [("binding_changed", "of_age")]


async def test_unanswered_question_expires_and_its_data_go_after_a_month(they: Families) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    member = (await they.bonds())[0][0]
    they.wait(days=7)
    assert await end_all(they) == [Answered.WITHDRAWN]
    assert await they.told(guardian) == [("binding_changed", "expired")]
    work = Work(now=they.clock.now())
    assert await forget_unconfirmed(work, they.database) == 0
    they.wait(days=KEPT_AFTER.days)
    work = Work(now=they.clock.now())
    assert await forget_unconfirmed(work, they.database) == 1
    assert await they.commit(work) == Outcome.COMMITTED
    assert await they.rows(
        "SELECT name_sealed, certificate_index, address_sealed FROM residents WHERE resident_id = ?", member
    ) == [(None, None, None)]
    assert await they.rows("SELECT id FROM declarations") == []


# -- circles -------------------------------------------------------------------------------------------------


async def test_circle_of_three_is_refused_when_it_would_close(they: Families) -> None:
    one, two, three = [await they.person(order) for order in (1, 2, 3)]
    assert await they.bind(one, two) == Answered.CONFIRMED
    assert await they.bind(two, three) == Answered.CONFIRMED
    assert await they.bind(three, one) == Answered.CIRCULAR
    assert not await they.speaks(three, one)


async def test_two_answers_at_once_cannot_close_a_circle_together(they: Families) -> None:
    one, two, three, four = [await they.person(order) for order in (1, 2, 3, 4)]
    await they.bind(one, two)
    await they.bind(three, four)
    await they.ask(two, they.numbers[three])
    await they.ask(four, they.numbers[one])
    first, second = await they.prepare_answer(three), await they.prepare_answer(one)
    assert [first[0], second[0]] == [Answered.CONFIRMED, Answered.CONFIRMED]
    outcomes = await asyncio.gather(they.commit(first[1]), they.commit(second[1]))
    assert sorted(outcomes) == [Outcome.COMMITTED, Outcome.CONFLICT]
    late = three if outcomes[1] == Outcome.COMMITTED else one
    assert await they.answer(late) == Answered.CIRCULAR


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "yes", "no", "release", "remove"]), st.integers(0, 4), st.integers(0, 4)
    ),
    min_size=5,
    max_size=25,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
async def test_no_sequence_of_acts_makes_a_circle_or_passes_the_limit(
    database: Database, acts: list[tuple[str, int, int]]
) -> None:
    for table in ("residents", "guardianships", "account_residents", "accounts", "notices", "access_log"):
        await database.execute(f"DELETE FROM {table}")
    they = Families(database, limit=2)
    people = [await they.person(order) for order in range(1, 6)]
    for what, first, second in acts:
        one, other = people[first], people[second]
        if what == "ask":
            await they.ask(one, they.numbers[other])
        elif what in ("yes", "no"):
            await they.answer(one, agrees=what == "yes")
        else:
            for (bond_id,) in await they.rows("SELECT id FROM guardianships ORDER BY id"):
                await they.act(what, one, bond_id)
    edges = [(row[1], row[0]) for row in await they.bonds() if row[2] == "active"]
    assert not has_circle(edges)
    standing = [row[1] for row in await they.bonds() if row[2] in ("asked", "active")]
    assert all(standing.count(each) <= 2 for each in people)
    for guardian in people:
        for member in people:
            assert await they.speaks(guardian, member) == ((guardian, member) in edges)


def has_circle(edges: list[tuple[int, int]]) -> bool:
    """Whether taking away whoever has no guardian, again and again, leaves anybody."""
    left = list(edges)
    while left:
        members = {member for _, member in left}
        fewer = [edge for edge in left if edge[0] in members]
        if len(fewer) == len(left):
            return True
        left = fewer
    return False


# -- one's own account, later --------------------------------------------------------------------------------


async def test_member_who_verifies_on_a_phone_takes_their_own_row_over(they: Families) -> None:
    guardian = await they.person(1)
    assert await they.ask(guardian, LI["certificate"], name=LI["name"]) == Asked.ASKED
    assert await they.by_worker() == Answered.CONFIRMED
    [(member, _, _, _)] = await they.bonds()
    phone = Phone(they.database, user="li", world=they.world, clock=they.clock)
    await phone.say(*FIRST, "提交")
    assert phone.ctx.resident is not None
    own = await they.resident(phone.ctx.resident.resident_id)
    assert own.resident_id != member
    work = Work(now=they.clock.now())
    asked = await ask_link(they.world, work, they.database, account=phone.ctx.account, resident=own)
    assert asked == Asking.TAKEN_OVER
    assert await they.commit(work) == Outcome.COMMITTED
    await phone.say("你好")
    assert phone.ctx.resident is not None
    assert phone.ctx.resident.resident_id == member
    assert await they.speaks(guardian, member)
    assert (await they.only_bond())[1] == "active"
