"""Bring the schema to head: one process at a time, each step whole or not at all, never downwards.

Tortoise's migrations do the work; what they leave to luck (locks, the record of a step, SQLite's table
rebuild, a database from a newer release) is guarded here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol

from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.migration import Migration
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.transactions import in_transaction

from bot.errors import MigrationRefused
from bot.store.config import APP, MIGRATIONS, connection_config, sqlite_path
from bot.store.migration_lock import migration_lock
from bot.store.sqlite_copy import copy_before
from bot.store.sqlite_editor import GuardedSqliteEditor

RECORDS = "tortoise_migrations"
# A step that can't run in one transaction leaves this mark while it runs; whoever finds it stops.
_UNFINISHED = f"{APP}:unfinished"

_log = logging.getLogger(__name__)


class Reader(Protocol):
    """Anything that reads rows: an open `Database`, or the connection of the runner."""

    @property
    def dialect(self) -> str: ...

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Sequence[Any]]: ...


@cache
def revisions() -> tuple[str, ...]:
    """The names of all migrations of this code, oldest first."""
    names = (module.name for module in iter_modules(import_module(MIGRATIONS).__path__))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def head_revision() -> str:
    """The name of the newest migration of this code."""
    return revisions()[-1]


async def applied(connection: Reader) -> set[str]:
    """The names of the migrations that this database has had; empty for a database without any."""
    if not await _has_table(connection, RECORDS):
        return set()
    rows = await connection.fetch(f"SELECT name FROM {RECORDS} WHERE app = '{APP}'")  # noqa: S608 - constants
    return {row[0] for row in rows}


async def pending(database: str | Reader) -> list[str]:
    """What `migrate` would apply, oldest first; takes a URL or something that reads."""
    if not isinstance(database, str):
        done = await applied(database)
        return [name for name in revisions() if name not in done]
    path = sqlite_path(database)
    if path is not None and not path.exists():
        return list(revisions())
    async with reading(database) as connection:
        return await pending(connection)


async def migrate(url: str, *, to: str | None = None) -> list[str]:
    """Apply what is missing, up to head or to one revision, and return the names of what was applied.

    MigrationRefused when the database is newer than the code, half-applied, or not ours; nothing was changed then.
    """
    if to is not None and to not in revisions():
        raise MigrationRefused(f"there is no migration {to}")
    # A task of its own: Tortoise's context can't leak into the caller's, nor the caller's into this one.
    return await asyncio.create_task(_migrate(url, to or head_revision()), name="migrate")


async def _migrate(url: str, target: str) -> list[str]:
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives the files beside it the same rights: what people declared is the service's alone.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    async with migration_lock(url), reading(url) as connection:
        missing = await _missing(connection, target)
        if not missing:
            return []
        if path is not None and missing[0] != revisions()[0]:
            copy = await asyncio.to_thread(copy_before, path, missing[0])
            _log.info("the database was copied", extra={"action": "database_copied", "copy": copy.name})
        executor = _Executor(
            connection.client, {APP: {"migrations": MIGRATIONS, "default_connection": connection.name}}
        )
        await executor.prepare()
        for name in missing:
            await executor.apply(name)
            _log.info("a migration was applied", extra={"action": "migration_applied", "migration": name})
        return missing


async def _missing(connection: Connection, target: str) -> list[str]:
    """What is to be applied; refuses a database that can't be brought forward safely."""
    await _refuse_unfinished(connection)
    done = await applied(connection)
    known = revisions()
    newer = sorted(done - set(known))
    if newer:
        raise MigrationRefused(
            f"the database is newer than this code: it has {', '.join(newer)}, the code ends at {known[-1]}."
            " Run the release that made it, or go back to the copy that was made before."
        )
    if done != set(known[: len(done)]):
        raise MigrationRefused(
            f"the database is half-applied: it lacks {', '.join(sorted(set(known[: len(done)]) - done))}"
            f" but has {max(done)}. Go back to a copy."
        )
    if not done:
        await _refuse_foreign_tables(connection)
    return list(known[len(done) : known.index(target) + 1])


