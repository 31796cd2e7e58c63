"""Reads the live store after a purge and reports what shouldn't be there: table, column and count, never a value.

What the purge believes it did counts for nothing here. Values are sampled: from a random place of each table so many
rows, so that every night looks elsewhere.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.errors import BadRequest, Unsealable
from bot.services.certificates import CertificateKind, check_certificate
from bot.services.kept_while import CONDITIONS
from bot.services.keys import context_of
from bot.services.purge import OF_ACCOUNTS, Moment, key_of, to_go
from bot.services.retention import DELETE, STRIP, Kept, Retention, stored_columns
from bot.store.database import Database, Row
from bot.store.migrate import RECORDS
from bot.store.schema import written_down
from bot.store.sealing import KeyRing

OVERDUE = "overdue"  # past its time, and nothing holds it back
LEFT = "left"  # of a resident whose data was deleted, or of an account that is gone
UNDECLARED = "undeclared"  # there, and nothing is said about it
MISSING = "missing"  # something is said about it, and it isn't there
UNOPENED = "unopened"  # no key opens it
PERSONAL = "personal"  # readable, and it looks like somebody's number
WHOLE_ROW = "*"

SAMPLE = 2_000
_PAGE = 250
_MANY = 10_000  # no finding is counted beyond this
_TEXTS = ("CharField", "TextField")
_PHONE = re.compile(r"(?<![0-9])(?:\+?86)?1[3-9][0-9]{9}(?![0-9])")
_CERTIFICATE = re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])")
# among random numbers and hashes only what stands alone, and no eighteen digits
_PHONE_ALONE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86)?1[3-9][0-9]{9}(?![0-9A-Za-z])")
_CERTIFICATE_ALONE = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[Xx](?![0-9A-Za-z])")
_LARGEST = 2**62


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that shouldn't be there; `count` rows, ten thousand at most."""

    table: str
    column: str
    what: str
    count: int


