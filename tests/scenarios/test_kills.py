"""Whoever dies in between, one message has one effect, and nobody is told "done" before it is."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.channels.wechat.push import Push, PushSender
from bot.store.database import Database
from tests.service import AES_KEY, APP_ID, DATA_KEYS, INDEX_KEYS, PATH, TOKEN

HOME = Path(__file__).resolve().parent.parent.parent
SENDER = PushSender(APP_ID, TOKEN, AES_KEY)
AGREE = "同意"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """One process of the service, which may die."""

    def __init__(
        self, port: int, process: asyncio.subprocess.Process, session: aiohttp.ClientSession
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = process
        self.session = session

    async def ready(self) -> None:
        for _ in range(300):
            try:
                async with self.session.get(f"{self.url}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                assert self.process.returncode is None, "the server ended before it was ready"
            await asyncio.sleep(0.05)
        raise AssertionError("the server was never ready")

    async def post(self, push: Push) -> str | None:
        """What the platform's user reads; None if the server died instead of answering."""
        try:
            async with self.session.post(
                self.url + PATH, params=list(push.query), data=push.body
            ) as response:
                assert response.status == 200
                shown = SENDER.answer(await response.read())
                return shown["Content"] if shown else ""
        except aiohttp.ClientError:
            return None


@asynccontextmanager
async def server(url: str, point: str = "never", *, reply_seconds: str = "4") -> AsyncIterator[Server]:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOME),
        "YIMA_PORT": str(port),
        "YIMA_DATABASE_URL": url,
        "YIMA_DATA_KEYS": DATA_KEYS,
        "YIMA_INDEX_KEYS": INDEX_KEYS,
        "YIMA_REPLY_SECONDS": reply_seconds,
        "YIMA_WECHAT_OFFICIAL__APP_ID": APP_ID,
        "YIMA_WECHAT_OFFICIAL__TOKEN": TOKEN,
        "YIMA_WECHAT_OFFICIAL__AES_KEY": AES_KEY,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.fakes.dying_server",
        point,
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with aiohttp.ClientSession() as session:
        running = Server(port, process, session)
        try:
            await running.ready()
            yield running
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def text(content: str, msg_id: str) -> Push:
    return SENDER.text("o_li", content, at=datetime.now(UTC), msg_id=msg_id)


async def consents(url: str) -> list[str]:
    database = Database(url)
    await database.open()
    try:
        return [row[0] for row in await database.fetch("SELECT consent FROM accounts")]
    finally:
        await database.close()


@pytest.mark.slow
async def test_kill_before_the_commit_leaves_nothing_and_the_redelivery_does_it(database_url: str) -> None:
    async with server(database_url) as first:
        await first.post(text("你好", "1"))
    agree = text(AGREE, "2")
    async with server(database_url, "before_commit") as dying:
        assert await dying.post(agree) is None
    assert await consents(database_url) == ["asked"]
    async with server(database_url) as second:
        assert await second.post(agree)
    assert await consents(database_url) == ["given"]


@pytest.mark.slow
async def test_kill_after_the_commit_gives_the_redelivery_the_same_effect_and_a_reply(
    database_url: str,
) -> None:
    async with server(database_url) as first:
        await first.post(text("你好", "1"))
    agree = text(AGREE, "2")
    async with server(database_url, "after_commit") as dying:
        assert await dying.post(agree) is None
    assert await consents(database_url) == ["given"]
    async with server(database_url) as second:
        stored = await second.post(agree)
        again = await second.post(agree)
    assert stored
    assert stored == again
    assert await consents(database_url) == ["given"]


@pytest.mark.slow
async def test_kill_after_on_it_is_finished_by_another_process_and_told(database_url: str) -> None:
    async with server(database_url) as first:
        await first.post(text("你好", "1"))
    agree = text(AGREE, "2")
    async with server(database_url, "after_promise", reply_seconds="0.3") as dying:
        promised = await dying.post(agree)
        assert promised is not None
        assert "正在办" in promised
        await dying.process.wait()
    assert await consents(database_url) == ["asked"]
    async with server(database_url) as second:
        for _ in range(100):
            if await finished(second):
                break
            await asyncio.sleep(0.1)
        assert await second.post(agree) == promised  # a redelivery reads what was said the first time
        told = await second.post(text("帮助", "3"))
        assert told is not None
        assert "办好了" in told
    assert await consents(database_url) == ["given"]


async def finished(running: Server) -> bool:
    """Whether the promised message has been finished, read from the service's own metrics."""
    async with running.session.get(f"{running.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return any(line.startswith("yima_messages_total") and 'outcome="answered"' in line for line in lines)