async def _refuse_unfinished(connection: Connection) -> None:
    if connection.dialect == "sqlite":
        left = await connection.fetch(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'new\\_\\_%' ESCAPE '\\'"
        )
        if left:
            raise MigrationRefused(
                f"a rebuild of a table was cut short: {left[0][0]} is left. Go back to a copy."
            )
    if not await _has_table(connection, RECORDS):
        return
    rows = await connection.fetch(f"SELECT name FROM {RECORDS} WHERE app = '{_UNFINISHED}'")  # noqa: S608
    if rows:
        raise MigrationRefused(f"the migration {rows[0][0]} began and did not end. Go back to a copy.")


async def _refuse_foreign_tables(connection: Connection) -> None:
    for table in _first_tables():
        if await _has_table(connection, table):
            raise MigrationRefused(
                f"the database has a table {table} but no record of migrations: it is not ours"
            )


def _first_tables() -> list[str]:
    first = import_module(f"{MIGRATIONS}.{revisions()[0]}").Migration
    return [operation.options["table"] for operation in first.operations]


async def _has_table(connection: Reader, table: str) -> bool:
    if connection.dialect == "sqlite":
        rows = await connection.fetch(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        )
        return bool(rows)
    rows = await connection.fetch("SELECT to_regclass(?::text) IS NOT NULL", (table,))
    return bool(rows[0][0])


class Connection:
    """The runner's own connection, with the one method that is needed to read."""

    def __init__(self, client: Any, dialect: str) -> None:
        self.client = client
        self.dialect = dialect
        self.name: str = client.connection_name

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
        if self.dialect == "postgresql":
            for number in range(1, len(params) + 1):
                sql = sql.replace("?", f"${number}", 1)
        _, rows = await self.client.execute_query(sql, list(params))
        result: Sequence[Sequence[Any]] = rows
        return result


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[Connection]:
    """A connection under a name of its own, since Tortoise caches SQL by that name; always closed again."""
    dialect = "sqlite" if sqlite_path(url) is not None else "postgresql"
    name = f"migrations-{dialect}"
    config = connection_config(url)
    if dialect == "postgresql":
        config["credentials"] |= {"maxsize": 1, "command_timeout": None}
    async with TortoiseContext() as context:
        context.connections._init_config({name: config})
        yield Connection(context.connections.get(name), dialect)


class _Executor(MigrationExecutor):
    """Applies one migration with its record in the same transaction."""

    async def prepare(self) -> None:
        await self.loader.build_graph()
        await self.recorder.ensure_schema(self._schema_editor(atomic=False))

    async def apply(self, name: str) -> None:
        key = MigrationKey(app_label=APP, name=name)
        migration = self.loader.graph.nodes[key]
        if not isinstance(migration, Migration):
            raise MigrationRefused(f"the migration {name} is missing")
        before = set(self.loader.graph.forwards_plan(key)) - {key}
        state = await self._project_state(before)
        editor = self._schema_editor(atomic=migration.atomic)
        if editor.atomic_migration:
            async with in_transaction(self.connection.connection_name) as transaction:
                # The record goes first: on SQLite a transaction that begins with a read can lose its turn to write.
                await _record(transaction, APP, name)
                editor.client = transaction
                await migration.apply(state, schema_editor=editor)
            return
        await _record(self.connection, _UNFINISHED, name)
        await migration.apply(state, schema_editor=editor)
        await self.connection.execute_query(
            f"UPDATE {RECORDS} SET app = '{APP}' WHERE app = '{_UNFINISHED}'"  # noqa: S608 - constants
        )

    def _schema_editor(self, atomic: bool = True, collect_sql: bool = False) -> BaseSchemaEditor:
        if self.connection.capabilities.dialect == "sqlite":
            return GuardedSqliteEditor(self.connection, atomic=atomic, collect_sql=collect_sql)
        return super()._schema_editor(atomic, collect_sql)


async def _record(connection: Any, app: str, name: str) -> None:
    await connection.execute_query(
        f"INSERT INTO {RECORDS} (app, name, applied_at) VALUES ('{app}', '{name}', CURRENT_TIMESTAMP)"  # noqa: S608
    )
