"""The one owner of the database: opens it, reads, and runs transactions that can't leak.

SQL is written with `?` and runs on SQLite and PostgreSQL. A transaction runs in a task of its own, because a
cancelled caller would otherwise keep the connection (and with SQLite the whole file) locked for ever.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import orjson
from tortoise.context import TortoiseContext

from bot.errors import Unavailable
from bot.store.config import sqlite_path, tortoise_config
from bot.store.scripts import Ask, Change, Script
from bot.store.sqlite_file import SqliteFile

T = TypeVar("T")
Row = Sequence[Any]

_MARK = re.compile(r"\?")


class Session(Protocol):
    """What a transaction body may do."""

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]: ...

    async def execute(self, sql: str, params: Sequence[Any] = ()) -> int: ...

    async def execute_many(self, statements: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> None: ...

    async def run(self, script: Script[T]) -> T: ...


class PostgresSession:
    """PostgreSQL through asyncpg."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        rows: Sequence[Row] = await self._connection.fetch(numbered(sql), *params)
        return rows

    async def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        status: str = await self._connection.execute(numbered(sql), *params)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def execute_many(self, statements: Sequence[tuple[str, Sequence[Sequence[Any]]]]) -> None:
        for sql, rows in statements:
            await self._connection.executemany(numbered(sql), rows)

    async def run(self, script: Script[T]) -> T:
        """Run a script step by step."""
        answer: Any = None
        while True:
            try:
                step = script.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Ask):
                answer = await self.fetch(step.sql, step.params)
            elif isinstance(step, Change):
                answer = await self.execute(step.sql, step.params)
            else:
                await self.execute_many([(step.sql, step.rows)])
                answer = None


@lru_cache(maxsize=512)
def numbered(sql: str) -> str:
    """The same SQL with `$1`, `$2` … instead of `?`."""
    count = 0

    def number(_match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${count}"

    return _MARK.sub(number, sql)


class Database:
    """Open with `open()`, close with `close()`; everything else goes through `fetch`, `execute`, `transaction`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
        self._context: TortoiseContext | None = None
        self._client: Any = None
        self._file: SqliteFile | None = None
        self._running: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Connect, and prove it with a query: the pool alone would succeed with a dead server."""
        context = TortoiseContext()
        context.__enter__()
        self._context = context
        try:
            await context.init(config=tortoise_config(self.url))
            self._client = context.db("default")
            path = sqlite_path(self.url)
            if path is not None:
                self._file = SqliteFile(path)
            await self.fetch("SELECT 1")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish the running transactions, then let go of the connections."""
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        file, self._file = self._file, None
        if file is not None:
            file.close()
        self._client = None
        context, self._context = self._context, None
        if context is not None:
            await context.close_connections()
            # entered in another task's context when a fixture opened it: nothing to restore there
            context._token = None

    async def fetch(self, sql: str, params: Sequence[Any] = ()) -> Sequence[Row]:
        """The rows of one query."""
        if self._file is not None:
            return await self._file.fetch(sql, params)
        async with self._open_client().acquire_connection() as connection:
            return await PostgresSession(connection).fetch(sql, params)

    async def read(self, script: Script[T]) -> T:
        """Run a short script that only reads, on one state of the database where that is free (SQLite)."""
        if self._file is not None:
            return await self._file.read(script)
        async with self._open_client().acquire_connection() as connection:
            return await PostgresSession(connection).run(script)

    async def write(self, script: Script[T]) -> T:
        """Run a script in one transaction; a cancelled caller doesn't know whether it was committed."""

        async def body(session: Session) -> T:
            return await session.run(script)

        return await self.transaction(body)

    async def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement in a transaction of its own and return how many rows it touched."""

        async def body(session: Session) -> int:
            return await session.execute(sql, params)

        return await self.transaction(body)

    async def transaction(self, body: Callable[[Session], Awaitable[T]]) -> T:
        """Run `body` in one transaction; a cancelled caller doesn't know whether it was committed."""
        return await self._owned(self._transact(body))

    async def _owned(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work, name="transaction")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    def _open_client(self) -> Any:
        """The driver; a closed database must not connect again by itself, nobody would close that."""
        if self._client is None:
            raise Unavailable("the database is not open")
        return self._client

    async def _transact(self, body: Callable[[Session], Awaitable[T]]) -> T:
        if self._file is not None:
            return await self._file.transaction(body)
        async with self._open_client().acquire_connection() as connection, connection.transaction():
            return await body(PostgresSession(connection))

    def among(self, column: str, kind: str = "bigint") -> str:
        """`column` is one of a list given as one parameter made by `listed()`; the SQL text stays the same
        for every length, so that it is prepared once."""
        if self.dialect == "sqlite":
            return f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own names
        return f"{column} = ANY(?::{kind}[])"

    def listed(self, values: Iterable[Any]) -> Any:
        """The parameter that belongs to `among()`."""
        return orjson.dumps(list(values)).decode() if self.dialect == "sqlite" else list(values)


def instant(value: Any) -> datetime:
    """An instant as it comes from either database."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def instant_or_none(value: Any) -> datetime | None:
    return None if value is None else instant(value)


def day(value: Any) -> date:
    """A day as it comes from either database."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def day_or_none(value: Any) -> date | None:
    return None if value is None else day(value)
