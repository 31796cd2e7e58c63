"""Reads a range of residents as polars frames: through ADBC where it is installed, else through the base driver.

It needs the extra `[batch]`; only what runs over everybody imports it, and late. Its connection is its own, so
that a long read holds nobody up, and one range is read on one state of the database.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg
import polars as pl

from bot.core.columnar.columns import INSTANT
from bot.core.facts import last_inside
from bot.store.config import sqlite_path
from bot.store.snapshot import HISTORY_DAYS

Query = Callable[[str], pl.DataFrame]

_TEXT, _ID = pl.String(), pl.Int64()
_SHAPES: Mapping[str, Mapping[str, pl.DataType]] = {
    "people": {
        "resident_id": _ID, "identity": _TEXT, "declared_at": INSTANT, "zone": _TEXT, "home": _TEXT,
    },
    "births": {"resident_id": _ID, "birth_sealed": pl.Binary()},
    "codes": {
        "resident_id": _ID, "scheme": _TEXT, "colour": _TEXT, "state": _TEXT, "assessment": _TEXT,
        "next_change_at": INSTANT,
    },
    "facts": {
        "resident_id": _ID, "id": _ID, "kind": _TEXT, "start": pl.Date(), "end": pl.Date(), "division": _TEXT,
        "source": _TEXT, "occurrence": _TEXT, "known_at": INSTANT, "details": _TEXT,
    },
    "days": {"resident_id": _ID, "day": pl.Date(), "normal": pl.Boolean()},
}  # fmt: skip
_OF_LIBPQ = ("host", "sslmode", "application_name")
_STORED_AS = {"home": "division", "start": "start_day", "end": "end_day", "occurrence": "occurrence_id"}


@dataclass(frozen=True, slots=True)
class Range:
    """The residents with `after` < id <= `up_to`, who live in that division where there is one."""

    after: int
    up_to: int
    division: str = ""

    def condition(self, alias: str) -> str:
        """The same as SQL."""
        found = f"{alias}.resident_id > {self.after:d} AND {alias}.resident_id <= {self.up_to:d}"
        if not self.division:
            return found
        inside = f"division >= '{self.division}' AND division <= '{last_inside(self.division)}'"
        return f"{found} AND {alias}.resident_id IN (SELECT resident_id FROM residents WHERE {inside})"  # noqa: S608 - digits


@dataclass(frozen=True, slots=True)
class Frames:
    """What was read of a range: `births` only where asked for; facts that stand, days as the loader reads them."""

    people: pl.DataFrame
    codes: pl.DataFrame
    facts: pl.DataFrame
    days: pl.DataFrame
    births: pl.DataFrame | None = None


def read_frames(
    url: str, of: Range, schemes: tuple[str, ...], *, today: date, births: bool = False
) -> Frames:
    """All frames of a range; blocks, so call it in a thread. `schemes` are ids of our own files."""
    if of.division and not of.division.isdigit():
        raise ValueError("a division is a code of digits")
    sqlite = sqlite_path(url) is not None
    floor = today - timedelta(days=HISTORY_DAYS)
    among = ", ".join(f"'{scheme}'" for scheme in schemes)
    wanted = {
        "people": f"FROM residents t WHERE {of.condition('t')}",
        "codes": f"FROM health_codes t WHERE {of.condition('t')} AND t.scheme IN ({among})",
        "facts": f"FROM facts t WHERE {of.condition('t')} AND t.withdrawn_at IS NULL",
        "days": f"FROM punch_ins t WHERE {of.condition('t')} AND t.day >= '{floor}'",
    }
    with _open(url) as query:
        found = {name: _read(query, name, where, sqlite) for name, where in wanted.items()}
        older = _read(query, "days", _older_days(of, floor), sqlite)
        found["days"] = pl.concat([found["days"], older], rechunk=True)
        if births:
            known = f"FROM residents t WHERE {of.condition('t')} AND t.birth_sealed IS NOT NULL"
            found["births"] = _read(query, "births", known, sqlite)
    return Frames(**found)


def _older_days(of: Range, floor: date) -> str:
    """Those before the usual ones: a run of days that ended a hold counts as long as the hold's fact stands."""
    return (
        "FROM (SELECT f.resident_id, MIN(f.start_day) AS since FROM facts f"  # noqa: S608 - numbers and days
        f" WHERE {of.condition('f')} AND f.withdrawn_at IS NULL GROUP BY f.resident_id"
        f" HAVING MIN(f.start_day) < '{floor}') e JOIN punch_ins t ON t.resident_id = e.resident_id"
        f" WHERE t.day < '{floor}' AND t.day >= e.since"
    )


