"""The schema as it is written down in `schema.json`, so that a change of it is seen in a review.

`python -m bot.store.schema` migrates an empty SQLite database and writes the file anew.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from pathlib import Path
from typing import Any

from bot.store.migrate import RECORDS, Reader, migrate, reading
from bot.store.sqlite_editor import table_constraints

FILE = Path(__file__).with_name("schema.json")

Tables = dict[str, dict[str, Any]]

# Both databases in the same words. A yes or no is a number on SQLite.
_TYPES = {
    "int": "int",
    "integer": "int",
    "boolean": "int",
    "smallint": "smallint",
    "bigint": "bigint",
    "text": "text",
    "date": "date",
    "timestamp": "instant",
    "timestamp with time zone": "instant",
    "blob": "bytes",
    "bytea": "bytes",
}
_TRANSACTION = "((pg_current_xact_id())::text)::bigint"


def written_down() -> Tables:
    """The tables of `schema.json`, in the form that SQLite has."""
    tables: Tables = json.loads(FILE.read_text(encoding="utf-8"))
    return tables


_ALONE = {
    "notices": {"idx_notices_id": ["id"]},
    "data_links": {"idx_data_links_token": ["token_hash"]},
}


def on_postgresql(tables: Tables) -> Tables:
    """The same tables as PostgreSQL has them.

    Three things differ: a resident's tables are keyed by resident first, so that they can be distributed, the
    punch-in log knows its transaction, and notices and links to data are found by their own key alone.
    """
    changed: Tables = {}
    for name, table in tables.items():
        key = table["primary_key"]
        if "resident_id" in table["columns"] and key != ["resident_id"]:
            key = ["resident_id", *key]
        columns = dict(table["columns"])
        if name == "punch_in_log":
            columns["transaction"] = f"bigint default {_TRANSACTION}"
        indexes = table["indexes"] | _ALONE.get(name, {})
        changed[name] = {**table, "primary_key": key, "columns": columns, "indexes": indexes}
    return changed


async def describe(connection: Reader) -> Tables:
    """The tables of an open database: columns, keys, indexes and checks, in one form for both databases."""
    if connection.dialect == "sqlite":
        return await _describe_sqlite(connection)
    return await _describe_postgresql(connection)


async def _describe_sqlite(connection: Reader) -> Tables:
    rows = await connection.fetch(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> ?"
        " ORDER BY name",
        (RECORDS,),
    )
    return {name: await _describe_sqlite_table(connection, name, sql) for name, sql in rows}


async def _describe_sqlite_table(connection: Reader, table: str, sql: str) -> dict[str, Any]:
    info = await connection.fetch(f'PRAGMA table_info("{table}")')
    columns = {
        name: "bigint sequence" if "AUTOINCREMENT" in sql and key else _column(kind, not required, default)
        for _, name, kind, required, default, key in info
    }
    unique, indexes = [], {}
    for _, index, is_unique, origin, _ in await connection.fetch(f'PRAGMA index_list("{table}")'):
        names = [row[2] for row in await connection.fetch(f'PRAGMA index_info("{index}")')]
        if origin == "c" and not is_unique:
            indexes[index] = names
        elif origin != "pk":
            unique.append(names)
    checks = {check.name: check.body for check in table_constraints(sql) if check.kind == "CHECK"}
    key = [row[1] for row in sorted((row for row in info if row[5]), key=lambda row: int(row[5]))]
    return _table(columns, key, unique, indexes, checks)


async def _describe_postgresql(connection: Reader) -> Tables:
    names = await connection.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        " AND table_name <> ? ORDER BY table_name",
        (RECORDS,),
    )
    return {name: await _describe_postgresql_table(connection, name) for (name,) in names}


async def _describe_postgresql_table(connection: Reader, table: str) -> dict[str, Any]:
    info = await connection.fetch(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,"
        " pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a"
        " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = ?::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        (table,),
    )
    columns = {name: _column(kind, nullable, default) for name, kind, nullable, default in info}
    key: list[str] = []
    unique, indexes = [], {}
    for index, is_key, is_unique, names in await connection.fetch(
        "SELECT c.relname, i.indisprimary, i.indisunique,"
        " ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) FROM generate_series(1, i.indnatts) n)"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ?::text::regclass",
        (table,),
    ):
        if is_key:
            key = list(names)
        elif is_unique:
            unique.append(list(names))
        else:
            indexes[index] = list(names)
    checks: dict[str, str] = {}
    for name, body in await connection.fetch(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = ?::text::regclass AND contype = 'c'",
        (table,),
    ):
        checks[name] = body
    return _table(columns, key, unique, indexes, checks)


def _table(
    columns: dict[str, str],
    key: list[str],
    unique: list[list[str]],
    indexes: dict[str, list[str]],
    checks: dict[str, str],
) -> dict[str, Any]:
    return {
        "columns": dict(sorted(columns.items())),
        "primary_key": key,
        "unique": sorted(unique),
        "indexes": dict(sorted(indexes.items())),
        "checks": dict(sorted(checks.items())),
    }


def _column(kind: str, nullable: bool, default: str | None) -> str:
    words = [_type(kind.lower())]
    if default is not None and default.startswith("nextval("):
        words.append("sequence")
    elif default is not None:
        words.append(f"default {_default(default)}")
    if nullable:
        words.append("null")
    return " ".join(words)


def _type(kind: str) -> str:
    return _TYPES.get(kind, kind.replace("character varying", "varchar"))


def _default(default: str) -> str:
    if default in {"true", "false"}:
        return str(int(default == "true"))
    return re.sub(r"^('(?:[^']|'')*')::[a-z ]+$", r"\1", default)


async def _of_migrations() -> Tables:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite://{folder}/schema.db"
        await migrate(url)
        async with reading(url) as connection:
            return await describe(connection)


def main() -> None:
    """Write `schema.json`."""
    tables = asyncio.run(_of_migrations())
    FILE.write_text(json.dumps(tables, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
