"""Key rotation: everything sealed comes under the current data key, every look-up value under the current index key.

The order that loses nobody: put the new keys in front, restart every process (from then on both are searched and
opened, only the new ones written), rotate, and when the report is complete take the old keys out.
It may be killed and started again at any point, and runs beside a serving process.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Unsealable
from bot.store import indexes, models
from bot.store.database import Database, Session
from bot.store.indexes import Indexed
from bot.store.sealing import KeyRing

# A row that somebody else writes at the same moment is left to the next pass, where it is usually current already.
_PASSES = 3

Progress = Callable[[str, int], object]


@dataclass(frozen=True)
class SealedTable:
    """One table with something to rotate, as the models have it."""

    name: str
    key: str
    columns: tuple[str, ...]
    sealed: tuple[str, ...]
    indexed: tuple[str, ...]

    def keys(self, dialect: str) -> tuple[str, ...]:
        """The columns of the primary key; on PostgreSQL a resident's rows are keyed by resident first."""
        if dialect == "postgresql" and "resident_id" in self.columns and self.key != "resident_id":
            return ("resident_id", self.key)
        return (self.key,)


@dataclass
class RotationReport:
    """What a rotation did, and what it could not do."""

    resealed: int = 0
    reindexed: int = 0
    changed_meanwhile: int = 0  # rows that were written by somebody else in every pass
    unopened: Counter[str] = field(default_factory=Counter)  # `table.column` -> values that no key opens
    unmatched: Counter[str] = field(
        default_factory=Counter
    )  # `table.column` -> look-up values made of something else

    @property
    def complete(self) -> bool:
        """Whether the old keys are needed for nothing any more."""
        return not (self.changed_meanwhile or self.unopened or self.unmatched)


def context_of(table: str, column: str) -> str:
    """The context that a `*_sealed` column is sealed for: `accounts.external` for `accounts.external_sealed`."""
    return f"{table}.{column.removesuffix('_sealed')}"


def sealed_tables() -> tuple[SealedTable, ...]:
    """Every table with a `*_sealed` or `*_index` column; what is new in the models can't be forgotten here."""
    found = []
    for name in models.__all__:
        meta = getattr(models, name)._meta
        columns = tuple(meta.fields_map)
        sealed = tuple(column for column in columns if column.endswith("_sealed"))
        indexed = tuple(column for column in columns if column.endswith("_index"))
        if sealed or indexed:
            key = next(column for column, model_field in meta.fields_map.items() if model_field.pk)
            found.append(SealedTable(meta.db_table, key, columns, sealed, indexed))
    return tuple(found)


async def rotate(
    database: Database, keys: KeyRing, *, batch: int = 500, progress: Progress | None = None
) -> RotationReport:
    """Bring every sealed and indexed value under the current keys, `batch` rows to a transaction.

    `progress` gets the table and how many of its rows were looked at. A value that can't be opened stops nothing:
    it stays as it is and is counted.
    """
    report = RotationReport()
    for table in sealed_tables():
        for _ in range(_PASSES):
            rotation = _Rotation(database, keys, table, report)
            await rotation.run(batch, progress)
            if not rotation.changed_meanwhile:
                break
        else:
            report.changed_meanwhile += rotation.changed_meanwhile
    return report