def _read(query: Query, name: str, where: str, sqlite: bool) -> pl.DataFrame:
    shape = _SHAPES[name]
    names = ", ".join(_selected(column, kind, sqlite) for column, kind in shape.items())
    frame = query(f"SELECT {names} {where}")
    if sqlite:
        frame = frame.select(_from_sqlite(column, kind) for column, kind in shape.items())
    else:
        frame = frame.select(pl.col(column).cast(kind) for column, kind in shape.items())
    return (
        frame.rechunk()
    )  # a driver hands over small batches, and every step of the plan would go batch by batch


def _selected(column: str, kind: pl.DataType, sqlite: bool) -> str:
    stored = f"t.{_STORED_AS.get(column, column)}"
    if sqlite and not isinstance(kind, (pl.Int64, pl.Boolean, pl.Binary)):
        # a first batch of nothing but NULL would be read as numbers
        stored = f"COALESCE({stored}, '')"
    return f'{stored} AS "{column}"'


def _from_sqlite(column: str, kind: pl.DataType) -> pl.Expr:
    """SQLite has instants and days as text, and no yes or no."""
    found = pl.col(column)
    if isinstance(kind, (pl.Int64, pl.Boolean, pl.Binary)):
        return found.cast(kind)
    text = found.cast(pl.String)
    filled = pl.when(text != "").then(text)
    if isinstance(kind, pl.Date):
        return filled.str.to_date("%Y-%m-%d").alias(column)
    if isinstance(kind, pl.Datetime):
        plain = filled.str.strip_suffix("+00:00")
        return plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us").dt.replace_time_zone("UTC")
    return filled.alias(column)


@contextmanager
def _open(url: str) -> Iterator[Query]:
    path = sqlite_path(url)
    try:
        connection = _adbc(url, path)
    except ImportError:
        with _base(url, path) as query:
            yield query
        return
    with closing(connection), closing(connection.cursor()) as cursor:
        if path is None:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

        def read(sql: str) -> pl.DataFrame:
            cursor.execute(sql)
            frame = pl.from_arrow(cursor.fetch_arrow_table())
            assert isinstance(frame, pl.DataFrame)
            return frame

        yield read
        connection.rollback()


def _adbc(url: str, path: Any) -> Any:
    """ADBC's connection; it opens a transaction by itself."""
    if path is not None:
        import adbc_driver_sqlite.dbapi as sqlite_driver

        return sqlite_driver.connect(f"file:{path}?mode=ro")
    import adbc_driver_postgresql.dbapi as postgresql_driver  # type: ignore[import-untyped]  # it has no types

    return postgresql_driver.connect(libpq_url(url))


def libpq_url(url: str) -> str:
    """The same PostgreSQL URL with what libpq understands of its options; the others are our pool's."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    kept = {name: options[name] for name in _OF_LIBPQ if name in options}
    if "schema" in options:
        kept["options"] = f"-c search_path={options['schema']}"
    return urlunsplit(parts._replace(scheme="postgresql", query=urlencode(kept, quote_via=quote)))


@contextmanager
def _base(url: str, path: Any) -> Iterator[Query]:
    if path is not None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as raw:
            raw.execute("BEGIN")

            def read(sql: str) -> pl.DataFrame:
                rows = raw.execute(sql)
                names = [column[0] for column in rows.description]
                return pl.DataFrame(rows.fetchall(), names, orient="row", infer_schema_length=None)

            yield read
        return
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(libpq_url(url)))
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        runner.run(transaction.start())
        try:
            yield lambda sql: _of_asyncpg(runner, connection, sql)
            runner.run(transaction.rollback())
        finally:
            runner.run(connection.close())


def _of_asyncpg(runner: asyncio.Runner, connection: Any, sql: str) -> pl.DataFrame:
    statement = runner.run(connection.prepare(sql))
    rows = runner.run(statement.fetch())
    names = [attribute.name for attribute in statement.get_attributes()]
    return pl.DataFrame([tuple(row) for row in rows], names, orient="row", infer_schema_length=None)
