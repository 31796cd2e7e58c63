"""Only one process migrates a database at a time; the others wait and then find nothing to do."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bot.store.config import connection_config, sqlite_path

# One number of 64 bits, the same in every release: the advisory lock of "somebody migrates".
_ADVISORY_LOCK = 0x59696D61_4D696772
_PAUSE = 0.1


@asynccontextmanager
async def migration_lock(url: str) -> AsyncIterator[None]:
    """Hold the lock of this database: a file beside a SQLite file, an advisory lock on PostgreSQL.

    Both end with the process that holds them. On PostgreSQL the lock needs a session: through a pooler that
    works by transaction, give `migrate` the server's own address.
    """
    path = sqlite_path(url)
    holding = _file_lock(path) if path is not None else _advisory_lock(url)
    async with holding:
        yield


@asynccontextmanager
async def _file_lock(path: Path) -> AsyncIterator[None]:
    descriptor = os.open(path.with_name(f"{path.name}.migrating"), os.O_RDWR | os.O_CREAT, 0o600)

    async def attempt() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        await _until(attempt)
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def _advisory_lock(url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(**_arguments(url))

    async def attempt() -> bool:
        taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY_LOCK)
        return taken

    try:
        await _until(attempt)
        yield
    finally:
        await connection.close()


async def _until(attempt: Callable[[], Awaitable[bool]]) -> None:
    # Asked again and again: who waits inside PostgreSQL holds a snapshot, and CREATE INDEX CONCURRENTLY in the
    # process that migrates would wait for that snapshot for ever.
    while not await attempt():  # noqa: ASYNC110 - nothing of ours could wake it
        await asyncio.sleep(_PAUSE)


def _arguments(url: str) -> dict[str, Any]:
    credentials = connection_config(url)["credentials"]
    names = ("host", "port", "user", "password", "database", "ssl", "statement_cache_size")
    return {name: credentials[name] for name in names if name in credentials}
