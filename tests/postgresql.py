"""A database of one's own on the PostgreSQL server of the tests, or a reason why there is none.

The server is YIMA_TEST_DATABASE_URL, or the local one where `postgres` is let in without a password. Where none
answers, a test that asks is skipped; in CI (CI=true) it fails, so that nothing is skipped unseen.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

T = TypeVar("T")

VARIABLE = "YIMA_TEST_DATABASE_URL"
_LOCAL = "postgres://postgres@127.0.0.1:5432/test"
_PREFIX = "yima_test_"


def postgres_url() -> str:
    """The URL of the server that answers; skips the test where there is none, fails it in CI."""
    problem = _problem()
    if problem:
        _unreachable(problem)
    return _server()


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of a new, empty database, which is dropped at the end."""
    server = postgres_url()
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    _run(_execute(server, f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0"))
    try:
        yield _with_database(server, name)
    finally:
        _run(_execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


@contextmanager
def empty_database(backend: str, folder: Path) -> Iterator[str]:
    """An empty database on `sqlite` (a file in the folder) or `postgresql` (one of its own)."""
    if backend == "sqlite":
        yield f"sqlite://{folder}/yima.db"
        return
    with fresh_database() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_session_url() -> Iterator[str]:
    """One database for the whole run of this process (each worker has its own)."""
    with fresh_database() as url:
        yield url


@pytest.fixture
def postgres_database_url() -> Iterator[str]:
    """A database for this test only."""
    with fresh_database() as url:
        yield url


def _server() -> str:
    return os.environ.get(VARIABLE, "").strip() or _LOCAL


@cache
def _problem() -> str:
    """Why the server can't be used, or nothing; asked once a process."""
    try:
        _run(_execute(_server(), "SELECT 1"))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _unreachable(problem: str) -> NoReturn:
    reason = f"no PostgreSQL server for the tests ({problem}); start one or set {VARIABLE}"
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _execute(url: str, sql: str) -> None:
    # asyncpg reads the scheme itself and knows only these two
    connection = await asyncpg.connect(url.replace("asyncpg://", "postgres://", 1), timeout=3)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a thread of its own: the caller may be inside a running loop."""
    results: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
