"""A reminder is looked at once more before it goes: nobody is asked for what is done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.channels.outbound import Way
from bot.notices.claims import Claims, Room, Taken
from bot.notices.reachability import Offer, Reachability
from bot.store.database import Database, Session
from tests.notices.reporters import DAY, EIGHT, HOUR, MINUTE, TODAY, Reporters

OFFER = Offer("wechat_official", "wechat_official:app", frozenset({Way.CUSTOMER_SERVICE}), frozenset())


async def take(reporters: Reporters) -> Taken:
    by = Claims(
        reporters.database,
        Reachability(reporters.database, reporters.clock, {OFFER.channel: OFFER}),
        owner="one",
        due=reporters.due,
    )

    async def body(session: Session) -> Taken:
        now = reporters.clock.now()
        return await by.take(session, Room(50, {OFFER.channel: 50}), now=now, wire=now)

    return await reporters.database.transaction(body)


async def states(reporters: Reporters) -> list[tuple[Any, ...]]:
    return await reporters.rows("SELECT person_id, state, reason FROM notices")


async def test_who_is_still_due_is_sent_the_reminder(database: Database) -> None:
    reporters = Reporters(database)
    person = await reporters.person()
    await reporters.remind()
    assert [notice.person_id for notice, _ in (await take(reporters)).claimed] == [person]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"last_punch_in": TODAY}, "reported"),
        ({"reminder_days": "none"}, "opted_out"),
        ({"erased_at": EIGHT}, "erased"),
        ({"declared_at": EIGHT}, "not_due_today"),
    ],
)
async def test_reminder_that_nobody_needs_any_more_ends_with_the_reason(
    database: Database, changes: dict[str, Any], reason: str
) -> None:
    reporters = Reporters(database)
    person, other = await reporters.person(), await reporters.person()
    await reporters.remind()
    await reporters.change(person, **changes)
    taken = await take(reporters)
    assert [notice.person_id for notice, _ in taken.claimed] == [other]
    assert [(notice.person_id, why) for notice, why in taken.needless] == [(person, reason)]
    assert set(await states(reporters)) == {(person, "expired", reason), (other, "sending", "")}


async def test_once_one_guardian_has_answered_the_other_is_not_asked(database: Database) -> None:
    reporters = Reporters(database)
    mother, father = await reporters.person(), await reporters.person()
    child = await reporters.member(mother)
    await reporters.member(father, resident_id=child)
    for guardian in (mother, father):
        await reporters.report(guardian)
    assert await reporters.remind() == 2
    await reporters.report(child)
    assert (await take(reporters)).claimed == []
    assert {row[1:] for row in await states(reporters)} == {("expired", "reported")}


async def test_guardian_who_reported_for_themselves_is_still_asked_about_the_child(
    database: Database,
) -> None:
    reporters = Reporters(database)
    guardian = await reporters.person()
    await reporters.member(guardian)
    await reporters.remind()
    await reporters.report(guardian)
    assert len((await take(reporters)).claimed) == 1


async def test_other_notices_of_somebody_who_reported_go_out(database: Database) -> None:
    reporters = Reporters(database, EIGHT)
    person = await reporters.person(last_punch_in=TODAY)
    await reporters.notice(person, state="queued", sent_at=None, way="")
    assert [notice.kind for notice, _ in (await take(reporters)).claimed] == ["colour_changed"]


# -- the hour that somebody chose ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "after", "goes"),
    [
        (5 * 60, 0, True), (5 * 60, 59, True), (5 * 60, 60, False), (23 * 60, 0, True), (23 * 60, 59, True),
        (23 * 60 + 30, 29, True), (None, 0, False),
    ],
)  # fmt: skip
async def test_chosen_hour_wins_over_quiet_hours_for_an_hour(
    database: Database, chosen: int | None, after: int, goes: bool
) -> None:
    reporters = Reporters(database)
    minute = 5 * 60 if chosen is None else chosen
    reporters.clock.at = EIGHT - 8 * HOUR + (minute + after) * MINUTE
    person = await reporters.person(reminder_minute=chosen)
    assert await reporters.reasons(person, "punch_in_reminder") == (set() if goes else {"quiet_hours"})
    assert await reporters.reasons(person, "code_expiring") == {"quiet_hours"}


async def test_chosen_hour_does_not_lift_the_daily_cap(database: Database) -> None:
    reporters = Reporters(database, EIGHT - 3 * HOUR)
    person = await reporters.person(reminder_minute=5 * 60)
    for _ in range(3):
        await reporters.notice(person)
    assert await reporters.reasons(person, "punch_in_reminder") == {"daily_cap"}


async def test_minute_before_the_chosen_one_is_quiet(database: Database) -> None:
    reporters = Reporters(database, EIGHT - 3 * HOUR - timedelta(seconds=1))
    person = await reporters.person(reminder_minute=5 * 60, last_punch_in=TODAY - DAY)
    assert await reporters.reasons(person, "punch_in_reminder") == {"quiet_hours"}
