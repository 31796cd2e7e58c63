"""Whoever else speaks for a resident is told of a colour that changed in a conversation; the writer reads it."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.conversation.context import Context
from bot.conversation.routing import Route, always
from bot.message import Incoming, Kind, Reply
from bot.services.facts import record
from bot.services.rescore import rescore
from bot.store import indexes
from bot.store.database import Database
from tests.conversation.world import keys, make_engine
from tests.fakes.clock import MORNING, FakeClock
from tests.services.stored import FEVER, Stores

GUARDIAN = "o_guardian"


async def report_fever(message: Incoming, ctx: Context) -> Reply:
    (resident,) = ctx.residents
    if not resident.facts:
        record(ctx.work, resident, source="punch_in", reference="1", **FEVER)
        rescore(ctx.world, ctx.work, resident, cause="punch_in")
    return Reply.of("noted")


async def said(database: Database) -> tuple[int, int]:
    """The writing account and the other one, after the guardian reported a fever."""
    stores = Stores(database)
    await stores.add(accounts=2)
    (own,) = await stores.rows("SELECT account_id FROM account_residents WHERE relation = 'self'")
    (writer,) = await stores.rows("SELECT account_id FROM account_residents WHERE relation = 'guardian'")
    indexed = indexes.account("wechat_official", GUARDIAN)
    index = keys().index(indexed.kind, indexed.value)
    await database.execute("UPDATE accounts SET external_index = ? WHERE id = ?", [index, writer[0]])
    await say(database, "1")
    return writer[0], own[0]


async def say(database: Database, key: str, at: datetime = MORNING) -> None:
    engine = make_engine(database, (Route("fever", always, report_fever),), clock=FakeClock())
    message = Incoming(
        channel="wechat_official", account=GUARDIAN, key=key, kind=Kind.TEXT, received_at=at, text="x"
    )
    reply = await engine.receive(message)
    await engine.close()
    assert reply == Reply.of("noted")


async def test_others_are_told_at_once_and_the_writer_is_not(database: Database) -> None:
    _, own = await said(database)
    rows = await database.fetch("SELECT account_id, kind, priority, state FROM notices")
    assert [tuple(row) for row in rows] == [(own, "colour_changed", 1, "queued")]


async def test_what_waited_for_the_writer_is_replaced_by_what_was_just_said(database: Database) -> None:
    stores = Stores(database)
    writer, own = await said(database)
    (resident_id,) = (await stores.rows("SELECT resident_id FROM residents"))[0]
    await stores.rescorer.apply(
        resident_id, lambda work, each: each.facts.clear(), cause="test", now=MORNING + timedelta(minutes=1)
    )
    waiting = await stores.rows("SELECT account_id FROM notices WHERE state = 'queued'")
    assert waiting == [(writer,)]  # the other has heard of neither change
    await database.execute("DELETE FROM facts")
    await say(database, "2", MORNING + timedelta(minutes=2))
    rows = await stores.rows("SELECT account_id, priority FROM notices WHERE state = 'queued'")
    assert rows == [(own, 1)]
    assert len(await stores.rows("SELECT id FROM notices WHERE state = 'replaced'")) == 2


async def test_first_colours_of_a_resident_tell_nobody(database: Database) -> None:
    await Stores(database).add(accounts=2)
    assert [tuple(row) for row in await database.fetch("SELECT id FROM notices")] == []
