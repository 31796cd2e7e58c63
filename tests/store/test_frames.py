"""A range of residents as frames: what the loader reads, the same by both drivers, on one state of the database."""

from __future__ import annotations

import asyncio
import builtins
from datetime import timedelta
from typing import Any

import pytest

from bot.services.columnar_rescore import ColumnarJudge
from bot.services.population import scope_of
from bot.store.database import Database
from bot.store.frames import Frames, Range, libpq_url, read_frames
from tests.fakes.clock import MORNING
from tests.services.stored import FEVER, TODAY, Stores, stay

ALL = Range(0, 2**63 - 1)


@pytest.fixture
async def stores(database: Database) -> Stores:
    made = Stores(database)
    for _ in range(2):
        await made.add(facts=[stay("330302", 50, 49)], days_ago=40, punch_ins=range(60), late=[FEVER])
        await made.add(schemes=["hubei", "wuhan"], punch_ins=range(40))
    await database.execute("UPDATE residents SET division = NULL WHERE last_punch_in = ?", [TODAY])
    return made


async def read(stores: Stores, of: Range = ALL, **options: Any) -> Frames:
    url, today = stores.database.url, MORNING.date()
    return await asyncio.to_thread(read_frames, url, of, ("hubei",), today=today, **options)


async def test_frames_hold_what_the_loader_reads(stores: Stores) -> None:
    ids = [row[0] for row in await stores.rows("SELECT resident_id FROM residents ORDER BY resident_id")]
    loaded = await stores.loader.residents(ids, MORNING)
    frames = await read(stores)
    people = {row["resident_id"]: row for row in frames.people.iter_rows(named=True)}
    for each in loaded:
        row = people[each.resident_id]
        assert (row["identity"], row["home"], row["zone"]) == (each.identity, each.division, each.zone)
        assert row["declared_at"] == each.declared_at
    days = {(each.resident_id, day, one.normal) for each in loaded for day, one in each.punch_ins.items()}
    assert set(frames.days.iter_rows()) == days
    facts = {(each.resident_id, one.id, one.end, one.known_at) for each in loaded for one in each.facts}
    assert set(frames.facts.select("resident_id", "id", "end", "known_at").iter_rows()) == facts
    codes = {(each.resident_id, each.codes["hubei"].next_change_at) for each in loaded}
    assert set(frames.codes.select("resident_id", "next_change_at").iter_rows()) == codes


async def test_base_driver_reads_the_same_frames(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await read(stores, births=True)
    imports = builtins.__import__

    def without_adbc(name: str, *arguments: Any) -> Any:
        if name.startswith("adbc"):
            raise ImportError(name)
        return imports(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_adbc)
    found = await read(stores, births=True)
    for name in ("people", "codes", "facts", "days", "births"):
        frame, other = getattr(found, name), getattr(expected, name)
        assert frame.schema == other.schema, name
        assert set(frame.iter_rows()) == set(other.iter_rows()), name


async def test_range_reads_nobody_outside_of_it(stores: Stores) -> None:
    ids = [row[0] for row in await stores.rows("SELECT resident_id FROM residents ORDER BY resident_id")]
    frames = await read(stores, Range(ids[0], ids[2]))
    for name in ("people", "codes", "facts", "days"):
        assert set(getattr(frames, name)["resident_id"]) <= set(ids[1:3]), name
    assert sorted(frames.people["resident_id"]) == ids[1:3]


async def test_division_is_digits_and_nothing_else(stores: Stores) -> None:
    with pytest.raises(ValueError, match="digits"):
        await read(stores, Range(0, 1, "33' OR '1'='1"))


async def test_withdrawn_facts_are_not_read(stores: Stores) -> None:
    await stores.database.execute("UPDATE facts SET withdrawn_at = ?", [MORNING])
    assert len((await read(stores)).facts) == 0


async def test_age_is_opened_only_where_a_rule_reads_it(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = [row[0] for row in await stores.rows("SELECT resident_id FROM residents LIMIT 2")]
    for resident_id, birth in ((first, "2010-05-05"), (second, "1980-05-05")):
        sealed = stores.world.keys.seal("residents.birth", birth)
        await stores.database.execute(
            "UPDATE residents SET birth_sealed = ? WHERE resident_id = ?", [sealed, resident_id]
        )
    judge, scope = ColumnarJudge(stores.world, stores.database.url), scope_of(stores.world, "hubei")
    assert judge.read(scope, ALL, MORNING).births is None
    monkeypatch.setattr("bot.services.columnar_rescore._reads_age", lambda _history: True)
    frames = judge.read(scope, ALL, MORNING + timedelta(0))
    people = judge._people(frames.people, frames.births, MORNING)
    assert people.filter("minor")["resident_id"].to_list() == [first]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("asyncpg://u:p%40@h:5/d", "postgresql://u:p%40@h:5/d"),
        ("postgres://h/d?minsize=2&sslmode=require&maxsize=7", "postgresql://h/d?sslmode=require"),
        ("postgres://h/d?schema=town", "postgresql://h/d?options=-c%20search_path%3Dtown"),
    ],
)
def test_url_keeps_what_the_driver_understands(url: str, wanted: str) -> None:
    assert libpq_url(url) == wanted
