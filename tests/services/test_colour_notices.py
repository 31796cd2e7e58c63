"""A worse colour is told at once, any other change after it has settled, and only the last one of a code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.notices.outbox import CONTEXT
from bot.services.colour_notices import (
    Unsent,
    changes_in,
    guardians_in,
    is_worse,
    notify_changes,
    persons_of,
    speakers_of,
    unsent_of,
)
from bot.services.rescore import Change
from bot.store.database import Database
from bot.store.work import Work, Write
from bot.store.writer import Outcome
from tests.conversation.world import keys, make_world
from tests.fakes.clock import MORNING
from tests.notices.persons import Persons
from tests.services.stored import Stores

PERSON, RESIDENT = 5, 7


def change(old: str | None, new: str, *, scheme: str = "hubei", state: str = "decided") -> Change:
    return Change(scheme, old, None if old is None else "decided", new, state)


def recorded(*changes: Change, unsent: tuple[Unsent, ...] = ()) -> list[Write]:
    work = Work(now=MORNING)
    notify_changes(
        make_world(), work, resident_id=RESIDENT, changes=changes, person_ids=[PERSON], unsent=unsent
    )
    return work.writes


@pytest.mark.parametrize(
    ("old", "new", "worse"),
    [
        ("green", "yellow", True),
        ("green", "red", True),
        ("yellow", "red", True),
        ("red", "yellow", False),
        ("yellow", "green", False),
        ("red", "grey", False),
        ("grey", "green", False),
        ("grey", "red", True),
        ("green", "grey", False),
    ],
)
def test_worse_goes_at_once_and_the_rest_waits_ten_minutes(old: str, new: str, worse: bool) -> None:
    (write,) = recorded(change(old, new))
    assert is_worse(change(old, new)) is worse
    assert write.row["priority"] == int(worse)
    assert write.row["not_before"] == (MORNING if worse else MORNING + timedelta(minutes=10))


def test_first_colour_of_a_code_is_not_a_change() -> None:
    assert recorded(change(None, "red")) == []


def test_notice_says_scheme_and_colours_and_nothing_else() -> None:
    (write,) = recorded(change("green", "red"))
    params = make_world().keys.open_json(CONTEXT, write.row["params_sealed"])
    assert params == {"changes": [["hubei", "green", "decided", "red", "decided"]]}


def test_changes_of_one_unit_of_work_are_told_as_one() -> None:
    (write,) = recorded(change("green", "yellow"), change("yellow", "red"))
    params = make_world().keys.open_json(CONTEXT, write.row["params_sealed"])
    assert params["changes"] == [["hubei", "green", "decided", "red", "decided"]]


def test_change_that_is_undone_in_the_same_unit_of_work_is_not_told() -> None:
    assert recorded(change("green", "yellow"), change("yellow", "green")) == []


def test_several_codes_are_told_in_one_message_the_worst_first() -> None:
    (write,) = recorded(change("red", "green"), change("green", "red", scheme="wuhan"))
    params = make_world().keys.open_json(CONTEXT, write.row["params_sealed"])
    assert [each[0] for each in params["changes"]] == ["wuhan", "hubei"]
    assert write.row["priority"] == 1


def test_later_change_takes_up_what_was_not_sent_yet() -> None:
    earlier = Unsent(
        1, RESIDENT, PERSON, 0, (change("yellow", "green", scheme="wuhan"), change("yellow", "red"))
    )
    replaced, told = recorded(change("red", "green"), unsent=(earlier,))
    assert (replaced.verb, replaced.row["id"], replaced.row["state"]) == ("update", 1, "replaced")
    params = make_world().keys.open_json(CONTEXT, told.row["params_sealed"])
    assert sorted((each[0], each[1], each[3]) for each in params["changes"]) == [
        ("hubei", "yellow", "green"), ("wuhan", "yellow", "green"),
    ]  # fmt: skip


def test_colour_that_is_back_where_it_was_is_told_to_nobody_who_heard_nothing() -> None:
    earlier = Unsent(1, RESIDENT, PERSON, 0, (change("green", "yellow"),))
    writes = recorded(change("yellow", "green"), unsent=(earlier,))
    assert [write.verb for write in writes] == ["update"]


def test_notice_to_somebody_else_is_not_merged_into_mine() -> None:
    other = Unsent(1, RESIDENT, 99, 0, (change("green", "yellow", scheme="wuhan"),))
    _, told = recorded(change("red", "green"), unsent=(other,))
    params = make_world().keys.open_json(CONTEXT, told.row["params_sealed"])
    assert [each[0] for each in params["changes"]] == ["hubei"]


def acting(*unsent: Unsent) -> list[Write]:
    """What is recorded where that person reads of hubei's change in the answer."""
    work = Work(now=MORNING)
    notify_changes(
        make_world(), work, resident_id=RESIDENT, changes=[change("green", "red")], person_ids=[PERSON],
        unsent=unsent, acting=PERSON,
    )  # fmt: skip
    return work.writes


