"""Fills an empty database with a made-up population quickly, scored as of the day before the run's clock."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import adbc_driver_postgresql.dbapi as postgresql  # type: ignore[import-untyped]  # it has no types
import asyncpg
import polars as pl

from benchmarks.columns_seed import AT, columns, risk_map
from bot.core.columnar.columns import Columns
from bot.core.columnar.plan import Plan
from bot.core.rules import BookHistory
from bot.store.config import sqlite_path

SCHEME = "hangzhou"
CHUNK = 50_000
YESTERDAY = AT - timedelta(days=1)
_STAMP = "%Y-%m-%d %H:%M:%S+00:00"


def frames(residents: int, history: BookHistory) -> Iterator[dict[str, pl.DataFrame]]:
    """The rows of each table, chunk by chunk."""
    for first in range(1, residents + 1, CHUNK):
        made = columns(min(CHUNK, residents + 1 - first), first=first)
        yield {
            "residents": _residents(made),
            "health_codes": _codes(made, history),
            "facts": _facts(made),
            "punch_ins": _punch_ins(made),
            "accounts": _accounts(made),
            "account_residents": _links(made),
        }


def _residents(made: Columns) -> pl.DataFrame:
    declared = pl.col("declared_day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return made.people.select(
        "resident_id", "identity", division="home", zone="zone",
        declared_at=pl.when("declared").then(declared), created_at=declared,
        last_punch_in=pl.lit(YESTERDAY.date()), input_version=pl.lit(0, pl.Int32),
    )  # fmt: skip


def _codes(made: Columns, history: BookHistory) -> pl.DataFrame:
    """As the plan judges them a day earlier; whoever has a finding is to be looked at when that day is over."""
    before = Plan(history, risk_map(), YESTERDAY, SCHEME).judge(made).results
    midnight = datetime(AT.year, AT.month, AT.day, 16, tzinfo=UTC)
    return before.select(
        "resident_id", "colour", "state", id=pl.col("resident_id"), scheme=pl.lit(SCHEME),
        since=pl.lit(YESTERDAY), version=pl.lit(history.versions[0].version), assessment="stored",
        next_change_at=pl.when(pl.col("colour") != "green").then(pl.lit(midnight)),
        held_since=pl.lit(YESTERDAY),
    )  # fmt: skip


def _facts(made: Columns) -> pl.DataFrame:
    return made.facts.select(
        "id", "resident_id", "kind", "division", "source", "known_at", "withdrawn_at", "details",
        start_day="start", end_day="end", occurrence_id="occurrence", reference=pl.col("id").cast(pl.String),
    )  # fmt: skip


def _punch_ins(made: Columns) -> pl.DataFrame:
    return made.days.with_row_index("number").select(
        "resident_id", "day", "normal", id=pl.col("resident_id") * 100 + pl.col("number") % 100,
        receipt=pl.lit("P"), temperature_tenths=pl.lit(365, pl.Int16), reported_by=pl.col("resident_id"),
        created_at=pl.lit(YESTERDAY),
    )  # fmt: skip


def _accounts(made: Columns) -> pl.DataFrame:
    return made.people.select(
        id=pl.col("resident_id"), person_id=pl.col("resident_id"), channel=pl.lit("wechat_official"),
        external_index=pl.col("resident_id").cast(pl.String), external_sealed=pl.lit(b"sealed"),
        created_at=pl.lit(YESTERDAY),
    )  # fmt: skip


def _links(made: Columns) -> pl.DataFrame:
    return made.people.select(
        "resident_id", id=pl.col("resident_id"), account_id=pl.col("resident_id"), relation=pl.lit("self"),
        since=pl.lit(YESTERDAY),
    )  # fmt: skip


def fill(url: str, residents: int, history: BookHistory) -> None:
    """Write all tables and let the database gather its statistics."""
    path = sqlite_path(url)
    if path is None:
        with closing(postgresql.connect(url)) as connection, closing(connection.cursor()) as cursor:
            for tables in frames(residents, history):
                for table, rows in tables.items():
                    cursor.adbc_ingest(table, rows.to_arrow(), mode="append")
                connection.commit()
            cursor.execute("ANALYZE")
            connection.commit()
        return
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        for tables in frames(residents, history):
            for table, rows in tables.items():
                names = ", ".join(rows.columns)
                marks = ",".join("?" * rows.width)
                raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", _plain(rows).iter_rows())
            raw.commit()


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Instants and days as SQLite has them."""
    kinds = rows.schema
    return rows.with_columns(
        *(pl.col(name).dt.strftime(_STAMP) for name, kind in kinds.items() if isinstance(kind, pl.Datetime)),
        *(pl.col(name).cast(pl.String) for name, kind in kinds.items() if isinstance(kind, pl.Date)),
    )


@asynccontextmanager
async def fresh_postgresql(server: str) -> AsyncIterator[str]:
    """A database of its own on that server, dropped afterwards."""
    name = f"yima_bench_{secrets.token_hex(6)}"
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        await _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _execute(url: str, sql: str) -> None:
    connection = await asyncio.wait_for(asyncpg.connect(url), 5)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
