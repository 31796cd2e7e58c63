"""A worse colour is told at once, any other change after it has settled, and only the last one of a code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.notices.outbox import CONTEXT
from bot.services.colour_notices import Unsent, accounts_of, is_worse, notify_changes, unsent_of
from bot.services.rescore import Change
from bot.store.database import Database
from bot.store.work import Work, Write
from tests.conversation.world import make_world
from tests.fakes.clock import MORNING
from tests.services.stored import Stores

ACCOUNT, RESIDENT = 5, 7


def change(old: str | None, new: str, *, scheme: str = "hubei", state: str = "decided") -> Change:
    return Change(scheme, old, None if old is None else "decided", new, state)


def recorded(*changes: Change, unsent: tuple[Unsent, ...] = ()) -> list[Write]:
    work = Work(now=MORNING)
    notify_changes(
        make_world(), work, resident_id=RESIDENT, changes=changes, account_ids=[ACCOUNT], unsent=unsent
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
    assert params == {"scheme": "hubei", "old": "green", "new": "red"}


def test_changes_of_one_unit_of_work_are_told_as_one() -> None:
    (write,) = recorded(change("green", "yellow"), change("yellow", "red"))
    params = make_world().keys.open_json(CONTEXT, write.row["params_sealed"])
    assert (params["old"], params["new"]) == ("green", "red")


def test_change_that_is_undone_in_the_same_unit_of_work_is_not_told() -> None:
    assert recorded(change("green", "yellow"), change("yellow", "green")) == []


def test_later_change_replaces_what_was_not_sent_of_the_same_code() -> None:
    earlier = (Unsent(1, RESIDENT, "hubei", 0), Unsent(2, RESIDENT, "wuhan", 0))
    writes = recorded(change("red", "green"), unsent=earlier)
    assert [(write.verb, write.row.get("id"), write.row["state"]) for write in writes[:1]] == [
        ("update", 1, "replaced")
    ]
    assert [write.verb for write in writes] == ["update", "ignore"]


async def test_notice_being_sent_is_not_replaced_any_more(database: Database) -> None:
    stores = Stores(database)
    resident_id = await stores.add()
    (account_id,) = (await accounts_of(database, [resident_id]))[resident_id]
    first = Work(now=MORNING)
    notify_changes(
        stores.world, first, resident_id=resident_id, changes=[change("red", "green")], account_ids=[account_id]
    )  # fmt: skip
    await stores.writer.commit(first)
    unsent = (await unsent_of(database, [resident_id]))[resident_id]
    assert [(each.scheme, each.attempts) for each in unsent] == [("hubei", 0)]
    await database.execute("UPDATE notices SET attempts = 1, state = 'sending'")
    second = Work(now=MORNING + timedelta(minutes=1))
    notify_changes(
        stores.world, second, resident_id=resident_id, changes=[change("green", "red")],
        account_ids=[account_id], unsent=unsent,
    )  # fmt: skip
    await stores.writer.commit(second)
    assert await stores.rows("SELECT state FROM notices ORDER BY created_at") == [("sending",), ("queued",)]
    assert len(await unsent_of(database, [resident_id])) == 1


async def test_accounts_of_a_member_are_all_who_speak_for_them(database: Database) -> None:
    stores = Stores(database)
    alone, member = await stores.add(), await stores.add(accounts=2)
    found = await accounts_of(database, [alone, member, 1])
    assert {resident_id: len(accounts) for resident_id, accounts in found.items()} == {alone: 1, member: 2}
