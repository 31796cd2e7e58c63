"""Fixtures for every ring: a migrated database of one's own, on the backend of this run."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import shutil
import sys
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
import structlog

from bot.logs import configure_logs
from bot.store.database import Database
from bot.store.migrate import migrate
from tests.postgresql import postgres_database_url, postgres_session_url

__all__ = ["postgres_database_url", "postgres_session_url"]

# how long an example takes says nothing on a shared machine
hypothesis.settings.register_profile("yima", deadline=None)
hypothesis.settings.load_profile("yima")

# what takes long by its nature: whole services, killed processes, migrations, browsers, populations, properties
SLOW = (
    "benchmarks/",
    "browser/",
    "commands/test_rescore",
    "core/columnar/",
    "core/test_foresight",
    "core/test_properties",
    "handlers/http/api/test_schemathesis",
    "regressions/test_overlapping",
    "scenarios/",
    "scheduler/test_follow_ups_properties",
    "scheduler/test_time_matrix",
    "services/test_population",
    "store/test_migrate",
    "store/test_schema",
    "store/test_sqlite_editor",
    "test_cli",
    "test_demo",
)
_TESTS = Path(__file__).resolve().parent

BACKEND = os.environ.get("YIMA_TEST_BACKEND", "sqlite")


def in_thread(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run to the end in a loop of its own, wherever the fixture is asked for."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(coroutine)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the service writes to its log, everything included."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written, shown = io.StringIO(), sys.stderr
    sys.stderr = written
    try:
        configure_logs("DEBUG")
    finally:
        sys.stderr = shown
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("template") / "yima.db"
    in_thread(migrate(f"sqlite://{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_session_url: str) -> str:
    in_thread(migrate(postgres_session_url))
    return postgres_session_url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database with the schema of head."""
    if BACKEND == "postgresql":
        url: str = request.getfixturevalue("migrated_postgres")
        in_thread(_truncate(url))
        return url
    path = tmp_path / "yima.db"
    shutil.copy(request.getfixturevalue("migrated_file"), path)
    return f"sqlite://{path}"


async def _truncate(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"
        )
        tables = ", ".join(f'"{row[0]}"' for row in rows)
        await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    finally:
        await connection.close()


@pytest.fixture
async def database(database_url: str) -> Any:
    """An open database."""
    database = Database(database_url)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor a .env of the checkout decides what a test sees."""
    for name in list(os.environ):
        if name.startswith("YIMA_") and not name.startswith("YIMA_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow: `make test` leaves it to `make test-slow`, and CI runs both."""
    for item in items:
        if item.path.relative_to(_TESTS).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
