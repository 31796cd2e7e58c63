"""Who gets which notice to send: each one once, each person's in their order, and no app before the others."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.notices import leftovers
from bot.notices.claims import Claims, Room, Taken
from bot.notices.outbox import CONTEXT
from bot.store.database import Database, Session
from tests.conversation.world import keys
from tests.notices.sending import Desk

OFFICIAL, MINI = "wechat_official", "wechat_mini"


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def claims(desk: Desk, owner: str = "one") -> Claims:
    return Claims(desk.database, desk.reachability, owner=owner)


async def take(desk: Desk, by: Claims, total: int = 10, **channels: int) -> Taken:
    """One look, in a transaction of its own."""
    room = Room(total, channels or {OFFICIAL: total})

    async def body(session: Session) -> Taken:
        return await by.take(session, room, now=desk.clock.now(), wire=desk.clock.wire())

    return await desk.database.transaction(body)


def texts(desk: Desk, taken: Taken) -> list[str]:
    return [keys().open_json(CONTEXT, notice.params_sealed)["text"] for notice, _ in taken.claimed]


async def test_first_notice_of_each_person_is_claimed_and_no_second(desk: Desk) -> None:
    li, wang = await desk.somebody("li"), await desk.somebody("wang")
    await desk.queue_in_turn(li, ["li 1", "li 2"])
    await desk.queue_in_turn(wang, ["wang 1"])
    one = claims(desk)
    assert sorted(texts(desk, await take(desk, one))) == ["li 1", "wang 1"]
    assert texts(desk, await take(desk, one)) == []


async def test_claim_says_who_sends_how_and_until_when(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue(li, "hello")
    ((notice, channel),) = (await take(desk, claims(desk))).claimed
    rows = await desk.rows("SELECT state, owner, attempts, way, channel, account_id FROM notices")
    assert rows == [("sending", "one", 1, "customer_service", OFFICIAL, li)]
    assert (notice.attempts, channel.account_id) == (1, li)


async def test_urgent_notice_goes_before_older_ones(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue_in_turn(li, ["older"])
    await desk.queue(li, "urgent", priority=1)
    assert texts(desk, await take(desk, claims(desk))) == ["urgent"]


async def test_urgent_notices_of_others_are_claimed_first(desk: Desk) -> None:
    for number in range(5):
        await desk.queue_in_turn(await desk.somebody(f"p{number}"), [f"normal {number}"])
    await desk.queue(await desk.somebody("li"), "urgent", priority=1)
    assert texts(desk, await take(desk, claims(desk), total=1)) == ["urgent"]


async def test_notice_that_is_not_due_is_left_alone(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue(li, "later", try_at=desk.clock.now() + timedelta(seconds=1))
    await desk.queue(li, "some time", try_at=None)
    assert (await take(desk, claims(desk))).claimed == []


async def test_retried_notice_holds_back_later_ones_and_not_an_urgent_one(desk: Desk) -> None:
    li = await desk.somebody("li")
    soon = desk.clock.now() + timedelta(seconds=30)
    await desk.queue(
        li,
        "retried",
        created_at=desk.clock.now() - timedelta(hours=1),
        try_at=soon,
        failures=1,
        way="template",
    )
    await desk.queue(li, "later")
    one = claims(desk)
    assert texts(desk, await take(desk, one)) == []
    await desk.queue(li, "urgent", priority=1)
    assert texts(desk, await take(desk, one)) == ["urgent"]


async def test_notice_that_waits_for_its_apps_pause_holds_nobody_back(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue(
        li, "paused", created_at=desk.clock.now() - timedelta(hours=1),
        try_at=desk.clock.now() + timedelta(hours=1), failures=1,
    )  # fmt: skip
    await desk.queue(li, "later")
    assert texts(desk, await take(desk, claims(desk))) == ["later"]


async def test_notice_that_is_too_old_expires_and_frees_the_next(desk: Desk) -> None:
    li = await desk.somebody("li")
    await desk.queue_in_turn(li, ["old"], expires_at=desk.clock.now())
    await desk.queue(li, "new")
    one = claims(desk)
    taken = await take(desk, one)
    assert [notice.kind for notice in taken.expired] == ["result"]
    assert texts(desk, taken) == ["new"]
    assert await desk.states() == [("expired", "too_old"), ("sending", "")]


async def test_notice_of_a_kind_that_is_unknown_here_fails_alone(desk: Desk) -> None:
    li, wang = await desk.somebody("li"), await desk.somebody("wang")
    await desk.queue_in_turn(li, ["strange"], kind="from_the_future")
    await desk.queue(wang, "fine")
    taken = await take(desk, claims(desk))
    assert texts(desk, taken) == ["fine"]
    assert await desk.states() == [("failed", "no_words"), ("sending", "")]


async def test_unreachable_person_waits_for_an_event_with_the_reason(desk: Desk) -> None:
    li = await desk.somebody("li", window_until=None)
    await desk.queue(li, "hello", failures=2, way="customer_service")
    taken = await take(desk, claims(desk))
    assert (taken.claimed, taken.deferred) == ([], 1)
    rows = await desk.rows("SELECT state, reason, try_at IS NULL, attempts, way FROM notices")
    assert rows == [("queued", "window_closed", True, 0, "")]


async def test_pause_of_the_platform_defers_until_its_end(desk: Desk) -> None:
    li = await desk.somebody("li")
    until = desk.clock.wire() + timedelta(minutes=20)
    await desk.platform("wechat_official:app", paused_until=until)
    await desk.queue(li, "hello")
    one = claims(desk)
    assert (await take(desk, one)).deferred == 1
    desk.advance(minutes=19)
    assert (await take(desk, one)).deferred == 0
    desk.advance(minutes=2)
    assert texts(desk, await take(desk, one)) == ["hello"]


async def test_no_more_is_claimed_than_there_is_room(desk: Desk) -> None:
    for number in range(5):
        await desk.queue(await desk.somebody(f"p{number}"), f"n{number}")
    one = claims(desk)
    first, second = await take(desk, one, total=3), await take(desk, one, total=3)
    assert (len(first.claimed), first.more, len(second.claimed), second.more) == (3, True, 2, False)


async def test_long_queue_of_a_closed_app_does_not_stand_before_the_others(desk: Desk) -> None:
    for number in range(9):
        await desk.queue_in_turn(await desk.somebody(f"m{number}", MINI), [f"mini {number}"])
    await desk.queue(await desk.somebody("li"), "official")
    one, found = claims(desk), list[str]()
    for _ in range(9):
        found += texts(desk, await take(desk, one, total=2, **{OFFICIAL: 2, MINI: 0}))
    assert found == ["official"]
    assert [state for state, _ in await desk.states()].count("queued") == 9


async def test_app_that_opens_again_is_served_from_the_beginning_of_its_queue(desk: Desk) -> None:
    for number in range(5):
        await desk.queue_in_turn(
            await desk.somebody(f"m{number}", MINI), [f"mini {number}"],
            try_at=desk.clock.now() - timedelta(minutes=5 - number),
        )  # fmt: skip
    one = claims(desk)
    for _ in range(4):
        await take(desk, one, total=2, **{OFFICIAL: 2, MINI: 0})
    found: list[str] = []
    for _ in range(4):
        found += texts(desk, await take(desk, one, total=2, **{OFFICIAL: 1, MINI: 1}))
    assert found == ["mini 0", "mini 1", "mini 2", "mini 3"]
    while one.closed:
        found += texts(desk, await take(desk, one, total=2, **{OFFICIAL: 1, MINI: 1}))
    assert found[4:] == ["mini 4"]


async def test_next_due_is_the_soonest_of_both_priorities(desk: Desk) -> None:
    li = await desk.somebody("li")
    now = desk.clock.now()
    await desk.queue(li, "a", try_at=now + timedelta(minutes=2))
    await desk.queue(li, "b", try_at=now + timedelta(minutes=1), priority=1)
    await desk.queue(li, "c", try_at=None)

    async def body(session: Session) -> object:
        return await claims(desk).next_due(session, now)

    assert await desk.database.transaction(body) == now + timedelta(minutes=1)


@pytest.mark.parametrize(("again", "state"), [(True, "queued"), (False, "unknown")])
async def test_what_a_dead_process_was_sending_is_unknown_unless_it_is_safe_to_repeat(
    desk: Desk, again: bool, state: str
) -> None:
    await desk.queue(await desk.somebody("li"), "hello")
    await take(desk, claims(desk, "dead"))

    async def look(session: Session) -> int:
        found = await leftovers.recover(
            desk.database, session, lambda channel, way: again,
            ours=set(), now=desk.clock.now(), wire=desk.clock.wire(),
        )  # fmt: skip
        return len(found)

    assert await desk.database.transaction(look) == 0
    desk.advance(minutes=3)
    assert await desk.database.transaction(look) == 1
    assert await desk.states() == [(state, "interrupted")]
    assert await desk.rows("SELECT owner, failures FROM notices") == [("", int(again))]


async def test_own_sends_are_never_taken_for_those_of_a_dead_process(desk: Desk) -> None:
    await desk.queue(await desk.somebody("li"), "hello")
    await take(desk, claims(desk, "alive"))
    ((notice_id,),) = await desk.rows("SELECT id FROM notices")
    desk.advance(hours=1)

    async def look(session: Session) -> int:
        found = await leftovers.recover(
            desk.database, session, lambda channel, way: False,
            ours={notice_id}, now=desk.clock.now(), wire=desk.clock.wire(),
        )  # fmt: skip
        return len(found)

    assert await desk.database.transaction(look) == 0


async def test_overdue_notice_that_waits_for_an_event_is_ended(desk: Desk) -> None:
    await desk.queue(await desk.somebody("li"), "hello", try_at=None)
    desk.advance(days=4)
    rows = await leftovers.overdue(desk.database, desk.clock.now())

    async def body(session: Session) -> None:
        await leftovers.expire(session, rows)

    await desk.database.transaction(body)
    assert await desk.states() == [("expired", "too_old")]


async def test_two_owners_at_the_same_time_share_no_notice_and_no_person(desk: Desk) -> None:
    for number in range(12):
        await desk.queue_in_turn(await desk.somebody(f"p{number}"), ["first", "second"])
    one, two = claims(desk, "one"), claims(desk, "two")
    looks = [take(desk, owner, total=4) for owner in (one, two) * 4]
    found = [notice for taken in await asyncio.gather(*looks) for notice, _ in taken.claimed]
    for _ in range(3):  # what a look skipped because the other held it
        found += [notice for notice, _ in (await take(desk, one, total=20)).claimed]
    assert len({notice.person_id for notice in found}) == len(found) == 12
    counted = await desk.rows(
        "SELECT COUNT(*), COUNT(DISTINCT person_id) FROM notices WHERE state = 'sending'"
    )
    assert counted == [(12, 12)]


async def test_second_notice_of_a_person_is_not_claimed_between_look_and_commit_of_another(
    desk: Desk,
) -> None:
    """PostgreSQL alone has two at once; on SQLite the second waits."""
    li = await desk.somebody("li")
    await desk.queue_in_turn(li, ["first", "second"])
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(session: Session) -> Taken:
        taken = await claims(desk, "slow").take(
            session, Room(5, {OFFICIAL: 5}), now=desk.clock.now(), wire=desk.clock.wire()
        )
        begun.set()
        await go_on.wait()
        return taken

    waiting = asyncio.create_task(desk.database.transaction(slow), name="slow")
    await begun.wait()
    other = asyncio.create_task(take(desk, claims(desk, "fast")), name="fast")
    if desk.database.dialect == "postgresql":
        assert (await other).claimed == []
    go_on.set()
    assert texts(desk, await waiting) == ["first"]
    assert (await other).claimed == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 5), st.integers(0, 3)),
        min_size=1,
        max_size=8,
    )
)
async def test_claimed_is_always_the_first_of_the_person_that_is_due(
    desk: Desk, rows: list[tuple[int, int, int, int]]
) -> None:
    """Rows are (person, urgent, created so many seconds ago, due in so many seconds)."""
    await desk.database.execute("DELETE FROM notices")
    people = [await desk.somebody(f"p{number}") for number in range(3)]
    now, order = desk.clock.now(), {}
    for person, urgent, ago, due in rows:
        created = now - timedelta(seconds=ago)
        notice_id = await desk.queue(
            people[person], "x", priority=urgent, created_at=created, try_at=now + timedelta(seconds=due)
        )
        if not due:
            order[notice_id] = (people[person], -urgent, created, notice_id)
    taken = await take(desk, claims(desk))
    firsts = {min(each for each in order.values() if each[0] == person)[3] for person, *_ in order.values()}
    assert {notice.id for notice, _ in taken.claimed} == firsts
