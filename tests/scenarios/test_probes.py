"""What operators see: alive, ready, counted, refused to start, stopped cleanly."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import create_app
from bot.errors import Locked, MigrationRefused, Misconfigured
from bot.store.config import sqlite_path
from bot.store.sealing import KeyRing
from config.settings import Settings, check, read_settings
from tests.fakes.clock import FakeClock
from tests.postgresql import postgres_url
from tests.scenarios.test_kills import HOME, Server, consents, free_port, text
from tests.service import AES_KEY, APP_ID, DATA_KEYS, INDEX_KEYS, TOKEN, make_settings, running


async def test_probes_and_counters_answer_while_the_service_works(database_url: str) -> None:
    async with running(database_url) as service:
        await service.say("o_li", "你好")
        health = await service.client.get("/healthz")
        assert (health.status, await health.json()) == (200, {"status": "ok"})
        ready = await service.client.get("/readyz")
        assert (ready.status, (await ready.json())["checks"]) == (200, {"database": "ok", "migrations": "ok"})
        metrics = await service.client.get("/metrics")
        assert metrics.content_type == "text/plain"
        answered = 'yima_messages_total{channel="wechat_official",kind="text",outcome="answered"}'
        assert await service.metric(answered) == 1
        assert await service.metric('yima_message_seconds_count{channel="wechat_official"}') == 1
        assert (await service.client.get("/nothing")).status == 404


async def test_service_with_pending_migrations_is_not_ready(database_url: str) -> None:
    async with running(database_url) as service:
        rename = "UPDATE tortoise_migrations SET name = ? WHERE name = ?"
        ((name,),) = await service.rows("SELECT name FROM tortoise_migrations ORDER BY id DESC LIMIT 1")
        await service.database.execute(rename, ["not_ours", name])
        behind = await service.client.get("/readyz")
        assert (behind.status, (await behind.json())["checks"]["database"] == "ok") == (503, True)
        await service.database.execute(rename, [name, "not_ours"])
        assert (await service.client.get("/readyz")).status == 200


@pytest.mark.postgresql
async def test_service_whose_database_is_gone_is_not_ready_until_it_is_back(
    postgres_database_url: str,
) -> None:
    name = urlsplit(postgres_database_url).path.removeprefix("/")
    server = await asyncpg.connect(postgres_url())
    try:
        async with running(postgres_database_url) as service:
            await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
            await server.execute(ended, name)
            gone = await service.client.get("/readyz")
            assert (gone.status, (await gone.json())["status"]) == (503, "not ready")
            assert (await service.client.get("/healthz")).status == 200
            assert "没有保存" in await service.say("o_li", "你好")
            await server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            assert (await service.client.get("/readyz")).status == 200
            assert "同意" in await service.say("o_li", "你好")
    finally:
        await server.close()


async def start(settings: Settings) -> None:
    """Start a service that is not meant to come up."""
    runner = web.AppRunner(create_app(settings, clock=FakeClock()))
    try:
        await runner.setup()
    finally:
        await runner.cleanup()


async def test_production_has_no_simulator_and_demands_a_migrated_database(
    database_url: str, tmp_path: Path
) -> None:
    production: dict[str, Any] = {
        "env": "production",
        "public_url": "https://yima.example",
        "pass_keys": SecretStr("x"),
    }
    async with running(database_url, **production) as service:
        for path in ("/simulator/", "/simulator/messages", "/simulator/clock"):
            assert (await service.client.get(path)).status == 404
        assert "同意" in await service.say("o_li", "你好")
    with pytest.raises(MigrationRefused, match="python -m bot migrate"):
        await start(make_settings(f"sqlite://{tmp_path}/empty.db", **production))


@pytest.mark.parametrize(
    "missing", ["YIMA_DATA_KEYS", "YIMA_INDEX_KEYS", "YIMA_PASS_KEYS", "YIMA_PUBLIC_URL"]
)
def test_production_without_a_secret_names_the_variable_and_no_value(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "YIMA_DATA_KEYS": KeyRing.generate(),
        "YIMA_INDEX_KEYS": KeyRing.generate(),
        "YIMA_PASS_KEYS": KeyRing.generate(),
        "YIMA_PUBLIC_URL": "https://yima.example",
    }
    monkeypatch.setenv("YIMA_ENV", "production")
    for name, value in given.items():
        monkeypatch.setenv(name, value if name != missing else "")
    with pytest.raises(Misconfigured, match=missing) as refused:
        read_settings()
    assert not any(value in str(refused.value) for value in given.values())


def test_wrong_key_and_wrong_port_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    wrong = DATA_KEYS[:-6] + "!!!!!="
    with pytest.raises(Misconfigured, match="YIMA_DATA_KEYS") as refused:
        create_app(make_settings(database_url, data_keys=SecretStr(wrong)))
    assert wrong.partition(":")[2] not in str(refused.value)
    monkeypatch.setenv("YIMA_PORT", "fourscore")
    with pytest.raises(Misconfigured, match="YIMA_PORT") as misread:
        read_settings()
    assert "fourscore" not in str(misread.value)
    monkeypatch.delenv("YIMA_PORT")
    with pytest.raises(Misconfigured, match="YIMA_HOST"):
        check(Settings(_env_file=None, host="0.0.0.0"))


async def test_second_server_on_one_sqlite_file_refuses_and_a_later_one_may(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/one.db"
    async with running(url):
        with pytest.raises(Locked, match="SQLite is for one"):
            await start(make_settings(url))
    async with running(url) as service:
        assert (await service.client.get("/readyz")).status == 200
    with closing(sqlite3.connect(tmp_path / "one.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@asynccontextmanager
async def served(url: str) -> AsyncIterator[Server]:
    """`python -m bot serve` in a process of its own."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOME),
        "YIMA_PORT": str(port),
        "YIMA_SEED": "none",
        "YIMA_DATABASE_URL": url,
        "YIMA_DATA_KEYS": DATA_KEYS,
        "YIMA_INDEX_KEYS": INDEX_KEYS,
        "YIMA_WECHAT_OFFICIAL__APP_ID": APP_ID,
        "YIMA_WECHAT_OFFICIAL__TOKEN": TOKEN,
        "YIMA_WECHAT_OFFICIAL__AES_KEY": AES_KEY,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve"),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with aiohttp.ClientSession() as session:
        try:
            serving = Server(port, process, session)
            await serving.ready()
            yield serving
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def no_commits(url: str) -> AsyncIterator[None]:
    """Somebody else holds what every commit needs."""
    path = sqlite_path(url)
    if path is not None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        return
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE inbox IN EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@pytest.mark.slow
async def test_sigterm_finishes_and_answers_what_was_taken(database_url: str) -> None:
    async with served(database_url) as serving:
        await serving.post(text("你好", "1"))
        async with no_commits(database_url):
            agreeing = asyncio.create_task(serving.post(text("同意", "2")))
            await until(serving, "yima_running 1.0")
            serving.process.terminate()
            await until(serving, None)
            assert not agreeing.done()
        answer = await agreeing
        assert answer is not None
        assert "申报" in answer
        assert await asyncio.wait_for(serving.process.wait(), 30) == 0
    assert await consents(database_url) == ["given"]


async def until(serving: Server, line: str | None) -> None:
    """Wait for a line of /metrics; for None, until nobody is let in any more."""
    for _ in range(500):
        try:
            async with serving.session.get(
                f"{serving.url}/metrics", headers={"Connection": "close"}
            ) as response:
                if line in (await response.text()).splitlines():
                    return
        except aiohttp.ClientConnectorError:
            assert line is None
            return
        await asyncio.sleep(0.01)
    raise AssertionError(line)
