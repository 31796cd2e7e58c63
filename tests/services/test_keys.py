"""Key rotation: everything comes under the new keys, nothing is lost, whoever writes or dies in between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.services.keys import context_of, rotate, sealed_tables
from bot.store import indexes, models
from bot.store.database import Database
from bot.store.indexes import Indexed
from bot.store.schema import written_down
from bot.store.sealing import KeyRing
from tests.store.rows import insert, valid_row

OLD_DATA, NEW_DATA, OLD_INDEX, NEW_INDEX = (KeyRing.generate() for _ in range(4))
OLD = KeyRing(OLD_DATA, OLD_INDEX)
BOTH = KeyRing(f"{NEW_DATA},{OLD_DATA}", f"{NEW_INDEX},{OLD_INDEX}")
NEW = KeyRing(NEW_DATA, NEW_INDEX)
ADDRESS = "文三路3栋2单元501"


def index_of(keys: KeyRing, made: Indexed | None) -> str:
    assert made is not None
    return keys.index(made.kind, made.value)


def sealed_row(keys: KeyRing, table: str, number: int) -> dict[str, Any]:
    """A valid row whose sealed columns are really sealed."""
    row = valid_row(table, written_down()[table]["columns"], number)
    for column in row:
        if column.endswith("_sealed"):
            row[column] = keys.seal(context_of(table, column), f"{table} {column} {number}")
        if column.endswith("_index"):
            row[column] = None
    return row


def resident(keys: KeyRing, number: int, **changes: Any) -> dict[str, Any]:
    certificate, phone = f"E{number:08}", f"138{number:08}"
    return sealed_row(keys, "residents", number) | {
        "certificate_kind": "passport",
        "certificate_sealed": keys.seal("residents.certificate", certificate),
        "certificate_index": index_of(keys, indexes.certificate("passport", certificate)),
        "phone_sealed": keys.seal("residents.phone", phone),
        "phone_index": index_of(keys, indexes.phone(phone)),
        "division": "330106",
        "address_sealed": keys.seal("residents.address", ADDRESS),
        "building_index": index_of(keys, indexes.building("330106", ADDRESS)),
        "household_id": number,
        **changes,
    }


def account(keys: KeyRing, number: int) -> dict[str, Any]:
    return sealed_row(keys, "accounts", number) | {
        "channel": "wechat_official",
        "external_sealed": keys.seal("accounts.external", f"o{number}"),
        "external_index": index_of(keys, indexes.account("wechat_official", f"o{number}")),
    }


async def fill(database: Database, keys: KeyRing, numbers: range) -> None:
    """Rows in every table that has something sealed."""
    for number in numbers:
        for table in sealed_tables():
            row = sealed_row(keys, table.name, number)
            if table.name == "residents":
                row = resident(keys, number)
            elif table.name == "accounts":
                row = account(keys, number)
            elif table.name == "households":
                row["building_index"] = index_of(keys, indexes.building("330106", ADDRESS))
            await insert(database, table.name, row)


async def heads(database: Database) -> set[str]:
    """The ids of all keys that are still used for anything."""
    used = set()
    for table in sealed_tables():
        for column in table.sealed:
            rows = await database.fetch(f"SELECT {column} FROM {table.name} WHERE {column} IS NOT NULL")
            used |= {NEW.key_of(row[0]) for row in rows}
        for column in table.indexed:
            rows = await database.fetch(f"SELECT {column} FROM {table.name} WHERE {column} IS NOT NULL")
            used |= {row[0].split(":")[0] for row in rows}
    return used


async def one(database: Database, sql: str, *params: Any) -> Any:
    ((value,),) = await database.fetch(sql, params)
    return value


async def test_everything_sealed_and_indexed_comes_under_the_new_keys(database: Database) -> None:
    await fill(database, OLD, range(1, 8))
    report = await rotate(database, BOTH, batch=3)
    assert report.complete
    assert await heads(database) == {NEW.data_key_id, NEW.index_key_id}
    sealed = sum(len(table.sealed) for table in sealed_tables())
    indexed = sum(len(table.indexed) for table in sealed_tables())
    assert (report.resealed, report.reindexed) == (7 * sealed, 7 * indexed)


async def test_what_was_sealed_reads_the_same_with_the_new_keys_alone(database: Database) -> None:
    await fill(database, OLD, range(1, 3))
    await rotate(database, BOTH)
    blob = await one(database, "SELECT certificate_sealed FROM residents WHERE resident_id = ?", 2)
    assert NEW.open("residents.certificate", blob) == "E00000002"
    blob = await one(database, "SELECT reply_sealed FROM inbox WHERE message_key = ?", "v1")
    assert NEW.open("inbox.reply", blob) == "inbox reply_sealed 1"


async def test_people_are_found_by_the_new_index_alone(database: Database) -> None:
    await fill(database, OLD, range(1, 4))
    await rotate(database, BOTH)
    phone = index_of(NEW, indexes.phone("+86 138 0000 0003"))
    assert await one(database, "SELECT resident_id FROM residents WHERE phone_index = ?", phone) == 3
    building = index_of(NEW, indexes.building("330106", ADDRESS))
    assert await one(database, "SELECT count(*) FROM residents WHERE building_index = ?", building) == 3
    assert await one(database, "SELECT count(*) FROM households WHERE building_index = ?", building) == 3
    external = index_of(NEW, indexes.account("wechat_official", "o2"))
    assert await one(database, "SELECT id FROM accounts WHERE external_index = ?", external) == 2


async def test_rotating_twice_changes_nothing(database: Database) -> None:
    await fill(database, OLD, range(1, 4))
    await rotate(database, BOTH)
    before = await database.fetch("SELECT * FROM residents ORDER BY resident_id")
    report = await rotate(database, BOTH)
    assert (report.resealed, report.reindexed, report.complete) == (0, 0, True)
    assert [tuple(row) for row in await database.fetch("SELECT * FROM residents ORDER BY resident_id")] == [
        tuple(row) for row in before
    ]


async def test_a_rotation_that_was_killed_is_finished_by_the_next(database: Database) -> None:
    await fill(database, OLD, range(1, 10))

    def killed(table: str, seen: int) -> None:
        if table == "inbox" and seen >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rotate(database, BOTH, batch=2, progress=killed)
    assert {OLD.data_key_id, NEW.data_key_id} <= await heads(database)
    assert (await rotate(database, BOTH, batch=2)).complete
    assert await heads(database) == {NEW.data_key_id, NEW.index_key_id}


async def test_a_value_that_is_written_meanwhile_is_never_overwritten(database: Database) -> None:
    await insert(database, "residents", resident(OLD, 1))
    await insert(database, "residents", resident(OLD, 2))
    newer = OLD.seal("residents.name", "written meanwhile")
    transaction = database.transaction
    done: list[bool] = []

    async def interrupted(body: Any) -> Any:
        if not done:
            done.append(True)
            await database.execute("UPDATE residents SET name_sealed = ? WHERE resident_id = ?", [newer, 2])
        return await transaction(body)

    database.transaction = interrupted  # type: ignore[method-assign]
    report = await rotate(database, BOTH)
    assert report.complete
    blob = await one(database, "SELECT name_sealed FROM residents WHERE resident_id = ?", 2)
    assert NEW.open("residents.name", blob) == "written meanwhile"


async def test_a_row_that_changes_in_every_pass_is_reported(database: Database) -> None:
    await insert(database, "residents", resident(OLD, 1))
    transaction = database.transaction

    async def interrupted(body: Any) -> Any:
        blob = OLD.seal("residents.name", "again")
        database.transaction = transaction  # type: ignore[method-assign]
        await database.execute("UPDATE residents SET name_sealed = ? WHERE resident_id = ?", [blob, 1])
        database.transaction = interrupted  # type: ignore[method-assign]
        return await transaction(body)

    database.transaction = interrupted  # type: ignore[method-assign]
    report = await rotate(database, BOTH)
    assert report.changed_meanwhile == 1
    assert not report.complete


async def test_a_value_that_no_key_opens_stops_nothing_and_is_counted(database: Database) -> None:
    lost = KeyRing(KeyRing.generate(), OLD_INDEX)
    blob = lost.seal("residents.name", "lost")
    await insert(database, "residents", resident(OLD, 1, name_sealed=blob, phone_sealed=b"damaged"))
    await insert(database, "residents", resident(OLD, 2))
    report = await rotate(database, BOTH, batch=1)
    assert report.unopened == {"residents.name_sealed": 1, "residents.phone_sealed": 1}
    assert report.unmatched == {"residents.phone_index": 1}
    assert not report.complete
    assert await one(database, "SELECT name_sealed FROM residents WHERE resident_id = ?", 1) == blob
    moved = await one(database, "SELECT name_sealed FROM residents WHERE resident_id = ?", 2)
    assert NEW.key_of(moved) == NEW.data_key_id


async def test_an_index_that_was_made_of_something_else_is_left_and_counted(database: Database) -> None:
    strange = OLD.index("phone", "13999999999")
    await insert(database, "residents", resident(OLD, 1, phone_index=strange))
    report = await rotate(database, BOTH)
    assert report.unmatched == {"residents.phone_index": 1}
    assert await one(database, "SELECT phone_index FROM residents WHERE resident_id = ?", 1) == strange


async def test_an_index_whose_key_is_lost_is_made_anew(database: Database) -> None:
    lost = KeyRing(OLD_DATA, KeyRing.generate())
    stale = lost.index("phone", "13800000001")
    await insert(database, "residents", resident(OLD, 1, phone_index=stale))
    report = await rotate(database, BOTH)
    assert report.complete
    made = await one(database, "SELECT phone_index FROM residents WHERE resident_id = ?", 1)
    assert made == index_of(NEW, indexes.phone("13800000001"))


async def test_a_household_without_an_address_keeps_its_index_and_is_counted(database: Database) -> None:
    old = index_of(OLD, indexes.building("330106", ADDRESS))
    await insert(
        database,
        "households",
        {
            "id": 1,
            "division": "330106",
            "building_index": old,
            "created_at": datetime(2020, 2, 1, tzinfo=UTC),
        },
    )
    report = await rotate(database, BOTH)
    assert report.unmatched == {"households.building_index": 1}
    assert await one(database, "SELECT building_index FROM households") == old


async def test_progress_names_the_table_and_counts_its_rows(database: Database) -> None:
    for number in range(1, 6):
        await insert(database, "accounts", account(OLD, number))
    said: list[tuple[str, int]] = []
    await rotate(database, BOTH, batch=2, progress=lambda table, seen: said.append((table, seen)))
    assert said == [("accounts", 2), ("accounts", 4), ("accounts", 5)]


def test_every_sealed_and_indexed_column_of_the_models_is_rotated() -> None:
    columns = {
        (getattr(models, name)._meta.db_table, column)
        for name in models.__all__
        for column in getattr(models, name)._meta.fields_map
        if column.endswith(("_sealed", "_index"))
    }
    tables = sealed_tables()
    assert {(table.name, column) for table in tables for column in (*table.sealed, *table.indexed)} == columns
    blobs = {
        (name, column)
        for name, table in written_down().items()
        for column, kind in table["columns"].items()
        if kind.startswith("bytes")
    }
    assert blobs == {(table, column) for table, column in columns if column.endswith("_sealed")}


def test_every_indexed_column_says_what_it_is_made_from() -> None:
    anything = {"channel": "c", "certificate_kind": "k", "division": "330106"}
    for table in sealed_tables():
        row = anything | dict.fromkeys(
            ("external_sealed", "certificate_sealed", "phone_sealed", "address_sealed"), "3栋"
        )
        for column in table.indexed:
            assert indexes.of_row(table.name, column, row) is not None
