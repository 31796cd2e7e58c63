"""The unit of work: everything that one message changes, recorded first and written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Claim:
    """The inbox row of one message. `owner` set: it was committed as pending by that owner before."""

    message_key: str
    account_id: int | None
    reply_sealed: bytes | None
    received_at: datetime
    expires_at: datetime
    owner: str = ""


@dataclass(slots=True)
class Write:
    """One row to write: `key` names the columns that find it (empty: insert)."""

    verb: str  # insert, ignore, upsert, add, update, delete
    table: str
    key: tuple[str, ...]
    row: dict[str, Any]


@dataclass(slots=True)
class Work:
    """What handlers and services record; nothing is written until the engine commits it.

    `expected` are the versions that were read, by table and id: if one has moved on, nothing of this work is
    written and the handler runs again on fresh data. `changes` are the colour changes made, by resident.
    """

    now: datetime
    claim: Claim | None = None
    writes: list[Write] = field(default_factory=list)
    expected: dict[tuple[str, int], int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    rescored: set[int] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)
    changes: list[tuple[int, Any]] = field(default_factory=list)
    _updates: dict[tuple[object, ...], Write] = field(default_factory=dict)

    def insert(self, table: str, **row: Any) -> None:
        """Add a row. A resident added here has no earlier version to compare with."""
        if table == "residents":
            self.fresh.add(row["resident_id"])
        self.writes.append(Write("insert", table, (), row))

    def insert_once(self, table: str, **row: Any) -> None:
        """Insert, unless a row with the same unique key is there already."""
        self.writes.append(Write("ignore", table, (), row))

    def upsert(self, table: str, key: tuple[str, ...], **row: Any) -> None:
        """Insert, or overwrite the columns of the row with the same key (`id` stays as it was)."""
        self.writes.append(Write("upsert", table, key, row))

    def add(self, table: str, key: tuple[str, ...], amount: str, **row: Any) -> None:
        """Insert, or add to the number in column `amount` of the row with the same key, never beyond 10,000, and
        overwrite the rest: safe beside others who count on the same row. What is added is not negative."""
        self.writes.append(Write(f"add:{amount}", table, key, row))

    def update(self, table: str, key: dict[str, Any], **row: Any) -> None:
        """Change these columns of the row with that key; several changes of one row become one write."""
        place = (table, *key.items())
        earlier = self._updates.get(place)
        if earlier is None:
            earlier = self._updates[place] = Write("update", table, tuple(key), {})
            self.writes.append(earlier)
        earlier.row = _merged(earlier.row, row, key)

    def delete(self, table: str, key: dict[str, Any]) -> None:
        """Take the row with that key away; its history stays in the tables that keep history."""
        self.writes.append(Write("delete", table, tuple(key), dict(key)))

    def touch(self, resident_id: int, version: int) -> None:
        """An input of this resident's colours changes: the version read is expected and moves on once."""
        if resident_id in self.touched:
            return
        self.touched.add(resident_id)
        if resident_id in self.fresh:
            return
        self.expect("residents", resident_id, version)
        self.update("residents", {"resident_id": resident_id}, input_version=version + 1)

    def expect(self, table: str, key: int, version: int) -> None:
        """Write only if that row still has the version that was read."""
        self.expected[(table, key)] = version

    def check(self) -> None:
        """Every touched resident must have been re-scored or queued: no input changes without its colour."""
        forgotten = self.touched - self.rescored
        if forgotten:
            raise AssertionError(f"{len(forgotten)} residents changed without a re-score")


def _merged(earlier: dict[str, Any], row: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    """The columns to change first, the key last, as the statement wants them."""
    changed = {column: value for column, value in earlier.items() if column not in key}
    return {**changed, **row, **key}
