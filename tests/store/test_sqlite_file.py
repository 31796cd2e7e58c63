"""The file that one process serves: durable, never half written, and free again after every failure."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Locked
from bot.store.lock_file import LockFile
from bot.store.scripts import Ask, Change, Put, Script
from bot.store.sqlite_file import SqliteFile, SqliteSession


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    raw = sqlite3.connect(tmp_path / "t.db")
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    raw.close()
    file = SqliteFile(tmp_path / "t.db")
    yield file
    file.close()


async def count(file: SqliteFile) -> int:
    rows = await file.fetch("SELECT COUNT(*) FROM t")
    number: int = rows[0][0]
    return number


def insert(*ids: int) -> Script[int]:
    yield Put("INSERT INTO t VALUES (?)", [(each,) for each in ids])
    touched: int = yield Change("UPDATE t SET id = id")
    rows = yield Ask("SELECT id FROM t")
    assert len(rows) == touched
    return touched


async def write(file: SqliteFile, script: Script[int]) -> int:
    async def body(session: SqliteSession) -> int:
        return await session.run(script)

    return await file.transaction(body)


async def test_script_writes_all_or_nothing(file: SqliteFile) -> None:
    assert await write(file, insert(1, 2)) == 2
    with pytest.raises(sqlite3.IntegrityError):
        await write(file, insert(3, 2))
    assert await count(file) == 2
    assert await write(file, insert(3)) == 3  # the lock was given back


async def test_writes_are_durable_and_in_wal_mode(file: SqliteFile) -> None:
    async def body(session: SqliteSession) -> tuple[int, str]:
        durable = (await session.fetch("PRAGMA synchronous"))[0][0]
        return durable, (await session.fetch("PRAGMA journal_mode"))[0][0]

    assert await file.transaction(body) == (2, "wal")  # FULL


async def test_reads_of_one_script_see_one_state(file: SqliteFile) -> None:
    def look() -> Script[tuple[int, int]]:
        first = yield Ask("SELECT COUNT(*) FROM t")
        other = sqlite3.connect(file_path)
        other.execute("INSERT INTO t VALUES (9)")
        other.commit()
        other.close()
        second = yield Ask("SELECT COUNT(*) FROM t")
        return first[0][0], second[0][0]

    file_path = (await file.fetch("PRAGMA database_list"))[0][2]
    assert await file.read(look()) == (0, 0)
    assert await count(file) == 1


async def test_readers_cannot_write(file: SqliteFile) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await file.read(insert(1))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await file.fetch("INSERT INTO t VALUES (1)")


async def test_another_process_with_the_lock_does_not_stop_the_loop(file: SqliteFile) -> None:
    path = (await file.fetch("PRAGMA database_list"))[0][2]
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    turns = 0
    writing = asyncio.create_task(write(file, insert(1)))
    while turns < 50:  # the loop goes on while the write waits
        await asyncio.sleep(0.001)
        turns += 1
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    assert await asyncio.wait_for(writing, 10) == 1


def test_second_serving_process_is_refused(tmp_path: Path) -> None:
    first, second = LockFile(tmp_path / "t.db"), LockFile(tmp_path / "t.db")
    first.acquire()
    with pytest.raises(Locked, match="another process serves"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
