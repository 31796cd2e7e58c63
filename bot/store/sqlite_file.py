"""SQLite for one serving process: short statements in the event loop, waiting for the disk in a thread.

Python's sqlite3 gives the interpreter lock away at every row. With a second thread that computes, each row then
waits for its turn, and reading in a thread costs several times what it costs here. So what the page cache
answers runs where the loop runs; COMMIT, which waits for the disk, runs in a thread; and so does every read
that isn't one of the short scripts.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bot.store.config import SQLITE_PRAGMAS
from bot.store.scripts import Script, drive_on_sqlite

_CACHE_KB = 16_000  # SQLite's own 2 MB don't hold the inner pages of some ten thousand residents
_CHECKPOINT_PAGES = 2_000  # 8 MB of log before it is written back: fewer, not much longer, pauses

T = TypeVar("T")
Row = Sequence[Any]


class SqliteSession:
    """What a transaction body may do, on the connection that writes."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        return self._raw.execute(sql, params).fetchall()

    async def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        return self._raw.execute(sql, params).rowcount

    async def execute_many(self, statements: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> None:
        for sql, rows in statements:
            self._raw.executemany(sql, rows)

    async def run(self, script: Script[T]) -> T:
        return drive_on_sqlite(self._raw, script)


class SqliteFile:
    """Three connections to one file: one writes, one reads scripts in the loop, one reads in a thread."""

    def __init__(self, path: Path) -> None:
        self._writing = asyncio.Lock()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._reads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-read")
        self._writer = _connect(path)
        self._reader = _connect(path, read_only=True)
        self._slow_reader = _connect(path, read_only=True)

    def close(self) -> None:
        self._disk.shutdown()
        self._reads.shutdown()
        for connection in (self._reader, self._slow_reader, self._writer):
            connection.close()

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        """The rows of one query of any size."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._reads, lambda: self._slow_reader.execute(sql, params).fetchall()
        )

    async def read(self, script: Script[T]) -> T:
        """Run a short script on one state of the database."""
        self._reader.execute("BEGIN")
        try:
            return drive_on_sqlite(self._reader, script)
        finally:
            self._reader.rollback()

    async def transaction(self, body: Callable[[SqliteSession], Awaitable[T]]) -> T:
        """Run `body` in one durable transaction; the caller must not be cancelled in between."""
        async with self._writing:
            await self._begin()
            try:
                result = await body(SqliteSession(self._writer))
                await asyncio.get_running_loop().run_in_executor(self._disk, self._writer.commit)
            except BaseException:
                self._writer.rollback()
                raise
            return result

    async def _begin(self) -> None:
        """Take the write lock; another process may hold it, and waiting for that must not stop the loop."""
        loop = asyncio.get_running_loop()
        try:
            self._writer.execute("PRAGMA busy_timeout = 0")
            self._writer.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self._writer.execute(f"PRAGMA busy_timeout = {SQLITE_PRAGMAS['busy_timeout']}")
            await loop.run_in_executor(self._disk, self._writer.execute, "BEGIN IMMEDIATE")


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for name, value in SQLITE_PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {value}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    return connection
