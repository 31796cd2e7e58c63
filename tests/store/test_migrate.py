"""The runner: to head from every revision, on both databases, one at a time, and refusals that change nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from tortoise.context import get_current_context

from bot.errors import MigrationRefused
from bot.store.database import Database
from bot.store.migrate import RECORDS, applied, head_revision, migrate, pending, reading, revisions
from bot.store.schema import describe
from bot.store.sqlite_copy import copies
from tests.postgresql import empty_database
from tests.store.rows import count, insert, valid_row

ROOT = Path(__file__).parents[2]
BOTH = pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(backend: str, tmp_path: Path) -> Iterator[str]:
    """An empty database. Both kinds may be used in one process here, since nothing goes through the ORM."""
    with empty_database(backend, tmp_path) as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "yima.db"


def run_sql(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(sql)


@BOTH
async def test_an_empty_database_gets_every_migration_once(url: str) -> None:
    assert await pending(url) == list(revisions())
    assert await migrate(url) == list(revisions())
    assert await pending(url) == []
    assert await migrate(url) == []


@BOTH
@pytest.mark.parametrize("revision", revisions()[:-1])
async def test_no_row_is_lost_on_the_way_to_head(url: str, revision: str) -> None:
    await migrate(url, to=revision)
    async with reading(url) as connection:
        tables = await describe(connection)
        for table, description in tables.items():
            for number in range(1, 6):
                await insert(connection, table, valid_row(table, description["columns"], number))
        before = await count(connection, list(tables))
    assert set(before.values()) == {5}
    await migrate(url)
    async with reading(url) as connection:
        assert await count(connection, list(tables)) == before
        rows = await connection.fetch("SELECT temperature_tenths, symptoms FROM punch_ins ORDER BY id")
    assert [tuple(row) for row in rows] == [(365, f"v{number}") for number in range(1, 6)]


@BOTH
async def test_an_open_database_tells_what_is_applied(url: str) -> None:
    database = Database(url)
    async with reading(url) as connection:
        assert await applied(connection) == set()
    await migrate(url, to=revisions()[0])
    await database.open()
    try:
        assert await applied(database) == {revisions()[0]}
        assert await pending(database) == list(revisions()[1:])
        await migrate(url)
        assert await pending(database) == []
        assert head_revision() in await applied(database)
    finally:
        await database.close()


async def test_what_is_pending_is_told_without_making_a_file(file: Path) -> None:
    assert await pending(f"sqlite://{file}") == list(revisions())
    assert list(file.parent.iterdir()) == []


@BOTH
async def test_three_processes_at_once_all_end_well_and_one_migrates(url: str) -> None:
    code = "import asyncio, sys; from bot.store.migrate import migrate; print(len(asyncio.run(migrate(sys.argv[1]))))"
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, url, cwd=ROOT, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    said = [int((await process.communicate())[0]) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(said) == [0, 0, len(revisions())]
    assert await pending(url) == []


@BOTH
async def test_migrating_leaves_no_context_and_no_thread_behind(url: str) -> None:
    threads = set(threading.enumerate())
    await migrate(url)
    await pending(url)
    assert get_current_context() is None
    # the executor's idle workers are the loop's, not ours
    left = {
        thread for thread in set(threading.enumerate()) - threads if not thread.name.startswith("asyncio_")
    }
    for thread in left:  # a driver's thread has closed its file and is about to end
        thread.join(timeout=10)
    assert [thread for thread in left if thread.is_alive()] == []


@BOTH
async def test_a_database_that_is_newer_than_the_code_is_refused(url: str) -> None:
    await migrate(url)
    async with reading(url) as connection:
        await connection.fetch(
            f"INSERT INTO {RECORDS} (app, name, applied_at) VALUES ('yima', '9999_later', CURRENT_TIMESTAMP)"
        )
    with pytest.raises(MigrationRefused, match=r"newer than this code: it has 9999_later"):
        await migrate(url)


@BOTH
async def test_a_database_with_a_hole_in_its_history_is_refused(url: str) -> None:
    await migrate(url)
    async with reading(url) as connection:
        await connection.fetch(f"DELETE FROM {RECORDS} WHERE name = '{revisions()[0]}'")
    with pytest.raises(MigrationRefused, match=f"half-applied: it lacks {revisions()[0]}"):
        await migrate(url)


@BOTH
async def test_tables_without_a_record_are_refused_and_kept(url: str) -> None:
    async with reading(url) as connection:
        await connection.fetch("CREATE TABLE facts (id BIGINT)")
    with pytest.raises(MigrationRefused, match="a table facts but no record"):
        await migrate(url)
    async with reading(url) as connection:
        assert list(await describe(connection)) == ["facts"]


@BOTH
async def test_a_migration_that_began_and_did_not_end_is_refused(url: str) -> None:
    await migrate(url, to=revisions()[0])
    async with reading(url) as connection:
        await connection.fetch(
            f"INSERT INTO {RECORDS} (app, name, applied_at)"
            f" VALUES ('yima:unfinished', '{revisions()[1]}', CURRENT_TIMESTAMP)"
        )
    with pytest.raises(MigrationRefused, match=f"{revisions()[1]} began and did not end"):
        await migrate(url)


async def test_what_is_left_of_a_table_rebuild_is_refused(file: Path) -> None:
    url = f"sqlite://{file}"
    await migrate(url)
    run_sql(file, "CREATE TABLE new__facts (id BIGINT)")
    with pytest.raises(MigrationRefused, match="new__facts is left"):
        await migrate(url)


@BOTH
async def test_a_revision_that_does_not_exist_is_refused(url: str) -> None:
    with pytest.raises(MigrationRefused, match="no migration 0000_nothing"):
        await migrate(url, to="0000_nothing")


@BOTH
async def test_a_step_that_fails_changes_nothing_and_can_be_tried_again(url: str) -> None:
    await migrate(url, to=revisions()[0])
    async with reading(url) as connection:
        tables = await describe(connection)
        row = valid_row("health_codes", tables["health_codes"]["columns"], 1) | {"colour": "purple"}
        await insert(connection, "health_codes", row)
    with pytest.raises(Exception, match="ck_health_codes_colour"):
        await migrate(url)
    async with reading(url) as connection:
        assert await describe(connection) == tables
        assert await applied(connection) == {revisions()[0]}
        await connection.fetch("UPDATE health_codes SET colour = 'red'")
    assert await migrate(url) == list(revisions()[1:])


async def test_the_file_is_copied_before_a_database_with_rows_changes(file: Path) -> None:
    url = f"sqlite://{file}"
    await migrate(url, to=revisions()[0])
    assert copies(file) == []
    run_sql(file, "INSERT INTO communities VALUES ('330106001', '北山街道', '2020-02-01 00:00:00+00:00')")
    await migrate(url)
    (copy,) = copies(file)
    assert copy.name == f"yima.db.before-{revisions()[1]}"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM communities").fetchall() == [("北山街道",)]
        assert connection.execute(f"SELECT name FROM {RECORDS}").fetchall() == [(revisions()[0],)]


async def test_a_database_at_head_is_not_copied_again(file: Path) -> None:
    url = f"sqlite://{file}"
    await migrate(url)
    await migrate(url)
    assert copies(file) == []


async def test_folder_and_file_are_made_for_the_owner_only(tmp_path: Path) -> None:
    await migrate(f"sqlite://{tmp_path}/new/folder/yima.db")
    assert stat.S_IMODE(os.stat(tmp_path / "new/folder/yima.db").st_mode) == 0o600


@BOTH
async def test_a_step_outside_of_a_transaction_is_recorded_when_it_ends(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module(f"bot.store.migrations.{revisions()[1]}").Migration, "atomic", False)
    assert await migrate(url) == list(revisions())
    assert await pending(url) == []


@BOTH
async def test_a_step_outside_of_a_transaction_that_fails_is_never_taken_for_done(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module(f"bot.store.migrations.{revisions()[1]}").Migration, "atomic", False)
    await migrate(url, to=revisions()[0])
    async with reading(url) as connection:
        columns = (await describe(connection))["health_codes"]["columns"]
        await insert(connection, "health_codes", valid_row("health_codes", columns, 1) | {"colour": "purple"})
    with pytest.raises(Exception, match="ck_health_codes_colour"):
        await migrate(url)
    with pytest.raises(
        MigrationRefused, match=f"new__health_codes is left|{revisions()[1]} began and did not end"
    ):
        await migrate(url)


async def test_every_step_is_logged_by_name(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="bot.store.migrate"):
        await migrate(f"sqlite://{file}")
    logged = [vars(record).get("migration") for record in caplog.records]
    assert [name for name in logged if name] == list(revisions())


def test_migrations_form_one_line_and_import_nothing_that_may_move() -> None:
    folder = ROOT / "bot/store/migrations"
    for earlier, later in zip(revisions(), revisions()[1:], strict=False):
        assert f'dependencies = [("yima", "{earlier}")]' in (folder / f"{later}.py").read_text()
    for path in folder.glob("*.py"):
        imported = [line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
        allowed = (
            "from tortoise",
            "from bot.store.migrations._operations",
            "from __future__",
            "from collections.abc",
        )
        assert [line for line in imported if not line.startswith((*allowed, "from typing"))] == []