class _Rotation:
    """One pass over one table."""

    def __init__(self, database: Database, keys: KeyRing, table: SealedTable, report: RotationReport) -> None:
        self._database = database
        self._keys = keys
        self._table = table
        self._report = report
        self._key = table.keys(database.dialect)
        self.changed_meanwhile = 0

    async def run(self, batch: int, progress: Progress | None) -> None:
        after: tuple[Any, ...] = ()
        seen = 0
        self._forget_failures()
        while rows := await self._page(after, batch):
            await self._rotate(rows)
            seen += len(rows)
            after = tuple(rows[-1][column] for column in self._key)
            if progress is not None:
                progress(self._table.name, seen)
            await asyncio.sleep(0)  # whoever serves in this process comes in between

    def _forget_failures(self) -> None:
        """A pass counts anew what it can't do."""
        for column in self._table.sealed:
            self._report.unopened.pop(f"{self._table.name}.{column}", None)
        for column in self._table.indexed:
            self._report.unmatched.pop(f"{self._table.name}.{column}", None)

    async def _page(self, after: tuple[Any, ...], batch: int) -> list[dict[str, Any]]:
        """The next rows, in the order of the key, with something that is not current."""
        columns = self._table.columns
        stale, params = self._stale()
        where = f"({stale})"
        if after:
            marks = ", ".join("?" for _ in after)
            where = f"({', '.join(self._key)}) > ({marks}) AND {where}"
        rows = await self._database.fetch(
            f"SELECT {_names(columns)} FROM {self._table.name} WHERE {where}"  # noqa: S608 - names from the models
            f" ORDER BY {', '.join(self._key)} LIMIT {int(batch)}",
            [*after, *params],
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _stale(self) -> tuple[str, list[Any]]:
        """The condition that something in a row is not under a current key; NULL is nothing to rotate."""
        head, index_head = self._keys.current_head, self._keys.current_index_head
        heads: list[tuple[str, bytes | str]] = [(column, head) for column in self._table.sealed]
        heads += [(column, index_head) for column in self._table.indexed]
        conditions = [f"substr({column}, 1, {len(text)}) <> ?" for column, text in heads]
        return " OR ".join(conditions), [text for _, text in heads]

    async def _rotate(self, rows: Sequence[dict[str, Any]]) -> None:
        changes = [(row, change) for row in rows if (change := await self._change(row))]
        if not changes:
            return

        async def body(session: Session) -> list[dict[str, Any]]:
            return [change for row, change in changes if await self._write(session, row, change)]

        written = await self._database.transaction(body)
        self.changed_meanwhile += len(changes) - len(written)
        self._report.resealed += sum(column.endswith("_sealed") for change in written for column in change)
        self._report.reindexed += sum(column.endswith("_index") for change in written for column in change)

    async def _write(self, session: Session, row: dict[str, Any], change: dict[str, Any]) -> bool:
        """Write only over what was read: a value that was written meanwhile is newer than ours."""
        sets = ", ".join(f"{column} = ?" for column in change)
        where = " AND ".join(f"{column} = ?" for column in (*self._key, *change))
        count = await session.execute(
            f"UPDATE {self._table.name} SET {sets} WHERE {where}",  # noqa: S608 - names from the models
            [*change.values(), *(row[column] for column in (*self._key, *change))],
        )
        return count == 1

    async def _change(self, row: dict[str, Any]) -> dict[str, Any]:
        """The columns of a row that have to be written, with their new values."""
        opened: dict[str, Any] = dict(row)
        change: dict[str, Any] = {}
        for column in self._table.sealed:
            blob = row[column]
            if blob is None:
                continue
            plain = self._open(column, blob)
            opened[column] = plain
            if plain is not None and not blob.startswith(self._keys.current_head):
                change[column] = self._keys.seal(context_of(self._table.name, column), plain)
        for column in self._table.indexed:
            old = row[column]
            if old is not None and not old.startswith(self._keys.current_index_head):
                new = self._current_index(column, old, await self._sources(column, opened))
                if new is not None:
                    change[column] = new
        return change

    def _open(self, column: str, blob: bytes) -> bytes | None:
        try:
            return self._keys.open_bytes(context_of(self._table.name, column), blob)
        except Unsealable:
            self._report.unopened[f"{self._table.name}.{column}"] += 1
            return None

    async def _sources(self, column: str, opened: dict[str, Any]) -> list[Indexed]:
        """What the index may have been made from; a household has no address but that of its members."""
        rows = [opened]
        if self._table.name == "households":
            rows = await self._members(opened[self._table.key])
        made = (indexes.of_row(self._table.name, column, _as_text(row)) for row in rows)
        return [source for source in made if source is not None]

    async def _members(self, household: int) -> list[dict[str, Any]]:
        rows = await self._database.fetch(
            "SELECT division, address_sealed FROM residents"
            " WHERE household_id = ? AND address_sealed IS NOT NULL ORDER BY resident_id",
            [household],
        )
        context = context_of("residents", "address_sealed")
        members = []
        for division, blob in rows:
            try:
                members.append({"division": division, "address_sealed": self._keys.open_bytes(context, blob)})
            except Unsealable:
                continue  # counted where it is stored
        return members

    def _current_index(self, column: str, old: str, sources: Sequence[Indexed]) -> str | None:
        """The new look-up value, from the source that the old one was made of.

        With the old key at hand the old value proves the source. Without it nothing finds the row any more, so
        the first source is taken.
        """
        for source in sources:
            made = self._keys.indexes(source.kind, source.value)
            if old in made or not self._keys.has_index_key_of(old):
                return made[0]
        self._report.unmatched[f"{self._table.name}.{column}"] += 1
        return None


def _as_text(row: dict[str, Any]) -> dict[str, Any]:
    """Opened bytes as text; what is no text is not indexed."""
    return {
        column: value.decode(errors="replace") if isinstance(value, bytes) else value
        for column, value in row.items()
    }


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
