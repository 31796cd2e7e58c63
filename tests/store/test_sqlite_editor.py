"""Rebuilding a SQLite table keeps its rows, indexes, triggers, constraints and numbers, or refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.migration import Migration
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.transactions import in_transaction

from bot.errors import MigrationRefused
from bot.store.migrate import Connection, reading
from bot.store.migrations._operations import AddChecks, RemoveChecks
from bot.store.sqlite_editor import GuardedSqliteEditor, TableConstraint, table_constraints


class Chain:
    """Applies operations one after another, as migrations would."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.state = State(models={}, apps=StateApps(default_connections={"yima": connection.name}))

    async def apply(self, *operations: Any) -> None:
        migration = Migration("step", "yima")
        migration.operations = list(operations)
        editor = GuardedSqliteEditor(self.connection.client)
        async with in_transaction(self.connection.name) as transaction:
            editor.client = transaction
            await migration.apply(self.state, schema_editor=editor)

    async def sql(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.connection.fetch(sql)]

    async def objects(self) -> list[tuple[Any, ...]]:
        return await self.sql(
            "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY name"
        )


def model(more: Sequence[tuple[str, Any]] = ()) -> ops.CreateModel:
    return ops.CreateModel(
        name="Log",
        fields=[
            ("sequence", fields.BigIntField(generated=True, primary_key=True)),
            ("resident_id", fields.BigIntField()),
            ("day", fields.DateField(db_index=True)),
            ("origin", fields.CharField(max_length=8)),
            *more,
        ],
        options={
            "table": "log",
            "unique_together": (("resident_id", "day"),),
            "indexes": [Index(fields=["origin", "day"])],
        },
    )


WIDER = ops.AlterField("Log", "origin", fields.CharField(max_length=200, null=True))
CHECKS = AddChecks({"Log": {"ck_origin": "origin <> 'a)b'", "ck_resident": "resident_id > 0"}})


@pytest.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    async with reading(f"sqlite://{tmp_path}/t.db") as connection:
        chain = Chain(connection)
        await chain.apply(model(), CHECKS)
        await chain.sql(
            "CREATE TRIGGER keep BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'kept; always'); END"
        )
        await chain.sql("CREATE INDEX partial ON log (day) WHERE origin = 'chat'")
        for number in (1, 2, 3):
            await chain.sql(
                f"INSERT INTO log (resident_id, day, origin) VALUES ({number}, '2020-02-0{number}', 'chat')"
            )
        yield chain


async def test_a_rebuild_keeps_rows_indexes_triggers_and_constraints(chain: Chain) -> None:
    before, rows = await chain.objects(), await chain.sql("SELECT * FROM log")
    await chain.apply(WIDER)
    assert await chain.objects() == before
    assert await chain.sql("SELECT * FROM log") == rows
    (table,) = await chain.sql("SELECT sql FROM sqlite_master WHERE name = 'log'")
    assert {constraint.name for constraint in table_constraints(table[0])} >= {"ck_origin", "ck_resident"}
    for wrong, reason in (
        ("(1, '2020-02-01', 'feed')", "UNIQUE"),
        ("(9, '2020-02-01', 'a)b')", "ck_origin"),
        ("(0, '2020-02-01', 'x')", "ck_resident"),
    ):
        with pytest.raises(Exception, match=reason):
            await chain.sql(f"INSERT INTO log (resident_id, day, origin) VALUES {wrong}")
    with pytest.raises(Exception, match="kept; always"):
        await chain.sql("DELETE FROM log")


async def test_a_number_that_was_given_once_is_not_given_again(chain: Chain) -> None:
    await chain.sql("DROP TRIGGER keep")
    await chain.sql("DELETE FROM log WHERE sequence > 1")
    await chain.apply(WIDER)
    await chain.sql("INSERT INTO log (resident_id, day, origin) VALUES (5, '2020-02-05', 'chat')")
    assert await chain.sql("SELECT sequence FROM log ORDER BY sequence") == [(1,), (4,)]


async def test_a_rebuild_with_foreign_keys_on_is_refused(chain: Chain) -> None:
    await chain.sql("PRAGMA foreign_keys = ON")
    with pytest.raises(MigrationRefused, match="foreign keys are on"):
        await chain.apply(WIDER)
    assert await chain.sql("SELECT count(*) FROM log") == [(3,)]


