"""The queue: filled by an index with those who are touched, drained without losing anybody, at their cost alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from bot.services import rescore_queue
from bot.services.rescore_queue import (
    LEASE,
    LEVEL_TOUCHES,
    SCHEME_TOUCHES,
    LevelDays,
    level_params,
    take,
    touched_by_books,
    touched_by_levels,
    waiting,
    work_off,
)
from bot.store.config import sqlite_path
from bot.store.database import Database, Session
from bot.store.ids import new_id
from tests.fakes.clock import MORNING
from tests.services.stored import FEVER, TODAY, Stores, stay

LATER = MORNING + timedelta(minutes=1)


@pytest.fixture
def stores(database: Database) -> Stores:
    return Stores(database)


async def queue_by(database: Database, *levels: LevelDays, cause: str = "risk_level") -> int:
    async def body(session: Session) -> int:
        return await touched_by_levels(session, levels, cause=cause, queued_at=MORNING)

    return await database.transaction(body)


async def queued(stores: Stores) -> set[int]:
    return {row[0] for row in await stores.rows("SELECT resident_id FROM rescore_queue")}


@pytest.mark.parametrize(
    ("level", "touched"),
    [
        (LevelDays("3303", TODAY - timedelta(days=10)), True),
        (LevelDays("33", TODAY - timedelta(days=10)), True),
        (LevelDays("330302", TODAY - timedelta(days=10)), True),
        (LevelDays("330303", TODAY - timedelta(days=10)), False),
        (LevelDays("3304", TODAY - timedelta(days=10)), False),
        (LevelDays("330302001", TODAY - timedelta(days=10)), False),
        (LevelDays("3303", TODAY - timedelta(days=2)), True),
        (LevelDays("3303", TODAY - timedelta(days=1)), False),
        (LevelDays("3303", date(2020, 1, 1), TODAY - timedelta(days=3)), True),
        (LevelDays("3303", date(2020, 1, 1), TODAY - timedelta(days=4)), False),
    ],
)
async def test_level_touches_facts_inside_its_division_on_its_days(
    stores: Stores, level: LevelDays, touched: bool
) -> None:
    resident_id = await stores.add(facts=[stay("330302", 3, 2)])
    assert await queue_by(stores.database, level) == int(touched)
    assert await queued(stores) == ({resident_id} if touched else set())


@pytest.mark.parametrize(
    ("fact", "touched"),
    [
        ({"kind": "stay"}, True),  # until it became known, which was yesterday
        ({"kind": "measure", "details": {"what": "home_isolation"}}, True),
        ({"kind": "journey", "details": {"mode": "train"}}, False),
    ],
)
async def test_fact_without_an_end_is_touched_as_far_as_it_may_last(
    stores: Stores, fact: dict[str, Any], touched: bool
) -> None:
    # what was known long ago ends there, unless its kind goes on
    await stores.add(
        facts=[fact | {"start": TODAY - timedelta(days=9), "division": "330302"}],
        days_ago=1 if fact["kind"] == "stay" else 9,
    )
    assert await queue_by(stores.database, LevelDays("3303", TODAY - timedelta(days=1))) == int(touched)


async def test_withdrawn_fact_is_not_touched(stores: Stores) -> None:
    await stores.add(facts=[stay("330302")])
    await stores.database.execute("UPDATE facts SET withdrawn_at = ?", [MORNING])
    assert await queue_by(stores.database, LevelDays("33", date(2020, 1, 1))) == 0


async def test_new_book_touches_the_holders_of_its_schemes(stores: Stores) -> None:
    holder = await stores.add(schemes=["hubei", "wuhan"])
    await stores.add(schemes=["guangdong"])

    async def body(session: Session) -> int:
        return await touched_by_books(session, ["wuhan"], cause="rule_book", queued_at=MORNING)

    assert await stores.database.transaction(body) == 1
    assert await queued(stores) == {holder}


async def test_resident_touched_twice_is_queued_once_with_the_last_cause(stores: Stores) -> None:
    await stores.add(facts=[stay("330302"), stay("330303")])
    await queue_by(stores.database, LevelDays("3303", date(2020, 1, 1)))
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1)), cause="withdrawn")
    assert await stores.rows("SELECT cause, attempts FROM rescore_queue") == [("withdrawn", 0)]


async def test_queue_is_drained_and_the_touched_are_scored(stores: Stores) -> None:
    ids = [await stores.add(facts=[stay("330302")], late=[FEVER]) for _ in range(3)]
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1)))
    entries = await take(stores.database, 10, now=LATER, wire=LATER)
    counts = await work_off(stores.rescorer, stores.database, entries, now=LATER, wire=LATER)
    assert (counts.residents, counts.changes) == (3, 3)
    assert await stores.colours() == dict.fromkeys(ids, "red")
    assert await waiting(stores.database) == 0


async def test_entry_is_taken_by_one_and_comes_back_when_its_lease_ends(stores: Stores) -> None:
    await stores.add(facts=[stay("330302")])
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1)))
    assert len(await take(stores.database, 10, now=LATER, wire=LATER)) == 1
    assert await take(stores.database, 10, now=LATER, wire=LATER) == []
    (again,) = await take(stores.database, 10, now=LATER, wire=LATER + LEASE)
    assert again.attempts == 2


async def test_entry_that_is_not_due_is_left_where_it_is(stores: Stores) -> None:
    await stores.add(facts=[stay("330302")])
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1), known_at=LATER))
    assert await take(stores.database, 10, now=MORNING, wire=LATER) == []
    assert len(await take(stores.database, 10, now=LATER, wire=LATER)) == 1


async def test_kill_between_taking_and_the_end_loses_nobody(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    resident_id = await stores.add(facts=[stay("330302")], late=[FEVER])
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1)))

    async def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    entries = await take(stores.database, 10, now=LATER, wire=LATER)
    with monkeypatch.context() as patch:
        patch.setattr(rescore_queue, "_settle", die)
        with pytest.raises(KeyboardInterrupt):
            await work_off(stores.rescorer, stores.database, entries, now=LATER, wire=LATER)
    after = LATER + LEASE
    entries = await take(stores.database, 10, now=after, wire=after)
    await work_off(stores.rescorer, stores.database, entries, now=LATER, wire=after)
    assert [entry.resident_id for entry in entries] == [resident_id]
    assert await waiting(stores.database) == 0
    assert await stores.rows("SELECT COUNT(*) FROM colour_changes WHERE old_colour IS NOT NULL") == [(1,)]


async def test_entry_filled_anew_meanwhile_stays(stores: Stores) -> None:
    await stores.add(facts=[stay("330302")])
    level = LevelDays("33", date(2020, 1, 1))
    await queue_by(stores.database, level)
    entries = await take(stores.database, 10, now=LATER, wire=LATER)
    await queue_by(stores.database, level)
    await work_off(stores.rescorer, stores.database, entries, now=LATER, wire=LATER)
    assert await waiting(stores.database) == 1


async def test_failing_resident_waits_and_stops_nobody(stores: Stores) -> None:
    bad, good = [await stores.add(facts=[stay("330302")], late=[FEVER]) for _ in range(2)]
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1)))
    await stores.database.execute("UPDATE facts SET details = 'no json' WHERE resident_id = ?", [bad])
    entries = await take(stores.database, 10, now=LATER, wire=LATER)
    counts = await work_off(stores.rescorer, stores.database, entries, now=LATER, wire=LATER)
    assert (counts.changes, counts.failures) == (1, [bad])
    assert (await stores.colours())[good] == "red"
    assert await queued(stores) == {bad}
    assert await take(stores.database, 10, now=LATER, wire=LATER + timedelta(seconds=119)) == []
    assert len(await take(stores.database, 10, now=LATER, wire=LATER + timedelta(minutes=2))) == 1


async def test_queued_resident_who_is_gone_leaves_the_queue(stores: Stores) -> None:
    await stores.add(facts=[stay("330302")])
    await queue_by(stores.database, LevelDays("33", date(2020, 1, 1)))
    for table in ("residents", "health_codes", "facts", "punch_ins"):
        await stores.database.execute(f"DELETE FROM {table}")
    entries = await take(stores.database, 10, now=LATER, wire=LATER)
    counts = await work_off(stores.rescorer, stores.database, entries, now=LATER, wire=LATER)
    assert (counts.gone, await waiting(stores.database)) == (1, 0)


async def fill(database: Database, first: int, count: int, division: str) -> None:
    """Plain rows, quickly: residents with a code, each with one fact in that division."""
    people = [(first + each, MORNING, MORNING) for each in range(count)]
    codes = [(new_id(), row[0], MORNING, MORNING) for row in people]
    facts = [(new_id(), row[0], f"r{row[0]}", division, TODAY, MORNING) for row in people]

    async def body(session: Session) -> None:
        await session.execute_many(
            [
                (
                    "INSERT INTO residents (resident_id, identity, declared_at, created_at) VALUES (?, 'verified', ?, ?)",
                    people,
                ),
                (
                    "INSERT INTO health_codes (id, resident_id, scheme, colour, state, since, held_since)"
                    " VALUES (?, ?, 'hubei', 'grey', 'undecided', ?, ?)",
                    codes,
                ),
                (
                    "INSERT INTO facts (id, resident_id, kind, source, reference, division, start_day, known_at)"
                    " VALUES (?, ?, 'stay', 'test', ?, ?, ?, ?)",
                    facts,
                ),
            ]
        )

    await database.transaction(body)
    await database.execute("ANALYZE")


async def plan(database: Database, sql: str, params: list[Any]) -> str:
    """How the database would run a statement, as text."""
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "

    async def body(session: Session) -> str:
        return "\n".join(str(tuple(row)) for row in await session.fetch(explain + sql, params))

    return await database.transaction(body)


async def test_touched_by_a_level_are_found_by_the_index_of_facts(database: Database) -> None:
    await fill(database, 1_000, 2_000, "4201")
    await fill(database, 9_000, 10, "330302")
    params = level_params(LevelDays("3303", TODAY), cause="x", queued_at=MORNING)
    assert "idx_facts_divisio" in await plan(database, LEVEL_TOUCHES, params)


async def test_holders_of_a_code_are_found_by_an_index(database: Database) -> None:
    await fill(database, 1_000, 2_000, "4201")
    for scheme in range(20):
        until = 1_000 + 100 * (scheme + 1)
        await database.execute(
            "UPDATE health_codes SET scheme = ? WHERE scheme = 'hubei' AND resident_id < ?",
            [f"s{scheme}", until],
        )
    await database.execute("ANALYZE")
    found = await plan(database, SCHEME_TOUCHES, ["x", MORNING, 1, "s3"])
    assert "idx_health_code_scheme" in found


async def test_cost_follows_the_touched_and_not_the_population(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = Stores(database)
    loaded: list[int] = []
    residents = stores.loader.residents

    async def counting(resident_ids: Any, now: Any) -> Any:
        loaded.append(len(resident_ids))
        return await residents(resident_ids, now)

    monkeypatch.setattr(stores.loader, "residents", counting)
    await fill(database, 9_000, 10, "330302")
    spent = []
    for first, more in ((100_000, 40), (200_000, 1_950)):
        await fill(database, first, more, "4201")
        level = LevelDays("3303", TODAY)
        steps = await work_of(database, LEVEL_TOUCHES, level_params(level, cause="x", queued_at=MORNING))
        loaded.clear()
        await queue_by(database, level)
        entries = await take(database, 500, now=LATER, wire=LATER)
        await work_off(stores.rescorer, database, entries, now=LATER, wire=LATER)
        spent.append((len(entries), sum(loaded), steps))
    among_50, among_2000 = spent
    assert among_50[:2] == among_2000[:2] == (10, 10)
    assert among_2000[2] <= among_50[2] * 1.2


async def work_of(database: Database, sql: str, params: list[Any]) -> int:
    """The work that a statement takes and then undoes: steps of SQLite's machine, or rows that PostgreSQL read."""
    path = sqlite_path(database.url)
    if path is not None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            steps: list[None] = []
            connection.execute("BEGIN")
            connection.set_progress_handler(lambda: steps.append(None), 1)
            connection.execute(sql, params)
            connection.set_progress_handler(None, 1)
            connection.rollback()
            return len(steps)

    class Undo(Exception):
        pass

    read: list[int] = []

    async def body(session: Session) -> None:
        rows = await session.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        read.append(_rows_read(json.loads(rows[0][0])[0]["Plan"]))
        raise Undo

    with pytest.raises(Undo):
        await database.transaction(body)
    return read[0]


def _rows_read(node: dict[str, Any]) -> int:
    """Rows that the nodes of a plan returned or threw away."""
    own = int(node["Actual Rows"]) + int(node.get("Rows Removed by Filter", 0))
    return own + sum(_rows_read(each) for each in node.get("Plans", ()))
