"""A run over everybody: the same as one by one, by columns or not, in one go or killed in between."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bot.errors import BadRequest, NotFound
from bot.services.columnar_rescore import ColumnarJudge
from bot.services.facts import record
from bot.services.population import Population, Run, Scope, Verdict, scope_of
from bot.services.risk import load_risk, publish_levels
from bot.store.database import Database, Session
from tests.fakes.clock import MORNING, FakeClock
from tests.services.stored import FEVER, Stores, low_world, stay

COMPARED = {
    "health_codes": "resident_id, scheme, colour, state, since, version, assessment, next_change_at, held_since",
    "colour_changes": "resident_id, scheme, at, old_colour, old_state, new_colour, new_state, cause, assessment",
    "notices": "resident_id, account_id, kind, priority, state, dedup_key, not_before, expires_at, created_at",
    "residents": "resident_id, input_version, last_punch_in",
    "facts": "resident_id, id, kind, start_day, withdrawn_at",
}
FILLED = (
    "residents",
    "accounts",
    "account_residents",
    "health_codes",
    "facts",
    "punch_ins",
    "colour_changes",
)
WAYS = ("one by one", "columns")

Rows = dict[str, list[tuple[Any, ...]]]


async def fill(stores: Stores) -> None:
    """Some of every kind: unchanged, worse, better, held, late for a look, without facts, of other places."""
    both = ["hangzhou", "hubei"]
    for _ in range(3):
        await stores.add(schemes=both)
        await stores.add(schemes=both, late=[FEVER], accounts=2)
        await stores.add(schemes=both, facts=[FEVER], days_ago=0)
        await stores.add(schemes=["hangzhou"], facts=[stay("330302", 3, 2)], division="330106")
        await stores.add(schemes=both, late=[stay("330302", 9, 8)], division="330106", punch_ins=range(1, 9))
        await stores.add(schemes=["wuhan"], facts=[stay("330302", 30, 29)], days_ago=28, punch_ins=range(40))
        await stores.add(schemes=both, punch_ins=(), days_ago=15)


@pytest.fixture
async def stores(database: Database) -> Stores:
    made = Stores(database, low_world())
    levels = {"42": "low", "44": "low", "33": "low", "3303": "high"}
    await publish_levels(
        database, levels, first=date(2020, 1, 1), source="t", known_at=MORNING - timedelta(60)
    )
    made.world.risk = await load_risk(database)
    await fill(made)
    return made


def population(stores: Stores, way: str, *, chunk: int = 4) -> Population:
    judge = ColumnarJudge(stores.world, stores.database.url, chunk=chunk) if way == "columns" else None
    return Population(stores.world, stores.database, stores.rescorer, FakeClock(), judge=judge)


async def run(stores: Stores, way: str, scope: Scope, *, fresh: bool = False) -> Run:
    runs = population(stores, way)
    return await runs.go_on(await runs.begin(scope, fresh=fresh))


async def seen(stores: Stores) -> Rows:
    """What a run leaves behind, without the ids that are random and the seals."""
    return {
        table: sorted(await stores.rows(f"SELECT {columns} FROM {table}"), key=str)
        for table, columns in COMPARED.items()
    }


async def dump(stores: Stores) -> Rows:
    return {table: await stores.rows(f"SELECT * FROM {table}") for table in FILLED}


async def restore(stores: Stores, rows: Rows) -> None:
    """The database as it was when it was dumped."""

    async def body(session: Session) -> None:
        for table in (*FILLED, "notices", "rescore_runs"):
            await session.execute(f"DELETE FROM {table}")
        for table, kept in rows.items():
            marks = ",".join("?" * len(kept[0]))
            await session.execute_many([(f"INSERT INTO {table} VALUES ({marks})", kept)])

    await stores.database.transaction(body)


async def one_at_a_time(stores: Stores, scope: Scope) -> Rows:
    """What scoring each resident alone leaves behind; the database is as before afterwards."""
    before = await dump(stores)
    for (resident_id,) in await stores.rows("SELECT resident_id FROM residents ORDER BY resident_id"):
        await stores.rescorer.rescore_many(
            [resident_id], cause="population", now=MORNING, schemes=scope.schemes
        )
    after = await seen(stores)
    await restore(stores, before)
    return after


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["hangzhou", None])
async def test_run_leaves_what_scoring_each_alone_leaves(
    stores: Stores, way: str, scheme: str | None
) -> None:
    scope = scope_of(stores.world, scheme)
    expected = await one_at_a_time(stores, scope)
    assert expected != await seen(stores)
    done = await run(stores, way, scope)
    assert await seen(stores) == expected
    assert done.counts["residents"] == (18 if scheme else 21)
    assert done.counts["changes"] > 0
    assert (done.counts["failed"], done.counts["disagreements"], done.state) == (0, 0, "done")


@pytest.mark.parametrize("way", WAYS)
async def test_second_run_writes_nothing(stores: Stores, way: str) -> None:
    scope = scope_of(stores.world, None)
    await run(stores, way, scope)
    before = await seen(stores)
    done = await run(stores, way, scope)
    assert (done.counts["written"], done.counts["changes"], done.counts["disagreements"]) == (0, 0, 0)
    assert await seen(stores) == before


@pytest.mark.parametrize("way", WAYS)
async def test_killed_run_goes_on_and_ends_as_one_in_one_go(
    stores: Stores, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = scope_of(stores.world, None)
    expected = await one_at_a_time(stores, scope)
    monkeypatch.setattr("bot.services.population._ONE_BY_ONE", 4)
    save = Population._save
    saved: list[int] = []

    async def dies(self: Population, killed: Run) -> None:
        saved.append(killed.cursor)
        if len(saved) == 3:  # the chunk is written, the cursor is not
            raise KeyboardInterrupt
        await save(self, killed)

    with monkeypatch.context() as patch:
        patch.setattr(Population, "_save", dies)
        with pytest.raises(KeyboardInterrupt):
            await run(stores, way, scope)
    again = await population(stores, way).begin(scope)
    assert (again.resumed, again.cursor) == (True, saved[1])
    done = await population(stores, way).go_on(again)
    assert await seen(stores) == expected
    assert done.counts["residents"] == 21
    assert await stores.rows("SELECT state FROM rescore_runs") == [("done",)]


async def test_fresh_run_leaves_the_killed_one_behind(stores: Stores) -> None:
    runs, scope = population(stores, "one by one"), scope_of(stores.world, None)
    first = await runs.begin(scope)
    second = await runs.begin(scope, fresh=True)
    assert (second.resumed, second.id != first.id) == (False, True)
    states = dict(await stores.rows("SELECT id, state FROM rescore_runs"))
    assert states == {first.id: "left", second.id: "running"}


async def test_run_of_another_scope_or_book_is_not_gone_on_with(stores: Stores) -> None:
    runs = population(stores, "one by one")
    await runs.begin(scope_of(stores.world, None))
    assert not (await runs.begin(scope_of(stores.world, "hubei"))).resumed
    assert not (await runs.begin(scope_of(stores.world, None, "33"))).resumed
    assert (await runs.begin(scope_of(stores.world, None))).resumed
    await stores.database.execute("UPDATE rescore_runs SET versions = 'older' WHERE scheme = 'all'")
    assert not (await runs.begin(scope_of(stores.world, None))).resumed


@pytest.mark.parametrize("way", WAYS)
async def test_division_limits_a_run_to_who_lives_there(stores: Stores, way: str) -> None:
    done = await run(stores, way, scope_of(stores.world, None, "3301"))
    assert done.counts["residents"] == 6
    changed = await stores.rows("SELECT DISTINCT resident_id FROM colour_changes WHERE cause = 'population'")
    homes = dict(await stores.rows("SELECT resident_id, division FROM residents"))
    assert {homes[resident_id] for (resident_id,) in changed} == {"330106"}


async def test_scheme_that_is_not_decided_here_is_refused(stores: Stores) -> None:
    with pytest.raises(NotFound):
        scope_of(stores.world, "atlantis")
    with pytest.raises(BadRequest):
        scope_of(stores.world, None, "3")


class WrongJudge:
    """Says of everybody that they differ."""

    chunk = 100

    def __init__(self, ids: frozenset[int]) -> None:
        self.ids = ids

    async def differing(self, scope: Scope, after: int, up_to: int, now: Any) -> Verdict:
        return Verdict(self.ids, frozenset(), len(self.ids))


async def test_disagreement_of_plan_and_engine_is_counted_and_writes_nothing(stores: Stores) -> None:
    scope = scope_of(stores.world, None)
    await run(stores, "one by one", scope)
    before = await seen(stores)
    ids = frozenset(row[0] for row in await stores.rows("SELECT resident_id FROM residents"))
    runs = Population(stores.world, stores.database, stores.rescorer, FakeClock(), judge=WrongJudge(ids))
    done = await runs.go_on(await runs.begin(scope))
    assert (done.counts["disagreements"], done.counts["written"]) == (21, 0)
    assert await seen(stores) == before


@pytest.mark.parametrize("way", WAYS)
async def test_fact_that_comes_in_during_a_run_is_not_scored_away(stores: Stores, way: str) -> None:
    resident_id = (await stores.rows("SELECT MAX(resident_id) FROM residents"))[0][0]
    later = MORNING + timedelta(seconds=30)  # the run reads its clock before it reads the resident
    await stores.database.execute("DELETE FROM facts WHERE resident_id = ?", [resident_id])
    await stores.rescorer.apply(
        resident_id, lambda work, each: _with_fever(work, each), cause="punch_in", now=later
    )
    before = await stores.rows(
        "SELECT scheme, colour FROM health_codes WHERE resident_id = ? ORDER BY scheme", resident_id
    )
    await run(stores, way, scope_of(stores.world, None))
    after = await stores.rows(
        "SELECT scheme, colour FROM health_codes WHERE resident_id = ? ORDER BY scheme", resident_id
    )
    assert after == before


def _with_fever(work: Any, resident: Any) -> None:
    record(work, resident, source="punch_in", reference="late", **FEVER)


async def test_levels_that_change_during_a_run_count_from_the_next_chunk_on(stores: Stores) -> None:
    """Who was scored with the old ones before is queued."""
    runs, scope = population(stores, "columns", chunk=11), scope_of(stores.world, "hangzhou")
    asked: list[int] = []

    async def publish(done: int) -> None:
        asked.append(done)
        await publish_levels(
            stores.database, {"3303": "low"}, first=date(2020, 1, 1), source="t",
            known_at=MORNING - timedelta(seconds=1),
        )  # fmt: skip
        await stores.database.execute("DELETE FROM rescore_queue")  # another process has drained it

    save = runs._save

    async def save_then_publish(run: Run) -> None:
        await save(run)
        if not asked:
            await publish(run.cursor)

    runs._save = save_then_publish  # type: ignore[method-assign]  # somebody publishes in between
    await runs.go_on(await runs.begin(scope))
    touched = await stores.rows("SELECT COUNT(DISTINCT resident_id) FROM facts WHERE division = '330302'")
    assert await stores.rows("SELECT COUNT(*) FROM rescore_queue") == touched
    assert stores.world.risk.level("3303", date(2020, 2, 1)) == "low"


async def test_progress_is_told_in_chunks_until_all_are_through(stores: Stores) -> None:
    runs, scope = population(stores, "columns"), scope_of(stores.world, None)
    told: list[int] = []
    assert await runs.holders(scope) == 21
    await runs.go_on(await runs.begin(scope), told.append)
    assert told == [4, 4, 4, 4, 4, 1]
