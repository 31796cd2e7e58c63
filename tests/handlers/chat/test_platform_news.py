"""What platforms tell by themselves: agreements are counted, and notices that never arrived have failed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.conversation.turn import Tools, message_key, take_turn
from bot.message import Consent, Delivery, Incoming, Kind
from bot.notices.outbox import notify
from bot.store import indexes
from bot.store.database import Database
from bot.store.loader import Loader, Request
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from handlers.chat.routes import FORMS, ROUTES
from tests.conversation.world import keys
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import Phone

CHANNEL = "wechat_mini"
TEMPLATES = {
    (CHANNEL, "T1"): "colour_changed",
    (CHANNEL, "T2"): "result",
    ("wechat_official", "T3"): "result",
}


class Platform:
    """The mini-program's side: it tells things about one person, each committed like a message."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock()
        self.tools: Tools = replace(
            Phone(database).tools, clock=self.clock, routes=ROUTES, forms=FORMS, template_kinds=TEMPLATES
        )

    async def tell(self, kind: Kind, **more: Any) -> str:
        """The route that took it; nothing is ever answered."""
        incoming = Incoming(
            channel=CHANNEL,
            account="o_li",
            key=secrets.token_hex(8),
            kind=kind,
            received_at=self.clock.now(),
            **more,
        )
        key, indexed = message_key(incoming), indexes.account(CHANNEL, "o_li")
        found_under = keys().indexes(indexed.kind, indexed.value)
        snapshot = await Loader(self.database).load(Request(key, CHANNEL, found_under, self.clock.now()))
        turn = await take_turn(self.tools, incoming, snapshot, key=key)
        assert await Writer(self.database).commit(turn.work) == Outcome.COMMITTED
        assert turn.reply is None
        return turn.route

    async def answer(self, *answers: tuple[str, bool]) -> str:
        consents = tuple(Consent(template, given) for template, given in answers)
        return await self.tell(Kind.SUBSCRIPTION, consents=consents)

    async def report(self, *deliveries: Delivery) -> str:
        return await self.tell(Kind.DELIVERY, deliveries=deliveries)

    async def account_id(self) -> int:
        return int((await self.rows("SELECT id FROM accounts"))[0][0])

    async def sent_notice(self, platform_id: str, **changes: Any) -> None:
        """A notice of this person that the platform took, unless `changes` says otherwise."""
        account = await self.account_id()
        work = Work(now=self.clock.now())
        notify(
            work,
            keys(),
            resident_id=0,
            person_id=account,
            kind="colour_changed",
            params={},
            dedup_key=platform_id,
        )
        assert await Writer(self.database).commit(work) == Outcome.COMMITTED
        values = {"state": "sent", "channel": CHANNEL, "platform_id": platform_id, "try_at": None} | changes
        columns = ", ".join(f"{name} = ?" for name in values)
        await self.database.execute(
            f"UPDATE notices SET {columns} WHERE dedup_key = ?",
            [*values.values(), f"{account}:{platform_id}"],
        )

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.fetch(sql, [])]


@pytest.fixture
def platform(database: Database) -> Platform:
    return Platform(database)


SUBSCRIPTIONS = "SELECT kind, standing, balance FROM subscriptions ORDER BY kind"
NOTICES = "SELECT platform_id, state, reason FROM notices ORDER BY id"


async def test_agreement_is_counted_by_its_kind_of_notice_before_any_consent(platform: Platform) -> None:
    assert await platform.answer(("T1", True), ("T2", True)) == "subscription"
    await platform.answer(("T1", True))
    assert await platform.rows(SUBSCRIPTIONS) == [("colour_changed", "once", 2), ("result", "once", 1)]
    assert await platform.rows("SELECT consent FROM accounts") == [("none",)]


async def test_refusal_takes_away_what_was_left(platform: Platform) -> None:
    await platform.answer(("T1", True), ("T2", True))
    await platform.answer(("T1", False))
    assert await platform.rows(SUBSCRIPTIONS) == [("colour_changed", "refused", 0), ("result", "once", 1)]


@pytest.mark.parametrize("template", ["T9", "T3"])
async def test_template_that_is_not_of_this_channel_is_not_counted(platform: Platform, template: str) -> None:
    await platform.answer((template, True))
    assert await platform.rows(SUBSCRIPTIONS) == []


async def test_agreement_wakes_what_waited_for_it(platform: Platform) -> None:
    await platform.answer(("T2", False))
    await platform.sent_notice("17", state="queued", channel="", reason="not_subscribed")
    await platform.answer(("T1", False))
    assert await platform.rows("SELECT try_at FROM notices") == [(None,)]
    platform.clock.advance(timedelta(minutes=5))
    await platform.answer(("T1", True))
    assert await platform.rows("SELECT COUNT(*) FROM notices WHERE try_at IS NOT NULL") == [(1,)]


async def test_notice_that_never_arrived_has_failed_with_its_reason(platform: Platform) -> None:
    await platform.answer(("T1", True))
    await platform.sent_notice("17")
    await platform.sent_notice("18")
    assert (
        await platform.report(Delivery("17", False, "wechat_47003", "T1"), Delivery("18", True)) == "delivery"
    )
    assert await platform.rows(NOTICES) == [("17", "failed", "wechat_47003"), ("18", "sent", "")]
    assert await platform.rows(SUBSCRIPTIONS) == [("colour_changed", "once", 1)]


@pytest.mark.parametrize(
    "changes", [{"state": "failed"}, {"state": "unknown"}, {"channel": "wechat_official"}]
)
async def test_only_a_sent_notice_of_this_channel_can_fail_later(
    platform: Platform, changes: dict[str, str]
) -> None:
    await platform.answer(("T9", True))
    await platform.sent_notice("17", **changes)
    await platform.report(Delivery("17", False, "user_block"))
    assert await platform.rows(NOTICES) == [("17", changes.get("state", "sent"), "")]
    assert await platform.rows("SELECT COUNT(*) FROM accounts WHERE blocked") == [(0,)]


async def test_report_about_a_notice_that_is_not_known_changes_nothing(platform: Platform) -> None:
    await platform.report(Delivery("17", False, "user_block"))
    assert await platform.rows("SELECT COUNT(*) FROM accounts WHERE blocked") == [(0,)]


@pytest.mark.parametrize(
    ("reason", "blocked", "following"),
    [
        ("user_block", True, True),
        ("wechat_43019", True, True),
        ("wechat_43004", False, False),
        ("system_failed", False, True),
    ],
)
async def test_failed_delivery_corrects_what_is_known_of_its_account(
    platform: Platform, reason: str, blocked: bool, following: bool
) -> None:
    await platform.answer(("T9", True))
    await platform.sent_notice("17")
    await platform.report(Delivery("17", False, reason))
    rows = await platform.rows("SELECT blocked, following FROM accounts")
    assert [(bool(row[0]), bool(row[1])) for row in rows] == [(blocked, following)]


async def test_delivery_refused_by_the_person_ends_the_subscription(platform: Platform) -> None:
    await platform.answer(("T1", True), ("T1", True))
    await platform.sent_notice("17")
    await platform.report(Delivery("17", False, "wechat_43101", "T1"))
    assert await platform.rows(SUBSCRIPTIONS) == [("colour_changed", "refused", 0)]