def test_whoever_acts_still_hears_of_the_codes_that_the_answer_does_not_tell() -> None:
    other = Unsent(1, RESIDENT, PERSON, 0, (change("green", "yellow", scheme="wuhan"),))
    assert acting(other) == []
    both = Unsent(2, RESIDENT, PERSON, 0, (change("green", "yellow", scheme="wuhan"), change("red", "green")))
    replaced, told = acting(both)
    assert (replaced.row["id"], replaced.row["state"]) == (2, "replaced")
    params = make_world().keys.open_json(CONTEXT, told.row["params_sealed"])
    assert [each[0] for each in params["changes"]] == ["wuhan"]


async def test_notice_that_can_not_be_opened_stops_no_re_score(database: Database) -> None:
    stores = Stores(database)
    resident_id = await stores.add()
    work = Work(now=MORNING)
    notify_changes(
        stores.world, work, resident_id=resident_id, changes=[change("red", "green")], person_ids=[PERSON]
    )  # fmt: skip
    await stores.writer.commit(work)
    await database.execute("UPDATE notices SET params_sealed = ?", [b"damaged"])
    assert await unsent_of(database, stores.world.keys, [resident_id]) == {}


def test_notice_of_an_earlier_version_is_still_understood() -> None:
    assert changes_in({"scheme": "hubei", "old": "green", "new": "red"}) == [
        ["hubei", "green", "decided", "red", "decided"]
    ]


async def test_notice_that_is_being_sent_makes_the_change_be_worked_out_anew(database: Database) -> None:
    stores = Stores(database)
    resident_id = await stores.add()
    (person_id,) = (await persons_of(database, [resident_id]))[resident_id]
    first = Work(now=MORNING)
    notify_changes(
        stores.world, first, resident_id=resident_id, changes=[change("red", "green")], person_ids=[person_id]
    )  # fmt: skip
    await stores.writer.commit(first)
    unsent = (await unsent_of(database, stores.world.keys, [resident_id]))[resident_id]
    assert [(each.changes[0].scheme, each.attempts) for each in unsent] == [("hubei", 0)]
    await database.execute("UPDATE notices SET attempts = 1, state = 'sending'")
    second = Work(now=MORNING + timedelta(minutes=1))
    notify_changes(
        stores.world, second, resident_id=resident_id, changes=[change("green", "red")],
        person_ids=[person_id], unsent=unsent,
    )  # fmt: skip
    assert await stores.writer.commit(second) == Outcome.CONFLICT
    assert await stores.rows("SELECT state FROM notices ORDER BY created_at") == [("sending",)]
    assert await unsent_of(database, stores.world.keys, [resident_id]) == {}


async def test_persons_of_a_member_are_all_who_speak_for_them(database: Database) -> None:
    stores = Stores(database)
    alone, member = await stores.add(), await stores.add(accounts=2)
    found = await persons_of(database, [alone, member, 1])
    assert {resident_id: len(accounts) for resident_id, accounts in found.items()} == {alone: 1, member: 2}


async def test_colour_of_a_member_is_not_told_as_the_guardians_own(database: Database) -> None:
    persons = Persons(database)
    guardian, own = await persons.account(), await persons.account()
    member = await persons.resident(own)
    await persons.resident(guardian, "guardian", resident_id=member)

    speakers = (await speakers_of(database, [member]))[member]
    assert speakers == {guardian: False, own: True}
    work = Work(now=MORNING)
    notify_changes(
        make_world(),
        work,
        resident_id=member,
        changes=[change("green", "red")],
        person_ids=speakers,
        guardians=guardians_in(speakers),
    )
    said = {
        write.row["person_id"]: keys().open_json("notices.params", write.row["params_sealed"])
        for write in work.writes
    }
    assert said[guardian]["member"] is True
    assert "member" not in said[own]
