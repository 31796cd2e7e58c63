"""What is kept how long, why, and what remains of it when a resident has everything deleted: read from one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from bot.core.yaml_lines import Problems, Reader, nearest
from bot.errors import RetentionError
from bot.services.kept_while import CONDITIONS, ENDS
from bot.services.yaml_files import read_yaml_file
from bot.store import models

DELETE, KEEP, STRIP = "delete", "keep", "strip"
_ON_DELETION = (DELETE, KEEP, STRIP)
_REAL, _BUSINESS = "real", "business"
_MOST_DAYS = 36_500
_WHEN = ("DatetimeField", "DateField")


@dataclass(frozen=True, slots=True)
class Kept:
    """How long one table is kept, and why.

    Either `keep_days` after the newest of the `counted_from` columns, or `until` something (see `kept_while.ENDS`);
    `kept_while` names what holds a row back beyond that. `columns` are those that may remain when a resident's data is
    deleted: all of them for keep, none for delete; `spared` names rows that a deletion leaves until their time is over.
    `ids` are plain columns in which random ids stand. `reason` is for residents, by language.
    """

    table: str
    reason: Mapping[str, str]
    source: str
    on_deletion: str
    columns: frozenset[str]
    keep_days: int | None = None
    counted_from: tuple[str, ...] = ()
    until: str = ""
    kept_while: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    by_real_time: bool = False
    sealed: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def declared(self) -> tuple[str, ...]:
        """Every column, in the order of the file."""
        return (*self.sealed, *self.index, *self.digest, *self.plain)


@dataclass(frozen=True, slots=True)
class Abandoned:
    """When a resident for whom nobody speaks any more is deleted, and why."""

    keep_days: int
    source: str
    reason: Mapping[str, str]


class Retention:
    """Every table in the order of the file, and when residents are abandoned."""

    __slots__ = ("_tables", "abandoned")

    def __init__(self, tables: Mapping[str, Kept], abandoned: Abandoned) -> None:
        self._tables: Mapping[str, Kept] = MappingProxyType(dict(tables))
        self.abandoned = abandoned

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._tables.values())

    def __len__(self) -> int:
        return len(self._tables)

    def __getitem__(self, table: str) -> Kept:
        return self._tables[table]

    def __contains__(self, table: object) -> bool:
        return table in self._tables

    @property
    def tables(self) -> Mapping[str, Kept]:
        """By name."""
        return self._tables


def load_retention(file: Path) -> Retention:
    """The table of that file; RetentionError with every problem and its line."""
    problems = Problems(file.name)
    document = read_yaml_file(file, problems)
    retention = None
    if document is not None:
        retention = _read(Reader(document, problems, "the table of what is kept"))
    if problems or retention is None:
        raise RetentionError(problems.lines())
    return retention


@cache
def stored_columns() -> Mapping[str, Mapping[str, str]]:
    """The columns of every table of the models, with the kind of each."""
    metas = (getattr(models, name)._meta for name in models.__all__)
    return {
        meta.db_table: {column: type(each).__name__ for column, each in meta.fields_map.items()}
        for meta in metas
    }


def _read(reader: Reader) -> Retention:
    given = reader.mapping("abandoned")
    abandoned = Abandoned(0, "", {}) if given is None else _abandoned(given)
    tables: dict[str, Kept] = {}
    there = reader.mapping("tables")
    for name in there.names() if there is not None else ():
        assert there is not None
        one = there.mapping(name)
        if name not in stored_columns():
            there.problem(f"there is no table {name!r}{nearest(name, stored_columns())}", name)
        elif one is not None:
            tables[name] = _table(name, one)
    if there is not None:
        for name in sorted(stored_columns().keys() - set(there.names())):
            there.problem(f"nothing is said about the table {name!r}", "tables")
        there.finish()
    reader.finish()
    return Retention(tables, abandoned)


def _abandoned(reader: Reader) -> Abandoned:
    found = Abandoned(
        keep_days=reader.number("keep_days", low=1, high=_MOST_DAYS, required=True),
        source=reader.text("source"),
        reason=MappingProxyType(reader.translations("reason")),
    )
    reader.finish()
    return found


def _table(name: str, reader: Reader) -> Kept:
    columns = stored_columns()[name]
    limited = reader.has("keep_days")
    if limited == reader.has("until"):
        reader.problem("either 'keep_days' or 'until' is wanted, and not both")
    sealed, index, digest, plain = _columns(reader, columns)
    on_deletion = reader.text("on_deletion", among=_ON_DELETION)
    kept = Kept(
        table=name,
        reason=MappingProxyType(reader.translations("reason")),
        source=reader.text("source"),
        on_deletion=on_deletion,
        columns=_remaining(reader, on_deletion, columns),
        keep_days=reader.number("keep_days", high=_MOST_DAYS) if limited else None,
        counted_from=_counted_from(reader, columns, limited),
        until="" if limited else reader.text("until", among=tuple(ENDS)),
        kept_while=reader.texts("kept_while", required=False, among=tuple(CONDITIONS)),
        spared=reader.texts("spared", required=False, among=tuple(CONDITIONS)),
        by_real_time=reader.text("clock", _BUSINESS, required=False, among=(_REAL, _BUSINESS)) == _REAL,
        sealed=sealed,
        index=index,
        digest=digest,
        plain=plain,
        ids=reader.texts("ids", required=False, among=plain),
    )
    for key, conditions in (("kept_while", kept.kept_while), ("spared", kept.spared)):
        for each in conditions:
            if name not in CONDITIONS[each].tables:
                reader.problem(f"{each!r} says nothing about {name!r}", key)
    if not limited and kept.until and name not in ENDS[kept.until].tables:
        reader.problem(f"the end of {name!r} can't be {kept.until!r}", "until")
    reader.finish()
    return kept


def _columns(reader: Reader, columns: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The declared columns by how they are stored; each column of the table once."""
    hows = ("sealed", "index", "digest", "plain")
    groups = [reader.texts(how, required=False, among=tuple(columns)) for how in hows]
    for how, group in zip(hows, groups, strict=True):
        for column in group:
            named = column.rpartition("_")[2]
            if (named if named in ("sealed", "index") else how) != how or (
                how in ("sealed", "index") and named != how
            ):
                reader.problem(f"the column {column!r} isn't stored as {how!r}", how)
    declared = [column for group in groups for column in group]
    for column in columns:
        if declared.count(column) != 1:
            how_often = "isn't declared" if column not in declared else "is declared twice"
            reader.problem(f"the column {column!r} {how_often}")
    return tuple(groups)


def _counted_from(reader: Reader, columns: Mapping[str, str], limited: bool) -> tuple[str, ...]:
    if not limited:
        if reader.has("counted_from"):
            reader.problem("'counted_from' goes with 'keep_days'", "counted_from")
            reader.texts("counted_from", required=False)
        return ()
    days = [column for column, kind in columns.items() if kind in _WHEN]
    return reader.texts("counted_from", among=days)


def _remaining(reader: Reader, on_deletion: str, columns: Mapping[str, str]) -> frozenset[str]:
    given = reader.texts("columns", required=on_deletion == STRIP, among=tuple(columns))
    if given and on_deletion in (DELETE, KEEP):
        reader.problem("'columns' goes with 'strip'", "columns")
    return frozenset(columns) if on_deletion == KEEP else frozenset(given)
