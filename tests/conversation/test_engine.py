"""One inbound message has one effect, however often and wherever it is delivered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.conversation.context import Context
from bot.conversation.engine import Engine
from bot.conversation.pending import LEASE, MOST_ATTEMPTS
from bot.conversation.routing import Route, always
from bot.core.model import Identity
from bot.message import Choice, Choices, Incoming, Kind, Reply, Text
from bot.metrics import Metrics
from bot.store.database import Database
from bot.store.ids import new_id
from tests.conversation.world import make_engine
from tests.fakes.clock import MORNING, FakeClock

Engines = Any


def message(text: str = "hello", *, key: str = "m:1", account: str = "o_li") -> Incoming:
    return Incoming(
        channel="wechat_official", account=account, key=key, kind=Kind.TEXT, received_at=MORNING, text=text
    )


class Counting:
    """A handler that adds a household row each time, so that effects can be counted."""

    def __init__(self) -> None:
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()
        self.both = asyncio.Event()

    async def add_household(self, message: Incoming, ctx: Context) -> Reply:
        self.calls += 1
        self.started.set()
        if self.calls == 2:
            self.both.set()
        await self.gate.wait()
        ctx.account.consent = "given"
        ctx.work.insert("households", id=new_id(), created_at=ctx.now)
        return Reply.of(f"done {message.text}")

    @property
    def routes(self) -> Sequence[Route]:
        return (Route("count", always, self.add_household),)


async def households(database: Database) -> int:
    count: int = (await database.fetch("SELECT COUNT(*) FROM households"))[0][0]
    return count


@pytest.fixture
async def counting() -> Counting:
    return Counting()


@pytest.fixture
async def engine(database: Database, counting: Counting) -> AsyncIterator[Engine]:
    engine = make_engine(database, counting.routes)
    yield engine
    counting.gate.set()
    await engine.close()


async def test_message_is_answered_and_written_once(engine: Engine, database: Database) -> None:
    reply = await engine.receive(message())
    assert reply == Reply.of("done hello")
    assert await households(database) == 1


async def test_redelivery_after_the_answer_gets_the_stored_reply(
    engine: Engine, database: Database, counting: Counting
) -> None:
    first = await engine.receive(message())
    again = await engine.receive(message())
    assert again == first
    assert counting.calls == 1
    assert await households(database) == 1


async def test_concurrent_redeliveries_wait_for_the_first(
    engine: Engine, database: Database, counting: Counting
) -> None:
    counting.gate.clear()
    deliveries = [asyncio.create_task(engine.receive(message())) for _ in range(4)]
    await counting.started.wait()
    counting.gate.set()
    replies = await asyncio.gather(*deliveries)
    assert replies == [Reply.of("done hello")] * 4
    assert counting.calls == 1
    assert await households(database) == 1


async def test_messages_of_one_account_never_interleave(database: Database) -> None:
    seen: list[str] = []

    async def note(message: Incoming, ctx: Context) -> Reply:
        seen.append(f"begin {message.text}")
        await asyncio.sleep(0)
        seen.append(f"end {message.text}")
        return Reply.of("ok")

    engine = make_engine(database, (Route("note", always, note),))
    await asyncio.gather(*(engine.receive(message(str(n), key=f"m:{n}")) for n in range(5)))
    await engine.close()
    pairs = [(seen[n], seen[n + 1]) for n in range(0, len(seen), 2)]
    assert sorted(pairs) == [(f"begin {n}", f"end {n}") for n in range(5)]


async def test_many_accounts_share_commits_and_all_are_written(engine: Engine, database: Database) -> None:
    replies = await asyncio.gather(
        *(engine.receive(message("x", key=f"m:{n}", account=f"o_{n}")) for n in range(100))
    )
    assert replies == [Reply.of("done x")] * 100
    assert await households(database) == 100


async def test_one_bad_work_never_takes_others_with_it(database: Database) -> None:
    shared = new_id()

    async def insert_same_id(message: Incoming, ctx: Context) -> Reply:
        ctx.work.insert("households", id=shared if message.text == "bad" else new_id(), created_at=ctx.now)
        return Reply.of("saved")

    engine = make_engine(database, (Route("insert", always, insert_same_id),))
    await database.execute("INSERT INTO households (id, created_at) VALUES (?, ?)", [shared, MORNING])
    texts = ["good", "bad", "good", "good"]
    replies = await asyncio.gather(
        *(engine.receive(message(text, key=f"m:{n}", account=f"o_{n}")) for n, text in enumerate(texts))
    )
    await engine.close()
    assert [reply == Reply.of("saved") for reply in replies if reply] == [True, False, True, True]
    assert await households(database) == 4


async def test_failed_handler_tells_the_sender_that_nothing_was_saved(database: Database) -> None:
    async def fail(message: Incoming, ctx: Context) -> Reply:
        ctx.work.insert("households", id=new_id(), created_at=ctx.now)
        raise RuntimeError("broken")

    metrics = Metrics()
    engine = make_engine(database, (Route("fail", always, fail),), metrics=metrics)
    reply = await engine.receive(message())
    await engine.close()
    assert reply is not None
    assert "还没有保存" in reply.parts[0].text  # type: ignore[union-attr]  # a text
    assert await households(database) == 0
    failed = metrics.registry.get_sample_value(
        "yima_messages_total", {"channel": "wechat_official", "kind": "text", "outcome": "failed"}
    )
    assert failed == 1


async def test_slow_message_is_promised_and_done_later(database: Database, counting: Counting) -> None:
    counting.gate.clear()
    engine = make_engine(database, counting.routes, reply_seconds=0.05)
    promised = await engine.receive(message())
    assert promised is not None
    assert "正在办" in promised.parts[0].text  # type: ignore[union-attr]  # a text
    assert (await database.fetch("SELECT state FROM inbox"))[0][0] == "pending"
    counting.gate.set()
    await engine.close()
    assert await households(database) == 1
    assert (await database.fetch("SELECT state FROM inbox"))[0][0] == "done"
    notices = await database.fetch("SELECT kind, state FROM notices")
    assert [tuple(row) for row in notices] == [("result", "queued")]


async def test_redelivery_of_a_promised_message_gets_the_same_promise(
    database: Database, counting: Counting
) -> None:
    counting.gate.clear()
    engine = make_engine(database, counting.routes, reply_seconds=0.05)
    first = await engine.receive(message())
    second = await engine.receive(message())
    counting.gate.set()
    await engine.close()
    later = make_engine(database, counting.routes)
    third = await later.receive(message())
    await later.close()
    assert first == second == third
    assert await households(database) == 1


async def test_result_of_a_promise_comes_with_the_next_answer(database: Database, counting: Counting) -> None:
    counting.gate.clear()
    engine = make_engine(database, counting.routes, reply_seconds=0.05)
    await engine.receive(message("first"))
    counting.gate.set()
    await engine.close()
    later = make_engine(database, counting.routes)
    reply = await later.receive(message("second", key="m:2"))
    again = await later.receive(message("third", key="m:3"))
    await later.close()
    assert reply is not None
    assert "done first" in reply.parts[0].text  # type: ignore[union-attr]  # a text
    assert reply.parts[-1] == Text("done second")
    assert again == Reply.of("done third")


async def test_other_process_finishes_what_was_promised(database: Database, counting: Counting) -> None:
    clock = FakeClock()
    counting.gate.clear()
    dead = make_engine(database, counting.routes, clock=clock, reply_seconds=0.05)
    await dead.receive(message())
    # the process dies here: its task never commits
    for job in dead._running.values():
        assert job.task is not None
        job.task.cancel()
    await asyncio.sleep(0)
    counting.gate.set()
    alive = make_engine(database, counting.routes, clock=clock)
    assert await alive.resume() == 0  # the lease still holds
    clock.advance(LEASE + timedelta(seconds=1))
    assert await alive.resume() == 1
    await alive.close()
    assert await households(database) == 1
    assert (await database.fetch("SELECT state FROM inbox"))[0][0] == "done"


async def test_message_that_fails_every_time_is_given_up(database: Database) -> None:
    async def fail(message: Incoming, ctx: Context) -> Reply:
        raise RuntimeError("broken")

    clock = FakeClock()
    engine = make_engine(database, (Route("fail", always, fail),), clock=clock)
    account_id = new_id()
    await seed_resident(engine, database, account_id, new_id())
    assert await engine.pending.keep("k" * 40, message(), b"said", account_id)
    for _ in range(MOST_ATTEMPTS + 1):
        clock.advance(LEASE + timedelta(seconds=1))
        await engine.resume()
    await engine.close()
    rows = await database.fetch("SELECT state, incoming_sealed FROM inbox")
    assert tuple(rows[0]) == ("failed", None)
    notices = await database.fetch("SELECT account_id, kind FROM notices")
    assert [tuple(row) for row in notices] == [(account_id, "not_done")]


async def test_two_engines_on_one_database_have_one_effect(database: Database, counting: Counting) -> None:
    counting.gate.clear()
    engines = [make_engine(database, counting.routes) for _ in range(2)]
    deliveries = [asyncio.create_task(engine.receive(message())) for engine in engines for _ in range(2)]
    await asyncio.wait_for(counting.both.wait(), 10)  # both have loaded before either commits
    counting.gate.set()
    replies = await asyncio.gather(*deliveries)
    for engine in engines:
        await engine.close()
    assert replies == [Reply.of("done hello")] * 4
    assert await households(database) == 1


async def test_conflicting_change_runs_the_handler_again_on_fresh_data(database: Database) -> None:
    resident_id, account_id = new_id(), new_id()
    seen: list[int] = []

    async def change_division(message: Incoming, ctx: Context) -> Reply:
        assert ctx.resident is not None
        seen.append(ctx.resident.input_version)
        if len(seen) == 1:  # somebody else corrects the resident meanwhile
            await database.execute(
                "UPDATE residents SET input_version = input_version + 1 WHERE resident_id = ?", [resident_id]
            )
        ctx.work.touch(resident_id, ctx.resident.input_version)
        ctx.work.rescored.add(resident_id)
        return Reply.of("changed")

    engine = make_engine(database, (Route("change", always, change_division),))
    await seed_resident(engine, database, account_id, resident_id)
    assert await engine.receive(message()) == Reply.of("changed")
    await engine.close()
    assert seen == [0, 1]
    assert (await database.fetch("SELECT input_version FROM residents"))[0][0] == 2


async def seed_resident(engine: Engine, database: Database, account_id: int, resident_id: int) -> None:
    keys = engine._tools.world.keys
    await database.execute(
        "INSERT INTO accounts (id, person_id, channel, external_index, external_sealed, consent, created_at)"
        " VALUES (?, ?, 'wechat_official', ?, ?, 'given', ?)",
        [
            account_id,
            account_id,
            keys.index("account:wechat_official", "o_li"),
            keys.seal("accounts.external", "o_li"),
            MORNING,
        ],
    )
    await database.execute(
        "INSERT INTO residents (resident_id, identity, created_at) VALUES (?, ?, ?)",
        [resident_id, Identity.VERIFIED.value, MORNING],
    )
    await database.execute(
        "INSERT INTO account_residents (id, account_id, resident_id, relation, since) VALUES (?, ?, ?, 'self', ?)",
        [new_id(), account_id, resident_id, MORNING],
    )


async def test_touched_resident_without_a_rescore_is_refused(database: Database) -> None:
    async def forget(message: Incoming, ctx: Context) -> Reply:
        assert ctx.resident is not None
        ctx.work.touch(ctx.resident.resident_id, ctx.resident.input_version)
        return Reply.of("changed")

    engine = make_engine(database, (Route("forget", always, forget),))
    await seed_resident(engine, database, new_id(), new_id())
    reply = await engine.receive(message())
    await engine.close()
    assert reply != Reply.of("changed")
    assert (await database.fetch("SELECT input_version FROM residents"))[0][0] == 0


async def test_number_picks_what_the_last_reply_offered(database: Database) -> None:
    picks: list[str | None] = []

    async def offer(message: Incoming, ctx: Context) -> Reply:
        picks.append(ctx.choice)
        return Reply.of(Choices((Choice("绿茶", "green tea"), Choice("红茶", "black tea")), "喝什么？"))

    engine = make_engine(database, (Route("offer", always, offer),))
    await engine.receive(message("hello", key="m:1"))
    await engine.receive(message("2", key="m:2"))
    await engine.receive(message("绿茶", key="m:3"))
    await engine.close()
    assert picks == [None, "black tea", "green tea"]


async def test_dialogue_survives_a_restart(database: Database) -> None:
    async def remember(message: Incoming, ctx: Context) -> Reply:
        said = [*ctx.talk.answers.get("said", []), message.text]
        ctx.talk.start("remember", "step", {"said": said})
        return Reply.of("、".join(said))

    routes = (Route("remember", always, remember),)
    first = make_engine(database, routes)
    await first.receive(message("one", key="m:1"))
    await first.close()
    second = make_engine(database, routes)
    reply = await second.receive(message("two", key="m:2"))
    await second.close()
    assert reply == Reply.of("one、two")


async def test_nothing_personal_is_readable_in_the_database(database: Database, counting: Counting) -> None:
    engine = make_engine(database, counting.routes)
    await engine.receive(message("我叫李小梅", account="o_secret_openid"))
    await engine.close()
    everything = ""
    for table in ("accounts", "inbox", "dialogues", "notices"):
        rows = await database.fetch(f"SELECT * FROM {table}")
        everything += str([list(row) for row in rows])
    assert "李小梅" not in everything
    assert "o_secret_openid" not in everything


async def test_first_messages_of_one_account_to_two_engines_both_count(
    database: Database, counting: Counting
) -> None:
    counting.gate.clear()
    engines = [make_engine(database, counting.routes) for _ in range(2)]
    deliveries = [
        asyncio.create_task(engine.receive(message(f"first {number}", key=f"m:{number}")))
        for number, engine in enumerate(engines)
    ]
    await asyncio.wait_for(counting.both.wait(), 10)  # neither knows of the account when both have loaded
    counting.gate.set()
    replies = await asyncio.gather(*deliveries)
    for engine in engines:
        await engine.close()
    assert replies == [Reply.of("done first 0"), Reply.of("done first 1")]
    assert await households(database) == 2
    assert (await database.fetch("SELECT COUNT(*) FROM accounts"))[0][0] == 1
