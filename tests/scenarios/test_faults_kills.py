"""A process dies while it sends: what was on its way is unknown and never repeated, everything else arrives once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from bot.clock import Clock
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.sealing import KeyRing
from tests.crowd import CUSTOM, Crowd, names, standing
from tests.fakes.clock import FakeClock
from tests.fakes.wechat_api import FakeWeChatApi
from tests.phones import MINI_ID, MINI_SECRET, platform, served
from tests.service import AES_KEY, DATA_KEYS, INDEX_KEYS, TOKEN

HOME = Path(__file__).resolve().parent.parent.parent
AT_ONCE = 8
LEASE_IS_OVER = timedelta(minutes=4)
DUE_SECONDS = 8  # after which both processes are up and begin together


@asynccontextmanager
async def sender(database_url: str, api: FakeWeChatApi) -> AsyncIterator[asyncio.subprocess.Process]:
    """One process that sends, as `python -m bot background`; killed at the end if it still lives."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HOME),
        "YIMA_DATABASE_URL": database_url,
        "YIMA_DATA_KEYS": DATA_KEYS,
        "YIMA_INDEX_KEYS": INDEX_KEYS,
        "YIMA_SENDS_AT_ONCE": str(AT_ONCE),
        "YIMA_WECHAT_MINI__APP_ID": MINI_ID,
        "YIMA_WECHAT_MINI__TOKEN": TOKEN,
        "YIMA_WECHAT_MINI__AES_KEY": AES_KEY,
        "YIMA_WECHAT_MINI__SECRET": MINI_SECRET,
        "YIMA_WECHAT_MINI__API_BASE": api.base_url,
        "YIMA_WECHAT_MINI__TEMPLATES": orjson.dumps({}).decode(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "background", env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def fill(database_url: str, api: FakeWeChatApi, texts: dict[str, list[str]], *, due: float = 0) -> None:
    """People with messages that wait; nobody sends them yet."""
    async with opened(database_url) as database:
        crowd = Crowd(database, KeyRing(DATA_KEYS, INDEX_KEYS), Clock(), api.apps[MINI_ID])
        await crowd.join(*texts)
        await crowd.queue(texts, due=due)


async def end(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    process.send_signal(how)
    await process.wait()


async def nothing_waits(database: Database) -> None:
    """Wait until every notice has been claimed by somebody; at most a minute."""
    for _ in range(600):
        if not (await database.fetch("SELECT count(*) FROM notices WHERE state = 'queued'"))[0][0]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("a notice is still queued")


async def after_the_lease(
    database_url: str, api: FakeWeChatApi
) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Start again once the lease is over; how the notices stand, and how often each text came."""
    clock = FakeClock(Clock().wire() + LEASE_IS_OVER)
    async with served(database_url, api, clock) as they:
        await they.drain()
        stand = await standing(they.service.database)
    return stand, came(api)


def came(api: FakeWeChatApi) -> Counter[str]:
    return Counter(each.content["text"]["content"] for each in api.sent)


def once_each(texts: dict[str, list[str]]) -> Counter[str]:
    return Counter(text for each in texts.values() for text in each)


@pytest.mark.slow
async def test_kill_while_sends_hang_leaves_only_those_unknown_and_sends_nothing_twice(
    database_url: str,
) -> None:
    texts = {openid: [f"{openid} one", f"{openid} two"] for openid in names(40)}
    async with platform(Clock()) as api:
        await fill(database_url, api, texts)
        api.faults.hang(path=CUSTOM)  # carried out, and never answered
        async with sender(database_url, api) as process:
            await api.until(lambda: len(api.sent) >= AT_ONCE // 2)
            await end(process, signal.SIGKILL)
        async with opened(database_url) as database:
            rows = await database.fetch("SELECT count(*) FROM notices WHERE state = 'sending'")
        under_way = rows[0][0]
        assert 0 < under_way <= AT_ONCE
        api.faults.heal()
        stand, times = await after_the_lease(database_url, api)
    assert stand == Counter({("sent", ""): 80 - under_way, ("unknown", "interrupted"): under_way})
    assert not times - once_each(texts)
    # what was claimed and not written to the platform yet is unknown as well
    assert (once_each(texts) - times).total() <= under_way


@pytest.mark.slow
async def test_kill_of_one_of_two_senders_leaves_its_own_unknown_and_the_other_goes_on(
    postgres_database_url: str,
) -> None:
    # one each: what comes after an interrupted one waits for the lease, to keep the order
    url, texts = postgres_database_url, {openid: [f"to {openid}"] for openid in names(80)}
    await migrate(url)
    async with platform(Clock()) as api:
        await fill(url, api, texts, due=DUE_SECONDS)
        api.faults.slow(2.0)
        async with sender(url, api) as dying, sender(url, api) as living, opened(url) as database:
            await api.until(lambda: api.calls[CUSTOM] > AT_ONCE)  # more than one process alone has under way
            await end(dying, signal.SIGKILL)
            api.faults.slow(0)
            await nothing_waits(database)  # what the dead one had claimed may have reached nobody
            await end(living, signal.SIGTERM)  # it writes what became of its own
            rows = await database.fetch("SELECT count(*) FROM notices WHERE state = 'sending'")
            left = rows[0][0]
        assert 0 < left <= AT_ONCE
        stand, times = await after_the_lease(url, api)
    assert stand == Counter({("sent", ""): 80 - left, ("unknown", "interrupted"): left})
    assert not times - once_each(texts)
    assert (once_each(texts) - times).total() <= left
