"""Writes units of work, several in one transaction: claims first, then versions, then everything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

import asyncpg
import structlog

from bot.store.batching import Batcher
from bot.store.database import Database
from bot.store.scripts import Ask, Change, Put, Script
from bot.store.work import Claim, Work, Write

_INBOX = "message_key, state, account_id, reply_sealed, owner, lease_until, attempts, received_at, expires_at"
_VERSIONED = {
    "residents": ("resident_id", "input_version"),
    "dialogues": ("account_id", "version"),
    "notices": ("id", "attempts"),
}


_MOST = 10_000  # of what is counted by adding; the columns are small integers
_ORDER = {"insert": 0, "ignore": 0, "upsert": 1, "add": 1, "update": 2, "delete": 3}


_MOVED_ON = (
    sqlite3.IntegrityError,
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
_log = structlog.get_logger("store")


class Outcome(StrEnum):
    """What became of one unit of work."""

    COMMITTED = "committed"
    LOST = "lost"  # somebody else claimed the message: nothing was written
    CONFLICT = "conflict"  # a version has moved on: nothing was written


class Writer:
    """Commits units of work; concurrent ones share a transaction, and a bad one fails alone."""

    def __init__(self, database: Database, *, group: int = 64) -> None:
        self._database = database
        self.on_notices: Callable[[], None] | None = None
        """Called after a commit that queued notices: whoever sends them need not look by itself."""
        self._batcher: Batcher[Work, Outcome] = Batcher(self._commit_group, name="commit", limit=group)

    async def commit(self, work: Work) -> Outcome:
        """Write everything of `work` durably, or nothing."""
        work.check()
        outcome = await self._batcher.submit(work)
        if (
            outcome == Outcome.COMMITTED
            and self.on_notices is not None
            and any(write.table == "notices" for write in work.writes)
        ):
            self.on_notices()
        return outcome

    async def close(self) -> None:
        await self._batcher.close()

    async def _commit_group(self, works: list[Work]) -> list[Outcome | Exception]:
        try:
            return list(await self._transact(works))
        except Exception:  # noqa: BLE001 - each is tried alone, and its error goes to its own caller
            _log.info("group failed", action="commit_split", size=len(works))
        return [await self._commit_alone(work) for work in works]

    async def _commit_alone(self, work: Work) -> Outcome | Exception:
        try:
            return (await self._transact([work]))[0]
        except _MOVED_ON:
            return Outcome.CONFLICT  # somebody else wrote the same key in between: once more on fresh data
        except Exception as error:  # noqa: BLE001 - goes to the caller whose work it is
            return error

    async def _transact(self, works: list[Work]) -> list[Outcome]:
        return await self._database.write(self._write(works))

    def _write(self, works: list[Work]) -> Script[list[Outcome]]:
        stale = yield from self._stale(works)
        outcomes: list[Outcome] = []
        taken: set[tuple[str, int]] = set()  # what an earlier work of the group counts on, it may move on
        for work in works:
            conflict = any(key in stale or key in taken for key in work.expected)
            outcomes.append(Outcome.CONFLICT if conflict else Outcome.COMMITTED)
            if not conflict:
                taken.update(work.expected)
        standing = [
            work for work, outcome in zip(works, outcomes, strict=True) if outcome == Outcome.COMMITTED
        ]
        won = yield from self._claim([work.claim for work in standing if work.claim is not None])
        for index, work in enumerate(works):
            if outcomes[index] == Outcome.COMMITTED and work.claim and work.claim.message_key not in won:
                outcomes[index] = Outcome.LOST
        writes = [
            write
            for work, outcome in zip(works, outcomes, strict=True)
            if outcome == Outcome.COMMITTED
            for write in work.writes
        ]
        for sql, rows in grouped(writes):
            yield Put(sql, rows)
        return outcomes

    def _stale(self, works: list[Work]) -> Script[set[tuple[str, int]]]:
        """The expectations that no longer hold; on PostgreSQL the rows are locked, in id order."""
        expected = {key: version for work in works for key, version in work.expected.items()}
        stale: set[tuple[str, int]] = set()
        for table, (key_column, version_column) in _VERSIONED.items():
            wanted = {key: version for (name, key), version in expected.items() if name == table}
            if not wanted:
                continue
            query = self._version_query(table, key_column, version_column)
            rows = yield Ask(query, [self._database.listed(sorted(wanted))])
            found = {row[0]: row[1] for row in rows}
            stale.update((table, key) for key, version in wanted.items() if found.get(key) != version)
        return stale

    def _version_query(self, table: str, key: str, version: str) -> str:
        lock = "" if self._database.dialect == "sqlite" else " FOR UPDATE"
        return f"SELECT {key}, {version} FROM {table} WHERE {self._database.among(key)} ORDER BY {key}{lock}"  # noqa: S608 - names from the table above

    def _claim(self, claims: list[Claim]) -> Script[set[str]]:
        """Insert the inbox rows, or finish those that this owner left pending; return the keys won."""
        won = yield from self._insert_claims(
            {claim.message_key: claim for claim in claims if not claim.owner}
        )
        for claim in claims:
            if claim.owner and (yield _finish(claim)):
                won.add(claim.message_key)
        return won

    def _insert_claims(self, claims: dict[str, Claim]) -> Script[set[str]]:
        if not claims:
            return set()
        rows = [_inbox_row(claims[key]) for key in sorted(claims)]
        if self._database.dialect == "sqlite":
            taken = yield Ask(
                f"SELECT message_key FROM inbox WHERE {self._database.among('message_key', 'text')}",  # noqa: S608
                [self._database.listed(claims)],
            )
            lost = {row[0] for row in taken}
            rows = [row for row in rows if row[0] not in lost]
            yield Put(f"INSERT INTO inbox ({_INBOX}) VALUES (?,?,?,?,?,?,?,?,?)", rows)  # noqa: S608
            return set(claims) - lost
        inserted = yield Ask(
            f"INSERT INTO inbox ({_INBOX}) SELECT * FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bytea[],"  # noqa: S608
            " ?::text[], ?::timestamptz[], ?::smallint[], ?::timestamptz[], ?::timestamptz[])"
            " ON CONFLICT DO NOTHING RETURNING message_key",
            [list(column) for column in zip(*rows, strict=True)],
        )
        return {row[0] for row in inserted}


def _finish(claim: Claim) -> Change:
    """A pending message is done now; what was said for it stays its reply."""
    return Change(
        "UPDATE inbox SET state='done', incoming_sealed=NULL, owner='', lease_until=NULL, account_id=?"
        " WHERE message_key=? AND state='pending' AND owner=?",
        [claim.account_id, claim.message_key, claim.owner],
    )


def _inbox_row(claim: Claim) -> tuple[Any, ...]:
    return (
        claim.message_key,
        "done",
        claim.account_id,
        claim.reply_sealed,
        "",
        None,
        0,
        claim.received_at,
        claim.expires_at,
    )


def grouped(writes: Sequence[Write]) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """The writes as statements with many rows each: new rows first, so that a change finds the row that the
    same unit of work adds, wherever else in the group its shape appeared."""
    statements: dict[str, list[tuple[Any, ...]]] = {}
    for write in sorted(writes, key=_rank):
        columns = tuple(write.row)
        sql = statement(write.verb, write.table, write.key, columns)
        statements.setdefault(sql, []).append(tuple(write.row.values()))
    return list(statements.items())


def _rank(write: Write) -> int:
    return _ORDER[write.verb.partition(":")[0]]


@lru_cache(maxsize=512)
def statement(verb: str, table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """The SQL of one shape of write. All names come from our own code, never from a message."""
    found = " AND ".join(f"{column}=?" for column in key)
    if verb == "delete":
        return f"DELETE FROM {table} WHERE {found}"  # noqa: S608
    if verb == "update":
        changed = [column for column in columns if column not in key]
        sets = ", ".join(f"{column}=?" for column in changed)
        return f"UPDATE {table} SET {sets} WHERE {found}"  # noqa: S608
    marks = ",".join("?" * len(columns))
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    if verb == "insert":
        return insert
    if verb == "ignore":
        return f"{insert} ON CONFLICT DO NOTHING"
    amount = verb.partition(":")[2]
    changed = [column for column in columns if column not in key and column not in ("id", amount)]
    sets = ", ".join(f"{column}=excluded.{column}" for column in changed)
    if amount:
        total = f"{table}.{amount} + excluded.{amount}"
        bounded = f"CASE WHEN {total} > {_MOST} THEN {_MOST} ELSE {total} END"
        sets = ", ".join(filter(None, (f"{amount}={bounded}", sets)))
    return f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
