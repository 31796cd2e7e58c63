"""The daily cap: what counts, over whom, and on which day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.notices.conditions import DAILY_CAP
from bot.store.database import Database
from tests.notices.persons import NOON, Persons


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"kind": "link_asked", "channel": "alipay", "way": "template"}, True),
        ({"state": "unknown"}, True),
        ({"state": "unknown", "sent_at": None}, True),
        ({"state": "sending", "sent_at": None}, True),
        ({"priority": 1}, False),
        ({"kind": "answer"}, False),
        ({"kind": "result"}, False),
        ({"way": "with_answer"}, False),
        ({"state": "queued", "sent_at": None}, False),
        ({"state": "failed", "sent_at": None}, False),
        ({"state": "expired", "sent_at": None}, False),
        ({"state": "replaced", "sent_at": None}, False),
        ({"sent_at": NOON - timedelta(hours=12)}, True),  # 00:00 in Shanghai
        ({"sent_at": NOON - timedelta(hours=12, microseconds=1)}, False),
    ],
)
async def test_cap_counts_what_disturbed_the_person_today(
    database: Database, changes: dict[str, object], counts: bool
) -> None:
    persons = Persons(database)
    person = await persons.account()
    for _ in range(DAILY_CAP - 1):
        await persons.notice(person)
    assert await persons.reasons(person) == set()
    await persons.notice(person, **changes)
    assert await persons.reasons(person) == ({"daily_cap"} if counts else set())


async def test_cap_holds_over_all_accounts_of_a_person_and_for_nobody_else(database: Database) -> None:
    persons = Persons(database)
    person, other = await persons.account(), await persons.account()
    second = await persons.account("wechat_mini", person_id=person)
    for account in (person, second, second):
        await persons.notice(person, account_id=account)
    assert await persons.reasons(person, account_id=second) >= {"daily_cap"}
    assert await persons.reasons(other) == set()


async def test_day_of_the_cap_is_the_persons_own(database: Database) -> None:
    persons = Persons(database)
    person = await persons.account()
    await persons.resident(person, zone="America/New_York")
    for _ in range(DAILY_CAP):  # yesterday evening there, today in Shanghai
        await persons.notice(person, sent_at=NOON - timedelta(hours=1))
    assert await persons.reasons(person, at=NOON + timedelta(hours=8)) == set()
    assert await persons.reasons(person, at=NOON - timedelta(minutes=1)) >= {"daily_cap"}
