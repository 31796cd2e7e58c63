"""Tortoise's table rebuild on SQLite, made safe.

The stock rebuild drops the old table (with foreign keys on, its children's rows too) and forgets every index,
trigger and table constraint. This one refuses foreign keys, keeps what was there, and counts the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.migrations.schema_editor import SqliteSchemaEditor

from bot.errors import MigrationRefused

_CONSTRAINT = re.compile(r'CONSTRAINT\s+"(?P<name>[^"]+)"\s+(?P<kind>CHECK|UNIQUE)\s*\(', re.IGNORECASE)


@dataclass(frozen=True)
class TableConstraint:
    """A named CHECK or UNIQUE of a table, as SQLite keeps it."""

    name: str
    kind: str
    body: str

    @property
    def sql(self) -> str:
        return f'CONSTRAINT "{self.name}" {self.kind} ({self.body})'

    @property
    def columns(self) -> list[str]:
        """The columns of a UNIQUE, in order."""
        return [column.strip().strip('"') for column in self.body.split(",")]

    def mentions(self, column: str) -> bool:
        return re.search(rf"\b{re.escape(column)}\b", self.body) is not None


@dataclass
class _Rebuild:
    """What a rebuild changes in the table constraints."""

    added: list[TableConstraint] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)


def table_constraints(create_sql: str) -> Iterator[TableConstraint]:
    """The named constraints of a CREATE TABLE statement."""
    for match in _CONSTRAINT.finditer(create_sql):
        end = _closing(create_sql, match.end())
        yield TableConstraint(match["name"], match["kind"].upper(), create_sql[match.end() : end].strip())


def _closing(sql: str, start: int) -> int:
    """Where the parenthesis that was opened before `start` is closed; quoted text counts as one piece."""
    depth, quote = 1, ""
    for position in range(start, len(sql)):
        character = sql[position]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return position
    raise MigrationRefused("a constraint of the old table can't be read")


class GuardedSqliteEditor(SqliteSchemaEditor):
    """The editor that the runner uses on SQLite."""

    def __init__(self, connection: Any, atomic: bool = True, collect_sql: bool = False) -> None:
        super().__init__(connection, atomic, collect_sql=collect_sql)
        self._rebuild = _Rebuild()
        self._kept: Sequence[TableConstraint] = ()

    async def add_checks(self, model: Any, checks: Mapping[str, str]) -> None:
        """Rebuild the table with these CHECKs; existing rows that break one stop the migration."""
        added = [TableConstraint(name, "CHECK", check) for name, check in checks.items()]
        await self._rebuild_with(model, _Rebuild(added=added))

    async def remove_checks(self, model: Any, names: Iterable[str]) -> None:
        """Rebuild the table without these CHECKs."""
        await self._rebuild_with(model, _Rebuild(dropped=set(names)))

    async def remove_constraint(self, model: Any, constraint: Any) -> None:
        """Also for a UNIQUE inside the table, which the stock editor can't remove."""
        dropped = {constraint.name} if isinstance(constraint, CheckConstraint) else set()
        if isinstance(constraint, UniqueConstraint):
            wanted = self._resolve_fields_to_columns(model, constraint.fields)
            for existing in table_constraints(await self._create_sql(model._meta.db_table)):
                if existing.kind == "UNIQUE" and existing.columns == list(wanted):
                    dropped.add(existing.name)
        if dropped:
            await self._rebuild_with(model, _Rebuild(dropped=dropped))
        else:
            await super().remove_constraint(model, constraint)

    async def _alter_field(self, model: Any, old_field: Any, new_field: Any) -> None:
        """With the field's index made or dropped, which the stock editor does on PostgreSQL only."""
        await super()._alter_field(model, old_field, new_field)
        if old_field.index == new_field.index:
            return
        index = Index(fields=(_column(new_field),))
        if new_field.index:
            await self.add_index(model, index)
        else:
            await self.remove_index(model, index)

    async def _rebuild_with(self, model: Any, rebuild: _Rebuild) -> None:
        self._rebuild = rebuild
        known = model._meta.constraints
        # Tortoise hands over the model as it was, and would write the dropped constraint again.
        model._meta.constraints = tuple(c for c in known or () if c.name not in rebuild.dropped)
        try:
            await self._remake_table(model)
        finally:
            self._rebuild = _Rebuild()
            model._meta.constraints = known

    async def _remake_table(
        self,
        model: Any,
        create_field: Any = None,
        delete_field: Any = None,
        alter_fields: Any = None,
    ) -> None:
        if self.collect_sql:
            await super()._remake_table(model, create_field, delete_field, alter_fields)
            return
        table = model._meta.db_table
        if (await self._rows("PRAGMA foreign_keys"))[0][0]:
            raise MigrationRefused("foreign keys are on: rebuilding a table would delete what refers to it")
        deleted = _column(delete_field) if delete_field is not None else None
        await self._refuse_renames(table, alter_fields or ())
        indexes = await self._kept_statements(table, deleted)
        before = await self._count(table)
        sequence = await self._sequence(table)
        self._kept = await self._constraints(model, deleted)
        try:
            await super()._remake_table(model, create_field, delete_field, alter_fields)
        finally:
            self._kept = ()
        for statement in indexes:
            await self.client.execute_query(statement)
        if sequence:
            await self._restore_sequence(table, sequence)
        await self._verify(table, before)

    async def _run_sql(self, sql: str) -> None:
        if self._kept and sql.startswith('CREATE TABLE "new__'):
            sql = f"{sql.removesuffix(')')}, {', '.join(constraint.sql for constraint in self._kept)})"
        await super()._run_sql(sql)

    async def _constraints(self, model: Any, deleted: str | None) -> list[TableConstraint]:
        """The constraints of the new table, without those that Tortoise itself writes into it."""
        written = {c.name for c in model._meta.constraints or () if isinstance(c, CheckConstraint)}
        gone = self._rebuild.dropped | written
        kept = [
            constraint
            for constraint in table_constraints(await self._create_sql(model._meta.db_table))
            if constraint.name not in gone and not (deleted and constraint.mentions(deleted))
        ]
        return [*kept, *self._rebuild.added]

    async def _kept_statements(self, table: str, deleted: str | None) -> list[str]:
        """The CREATE statements of indexes and triggers; an index on a deleted column goes with it."""
        rows = await self._rows(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger')"
            " AND sql IS NOT NULL",
            [table],
        )
        statements = []
        for kind, name, sql in rows:
            if kind == "index" and deleted in await self._index_columns(name):
                continue
            statements.append(sql)
        return statements

    async def _refuse_renames(self, table: str, alter_fields: Iterable[tuple[Any, Any]]) -> None:
        for old, new in alter_fields:
            if _column(old) != _column(new):
                raise MigrationRefused(
                    f"{table}.{_column(old)}: rename the column in a migration of its own, then change it"
                )

    async def _verify(self, table: str, before: int) -> None:
        after = await self._count(table)
        if after != before:
            raise MigrationRefused(f"{table} had {before} rows before it was rebuilt and {after} after it")
        if await self._rows("PRAGMA foreign_key_check"):
            raise MigrationRefused(f"rebuilding {table} left rows that refer to nothing")

    async def _sequence(self, table: str) -> int:
        """The last AUTOINCREMENT number of a table; numbers of deleted rows must not come again."""
        if not await self._rows("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'"):
            return 0
        rows = await self._rows("SELECT seq FROM sqlite_sequence WHERE name = ?", [table])
        return int(rows[0][0]) if rows else 0

    async def _restore_sequence(self, table: str, sequence: int) -> None:
        await self.client.execute_query("DELETE FROM sqlite_sequence WHERE name = ?", [table])
        await self.client.execute_query(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [table, sequence]
        )

    async def _count(self, table: str) -> int:
        rows = await self._rows(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - a name from the models
        return int(rows[0][0])

    async def _index_columns(self, index: str) -> set[str | None]:
        return {row[2] for row in await self._rows(f'PRAGMA index_info("{index}")')}

    async def _create_sql(self, table: str) -> str:
        rows = await self._rows("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", [table])
        if not rows:
            raise MigrationRefused(f"the table {table} is missing")
        return str(rows[0][0])

    async def _rows(self, sql: str, values: list[Any] | None = None) -> Sequence[Any]:
        _, rows = await self.client.execute_query(sql, values)
        return rows


def _column(model_field: Any) -> str:
    return str(model_field.source_field or model_field.model_field_name)