async def test_a_rebuild_that_would_lose_rows_is_refused_and_undone(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = GuardedSqliteEditor._run_sql

    async def lossy(self: GuardedSqliteEditor, sql: str) -> None:
        await run(self, f"{sql} WHERE sequence < 3" if sql.startswith("INSERT INTO") else sql)

    monkeypatch.setattr(GuardedSqliteEditor, "_run_sql", lossy)
    with pytest.raises(MigrationRefused, match="log had 3 rows before it was rebuilt and 2 after"):
        await chain.apply(WIDER)
    assert await chain.sql("SELECT count(*) FROM log") == [(3,)]


async def test_rows_that_refer_to_nothing_stop_a_rebuild(chain: Chain) -> None:
    await chain.sql("CREATE TABLE child (log BIGINT REFERENCES log (sequence))")
    await chain.sql("INSERT INTO child VALUES (99)")
    with pytest.raises(MigrationRefused, match="refer to nothing"):
        await chain.apply(WIDER)


async def test_a_check_that_existing_rows_break_stops_the_migration(chain: Chain) -> None:
    with pytest.raises(Exception, match="ck_new"):
        await chain.apply(AddChecks({"Log": {"ck_new": "resident_id > 2"}}))
    assert await chain.sql("SELECT count(*) FROM log") == [(3,)]


async def test_a_removed_check_is_gone_and_the_others_stay(chain: Chain) -> None:
    await chain.apply(RemoveChecks({"Log": ("ck_origin",)}))
    await chain.sql("INSERT INTO log (resident_id, day, origin) VALUES (9, '2020-02-01', 'a)b')")
    with pytest.raises(Exception, match="ck_resident"):
        await chain.sql("INSERT INTO log (resident_id, day, origin) VALUES (0, '2020-02-01', 'x')")


async def test_a_removed_column_takes_its_own_indexes_and_checks_only(chain: Chain) -> None:
    await chain.sql("DROP INDEX partial")
    await chain.apply(ops.RemoveField("Log", "origin"))
    names = {name for _, name in await chain.objects()}
    assert any(name.startswith("idx_log_day") for name in names)
    assert not any(name.startswith("idx_log_origin") for name in names)
    with pytest.raises(Exception, match="ck_resident"):
        await chain.sql("INSERT INTO log (resident_id, day) VALUES (0, '2020-02-01')")
    with pytest.raises(Exception, match="UNIQUE"):
        await chain.sql("INSERT INTO log (resident_id, day) VALUES (1, '2020-02-01')")


async def test_a_rename_together_with_a_change_is_refused(chain: Chain) -> None:
    renamed = fields.CharField(max_length=200, source_field="came_from")
    with pytest.raises(MigrationRefused, match=r"log\.origin: rename the column in a migration of its own"):
        await chain.apply(ops.AlterField("Log", "origin", renamed), ops.AlterField("Log", "origin", renamed))


async def test_an_index_of_a_field_comes_and_goes_with_the_field(chain: Chain) -> None:
    before = await chain.objects()
    await chain.apply(ops.AlterField("Log", "day", fields.DateField(null=True)))
    without = await chain.objects()
    assert len(without) == len(before) - 1
    await chain.apply(ops.AlterField("Log", "day", fields.DateField(null=True, db_index=True)))
    assert await chain.objects() == before


async def test_a_unique_inside_the_table_can_be_removed(chain: Chain) -> None:
    await chain.apply(ops.RemoveConstraint("Log", fields=["resident_id", "day"]))
    await chain.sql("INSERT INTO log (resident_id, day, origin) VALUES (1, '2020-02-01', 'feed')")
    assert await chain.sql("SELECT count(*) FROM log") == [(4,)]


async def test_constraints_in_tortoises_own_state_come_and_go_once(chain: Chain) -> None:
    await chain.apply(
        ops.AddConstraint("Log", CheckConstraint(check="day > '2019'", name="ck_day")),
        ops.AddConstraint("Log", UniqueConstraint(fields=("origin", "resident_id"), name="uq_origin")),
        WIDER,
    )
    (table,) = await chain.sql("SELECT sql FROM sqlite_master WHERE name = 'log'")
    assert table[0].count('"ck_day"') == 1
    await chain.apply(
        ops.RemoveConstraint("Log", name="ck_day"), ops.RemoveConstraint("Log", name="uq_origin")
    )
    (table,) = await chain.sql("SELECT sql FROM sqlite_master WHERE name = 'log'")
    assert "ck_day" not in table[0]
    assert ("index", "uq_origin") not in await chain.objects()
    assert '"ck_origin"' in table[0]


def test_constraints_are_read_with_quotes_and_nested_parentheses() -> None:
    sql = (
        'CREATE TABLE "t" ("a" INT, CONSTRAINT "u" UNIQUE ("a", "b"),'
        " CONSTRAINT \"c\" CHECK (a IN (1, 2) OR b <> ')(' OR b = 'it''s)'))"
    )
    assert list(table_constraints(sql)) == [
        TableConstraint("u", "UNIQUE", '"a", "b"'),
        TableConstraint("c", "CHECK", "a IN (1, 2) OR b <> ')(' OR b = 'it''s)'"),
    ]


def test_a_constraint_that_never_ends_is_refused() -> None:
    with pytest.raises(MigrationRefused, match="can't be read"):
        list(table_constraints('CREATE TABLE "t" (CONSTRAINT "c" CHECK (a > 1'))