class PurgeCheck:
    """One look at the live store. `sample` rows of each table are looked into; None: all of them."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        retention: Retention,
        moment: Moment,
        *,
        sample: int | None = SAMPLE,
        stopping: Callable[[], bool] = bool,
    ) -> None:
        self._database = database
        self._keys = keys
        self._retention = retention
        self._moment = moment
        self._sample = sample
        self._stopping = stopping

    async def run(self) -> list[Finding]:
        """Everything that is wrong, by table."""
        found = await self.schema()
        for kept in self._retention:
            if self._stopping():
                break
            found += await self.table(kept)
        return sorted(found)

    async def table(self, kept: Kept) -> list[Finding]:
        """What is wrong with one table, its columns apart."""
        return [*await self.overdue(kept), *await self._left(kept), *await self._values(kept)]

    async def schema(self) -> list[Finding]:
        """Every column of the database is declared, and the other way round."""
        live, found = await self._live(), []
        for table, columns in live.items():
            if table not in self._retention:
                found.append(Finding(table, WHOLE_ROW, UNDECLARED, len(columns)))
                continue
            declared = set(self._retention[table].declared)
            found += [Finding(table, column, UNDECLARED, 1) for column in columns if column not in declared]
            found += [Finding(table, column, MISSING, 1) for column in sorted(declared - set(columns))]
        gone = sorted(self._retention.tables.keys() - live.keys())
        return found + [Finding(table, WHOLE_ROW, MISSING, 1) for table in gone]

    async def overdue(self, kept: Kept) -> list[Finding]:
        """Nothing is older than its limit."""
        going = to_go(kept, self._moment)
        if going is None:
            return []
        return await self._count(kept.table, WHOLE_ROW, OVERDUE, going.sql, going.params)

    async def _left(self, kept: Kept) -> list[Finding]:
        """Of residents whose data was deleted there is nothing but what may remain."""
        if kept.on_deletion == STRIP and kept.table == "residents":
            return await self._left_in_row(kept)
        columns = [name for name in ("resident_id", "guardian_id") if name in stored_columns()[kept.table]]
        if kept.on_deletion != DELETE:
            return []
        spared = " OR ".join(CONDITIONS[name].sql for name in kept.spared)
        beyond = f" AND ({spared}) IS NOT TRUE" if spared else ""
        found = []
        for column in columns:
            sql = (
                f"EXISTS (SELECT 1 FROM residents r WHERE r.resident_id = t.{column}"  # noqa: S608 - our own names
                f" AND r.erased_at IS NOT NULL){beyond}"
            )
            found += await self._count(kept.table, column, LEFT, sql)
        if kept.table in OF_ACCOUNTS:
            gone = "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = t.account_id)"
            found += await self._count(kept.table, "account_id", LEFT, gone)
        return found

    async def _left_in_row(self, kept: Kept) -> list[Finding]:
        """Every column of the row that may not remain is empty, or as in a row of somebody unknown."""
        found = []
        columns = written_down()[kept.table]["columns"]
        for column in kept.declared:
            if column in kept.columns:
                continue
            _, with_default, default = str(columns[column]).partition(" default ")
            sql = f"t.erased_at IS NOT NULL AND t.{column} IS NOT NULL"
            if with_default:
                sql += f" AND t.{column} <> {default.removesuffix(' null')}"
            found += await self._count(kept.table, column, LEFT, sql)
        return found

    async def _values(self, kept: Kept) -> list[Finding]:
        """What is sealed opens, and what is readable shows nobody's number."""
        kinds = stored_columns()[kept.table]
        texts = [column for column in kept.plain if kinds[column] in _TEXTS]
        columns = [*kept.sealed, *texts]
        wrong: Counter[tuple[str, str]] = Counter()
        if columns:
            async for rows in self._rows(kept.table, columns):
                for row in rows:
                    wrong.update(self._wrong(kept, columns, row))
        return [Finding(kept.table, column, what, count) for (column, what), count in wrong.items()]

    def _wrong(self, kept: Kept, columns: Sequence[str], row: Row) -> Iterator[tuple[str, str]]:
        for column, value in zip(columns, row, strict=True):
            if value is None:
                continue
            if column not in kept.sealed:
                if looks_personal(value, today=self._moment.wire.date(), among_ids=column in kept.ids):
                    yield column, PERSONAL
                continue
            try:
                self._keys.open_bytes(context_of(kept.table, column), bytes(value))
            except Unsealable:
                yield column, UNOPENED

    async def _rows(self, table: str, columns: Iterable[str]) -> Any:
        """Pages of rows from a random place on and then from the beginning, until enough have been seen."""
        key = key_of(table, self._database.dialect)
        names = [name for name, _ in key]
        left = self._sample
        start = None if left is None else await self._somewhere(table, key[0])
        for after, before in ((start, None), (None, start)) if start is not None else ((None, None),):
            last: Row = () if after is None else (after,)
            while not self._stopping() and (left is None or left > 0):
                page = _PAGE if left is None else min(_PAGE, left)
                bounds, params = [], list(last)
                if last:
                    compared = ", ".join(names[: len(last)])
                    bounds.append(f"({compared}) > ({', '.join('?' for _ in last)})")
                if before is not None:
                    bounds.append(f"{names[0]} <= ?")
                    params.append(before)
                where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
                rows = await self._database.fetch(
                    f"SELECT {', '.join([*names, *columns])} FROM {table}{where}"  # noqa: S608 - our own names
                    f" ORDER BY {', '.join(names)} LIMIT {page}",
                    params,
                )
                yield [tuple(row)[len(names) :] for row in rows]
                left = None if left is None else left - len(rows)
                if len(rows) < page:
                    break
                last = tuple(rows[-1])[: len(names)]

    async def _somewhere(self, table: str, key: tuple[str, str]) -> Any:
        """A random place between the first and the last row; None where all is to be looked at anyway."""
        name, kind = key
        (first, last), *_ = await self._database.fetch(f"SELECT MIN({name}), MAX({name}) FROM {table}")  # noqa: S608 - our own names
        if first is None:
            return None
        if kind == "text":
            return secrets.token_hex(8)
        return int(first) + (int(last) - int(first)) * secrets.randbelow(_LARGEST) // _LARGEST

    async def _count(
        self, table: str, column: str, what: str, sql: str, params: Sequence[Any] = ()
    ) -> list[Finding]:
        rows = await self._database.fetch(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} t WHERE {sql} LIMIT {_MANY}) AS found",  # noqa: S608 - our own names
            list(params),
        )
        return [Finding(table, column, what, rows[0][0])] if rows[0][0] else []

    async def _live(self) -> Mapping[str, Sequence[str]]:
        """The tables of the open database and their columns."""
        if self._database.dialect == "sqlite":
            rows = await self._database.fetch(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
                " AND m.name NOT LIKE 'sqlite%' AND m.name <> ? ORDER BY m.name, c.cid",
                [RECORDS],
            )
        else:
            rows = await self._database.fetch(
                "SELECT table_name::text, column_name::text FROM information_schema.columns"
                " WHERE table_schema = current_schema() AND table_name <> ? ORDER BY table_name, ordinal_position",
                [RECORDS],
            )
        live: dict[str, list[str]] = {}
        for table, column in rows:
            live.setdefault(table, []).append(column)
        return live


def looks_personal(text: str, *, today: date, among_ids: bool = False) -> bool:
    """Somebody's phone number or certificate stands in the text; `among_ids`: beside random numbers and hashes."""
    phone, certificate = (_PHONE_ALONE, _CERTIFICATE_ALONE) if among_ids else (_PHONE, _CERTIFICATE)
    if phone.search(text):
        return True
    return any(_is_certificate(found[0], today) for found in certificate.finditer(text))


def _is_certificate(number: str, today: date) -> bool:
    try:
        check_certificate(CertificateKind.ID_CARD, number, today=today)
    except BadRequest:
        return False
    return True
