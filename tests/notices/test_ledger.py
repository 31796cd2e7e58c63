"""What sends, refusals and consents do to windows, subscriptions and forms, with an entry for every change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.channels.outbound import Effect, Way
from bot.notices.ledger import learn, note_consents, spend, wake, wake_person
from bot.notices.outbox import CONTEXT
from bot.notices.reachability import Channel
from bot.store.database import Database, Session, instant_or_none
from bot.store.work import Work
from bot.store.writer import Writer
from tests.conversation.world import keys
from tests.notices.persons import NOON, SERVICE_ONLY, Persons

HOUR = timedelta(hours=1)


async def within(database: Database, act: Callable[[Session], Awaitable[None]]) -> None:
    await database.transaction(act)


async def send(persons: Persons, *channels: Channel, kind: str = "colour_changed") -> None:
    async def act(session: Session) -> None:
        used = [(channel, kind) for channel in channels]
        await spend(session, used, now=NOON, wire=NOON, keys=keys())

    await within(persons.database, act)


async def refuse(persons: Persons, channel: Channel, effect: Effect, kind: str = "colour_changed") -> None:
    await within(persons.database, lambda session: learn(session, [(channel, kind, effect)], now=NOON))


async def agree(persons: Persons, account: int, *answers: tuple[str, bool]) -> None:
    work = Work(now=NOON)
    note_consents(work, account, answers, now=NOON)
    assert await Writer(persons.database).commit(work) == "committed"


async def subscriptions(persons: Persons) -> list[tuple[object, ...]]:
    return await persons.rows("SELECT kind, standing, balance FROM subscriptions ORDER BY kind")


async def entries(persons: Persons) -> list[tuple[object, ...]]:
    return await persons.rows("SELECT change, reason FROM subscription_entries ORDER BY id")


async def subscribed(database: Database, balance: int, standing: str = "once") -> tuple[Persons, Channel]:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_until=None)
    await persons.subscription(person, balance, standing=standing)
    return persons, await persons.reached(person)


# -- spending ------------------------------------------------------------------------------------------------


async def test_send_through_a_window_takes_one_of_its_sends(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account(moment_until=NOON + HOUR, moment_left=1)
    for left in ((5, 0), (4, 0)):
        await send(persons, await persons.reached(person))
        assert await persons.rows("SELECT window_left, moment_left FROM accounts") == [left]


async def test_window_without_a_count_is_never_used_up(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("alipay", window_left=1000)
    await send(persons, await persons.reached(person))
    assert await persons.rows("SELECT window_left FROM accounts") == [(1000,)]


async def test_count_that_another_process_used_up_stays_at_nothing(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account(window_left=1)
    channel = await persons.reached(person)
    await send(persons, channel, channel)
    assert await persons.rows("SELECT window_left FROM accounts") == [(0,)]


async def test_send_over_a_subscription_takes_one_reminder_and_enters_it(database: Database) -> None:
    persons, channel = await subscribed(database, 5)
    await send(persons, channel)
    assert await subscriptions(persons) == [("colour_changed", "once", 4)]
    assert await entries(persons) == [(-1, "sent")]
    assert await persons.rows("SELECT 1 FROM notices") == []


async def test_subscription_for_always_is_not_counted(database: Database) -> None:
    persons, channel = await subscribed(database, 0, "always")
    await send(persons, channel)
    assert await subscriptions(persons) == [("colour_changed", "always", 0)]
    assert await entries(persons) == []


async def test_form_is_gone_once_it_was_used(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("alipay", window_until=None)
    await persons.form(person)
    await send(persons, await persons.reached(person))
    assert await persons.rows("SELECT 1 FROM form_tokens") == []


async def test_many_sends_are_counted_together(database: Database) -> None:
    persons = Persons(database)
    people = [await persons.account() for _ in range(5)]
    await send(persons, *[await persons.reached(person) for person in people])
    assert await persons.rows("SELECT DISTINCT window_left FROM accounts") == [(4,)]


@pytest.mark.parametrize(("balance", "left"), [(2, 1), (1, 0)])
async def test_last_reminders_are_told_once_each_before_they_are_gone(
    database: Database, balance: int, left: int
) -> None:
    persons, channel = await subscribed(database, balance)
    resident = await persons.resident(channel.person_id)
    await send(persons, channel)
    rows = await persons.rows(
        "SELECT kind, resident_id, person_id, state, priority, params_sealed FROM notices"
    )
    assert [row[:5] for row in rows] == [("subscription_low", resident, channel.person_id, "queued", 0)]
    assert keys().open_json(CONTEXT, rows[0][5]) == {"left": left, "kind": "colour_changed"}
    entry = await persons.rows("SELECT id FROM subscription_entries")
    assert await persons.rows("SELECT dedup_key FROM notices") == [
        (f"{channel.person_id}:low:{entry[0][0]}",)
    ]


async def test_every_drop_is_told_and_none_twice(database: Database) -> None:
    persons, channel = await subscribed(database, 3)
    for balance in (3, 2, 1):
        await send(persons, replace(channel, balance=balance))
    assert await persons.rows("SELECT COUNT(*) FROM notices") == [(2,)]
    assert await entries(persons) == [(-1, "sent")] * 3


async def test_renewal_in_between_leaves_nothing_to_tell(database: Database) -> None:
    persons, channel = await subscribed(database, 2)
    await agree(persons, channel.account_id, *[("colour_changed", True)] * 3)
    await send(persons, channel)
    assert await subscriptions(persons) == [("colour_changed", "once", 4)]
    assert await persons.rows("SELECT 1 FROM notices") == []


async def test_refusal_in_between_is_not_counted_below_nothing(database: Database) -> None:
    persons, channel = await subscribed(database, 1)
    await agree(persons, channel.account_id, ("colour_changed", False))
    await send(persons, channel)
    assert await subscriptions(persons) == [("colour_changed", "refused", 0)]
    assert await entries(persons) == [(0, "rejected")]


# -- consents ------------------------------------------------------------------------------------------------


async def test_every_yes_allows_one_more_and_a_no_ends_it(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("wechat_mini", window_until=None)
    await agree(persons, person, ("colour_changed", True), ("asked_first", False))
    await agree(persons, person, ("colour_changed", True))
    assert await subscriptions(persons) == [("asked_first", "refused", 0), ("colour_changed", "once", 2)]
    await agree(persons, person, ("colour_changed", False), ("asked_first", True))
    assert await subscriptions(persons) == [("asked_first", "once", 1), ("colour_changed", "refused", 0)]
    assert sorted(await entries(persons)) == sorted([(1, "accepted")] * 3 + [(0, "rejected")] * 2)


# -- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "standing", "after", "entered"),
    [(3, "once", 0, [(-3, "used_up")]), (0, "always", 0, [(0, "used_up")])],
)
async def test_platform_that_has_nothing_left_sets_the_balance_to_nothing(
    database: Database, balance: int, standing: str, after: int, entered: list[tuple[int, str]]
) -> None:
    persons, channel = await subscribed(database, balance, standing)
    await refuse(persons, channel, Effect.SUBSCRIPTION_USED_UP)
    assert await subscriptions(persons) == [("colour_changed", "once", after)]
    assert await entries(persons) == entered
    assert await persons.reasons(channel.person_id) == {"window_closed", "subscription_used_up"}
    await refuse(persons, channel, Effect.SUBSCRIPTION_USED_UP)
    assert await entries(persons) == entered


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (Effect.WINDOW_CLOSED, "window_closed"),
        (Effect.WINDOW_USED_UP, "window_used_up"),
        (Effect.UNFOLLOWED, "unfollowed"),
        (Effect.BLOCKED, "blocked"),
        (Effect.UNKNOWN_ACCOUNT, "blocked"),
    ],
)
async def test_refusal_closes_what_was_refused_and_nobody_else(
    database: Database, effect: Effect, reason: str
) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    person, other = await persons.account(), await persons.account()
    await refuse(persons, await persons.reached(person), effect)
    assert await persons.reasons(person) == {reason}
    assert await persons.reasons(other) == set()


async def test_refused_window_of_an_event_leaves_that_of_a_message(database: Database) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    person = await persons.account(moment_until=NOON + HOUR, moment_left=2)
    await refuse(persons, await persons.reached(person), Effect.WINDOW_USED_UP)
    assert (await persons.reached(person)).window == "window"


async def test_contact_while_a_send_was_under_way_stays_open(database: Database) -> None:
    persons = Persons(database, offered=SERVICE_ONLY)
    person = await persons.account()
    channel = await persons.reached(person)
    until = NOON + 48 * HOUR
    await persons.database.execute("UPDATE accounts SET window_until = ? WHERE id = ?", [until, person])
    await refuse(persons, channel, Effect.WINDOW_CLOSED)
    rows = await persons.rows("SELECT window_until FROM accounts")
    assert instant_or_none(rows[0][0]) == until
    await refuse(persons, replace(channel, windows=None), Effect.WINDOW_CLOSED)
    assert await persons.rows("SELECT window_until FROM accounts") == [(None,)]


async def test_refused_form_is_thrown_away_and_the_next_one_is_used(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account("alipay", window_until=None)
    first, second = await persons.form(person, days=1), await persons.form(person, days=2)
    channel = await persons.reached(person)
    assert channel.form_token_id == first
    await refuse(persons, channel, Effect.FORM_USED_UP)
    assert (await persons.reached(person)).form_token_id == second


@pytest.mark.parametrize("effect", [Effect.NONE, Effect.FORM_USED_UP])
async def test_refusal_that_says_nothing_changes_nothing(database: Database, effect: Effect) -> None:
    persons = Persons(database)
    person = await persons.account()
    channel = await persons.reached(person)
    await refuse(persons, channel, effect)
    assert await persons.reached(person) == channel
    assert channel.way == Way.CUSTOMER_SERVICE


# -- waking --------------------------------------------------------------------------------------------------


async def waiting(persons: Persons, person: int, **changes: object) -> None:
    queued = {"state": "queued", "sent_at": None, "try_at": None, "not_before": NOON - HOUR}
    await persons.notice(person, **queued | changes)


async def tried_at(persons: Persons) -> list[object]:
    return [instant_or_none(row[0]) for row in await persons.rows("SELECT try_at FROM notices ORDER BY id")]


async def test_woken_notices_are_looked_at_now_and_later_ones_at_their_time(database: Database) -> None:
    persons = Persons(database)
    person, other = await persons.account(), await persons.account()
    await waiting(persons, person)
    await waiting(persons, person, not_before=NOON + HOUR)
    await waiting(persons, person, failures=2, try_at=NOON + 2 * HOUR)
    await waiting(persons, person, state="sent")
    await waiting(persons, other)
    await within(database, lambda session: wake(session, [person], now=NOON))
    assert await tried_at(persons) == [NOON, NOON + HOUR, NOON + 2 * HOUR, None, None]


async def test_event_wakes_what_waits_for_one_and_nothing_that_has_its_time(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account()
    await waiting(persons, person, reason="window_closed")
    await waiting(persons, person, reason="subscription_used_up")
    await waiting(persons, person, reason="quiet_hours", try_at=NOON + HOUR)
    await waiting(persons, person, not_before=NOON + HOUR, try_at=NOON + HOUR)
    await waiting(persons, person, reason="wechat_45015", failures=1, try_at=NOON + HOUR)
    work = Work(now=NOON)
    wake_person(work, person)
    assert await Writer(database).commit(work) == "committed"
    assert await tried_at(persons) == [NOON, NOON, *[NOON + HOUR] * 3]
