"""SIGHUP reads the rule books anew in a running service, also after a reading that went wrong."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import datetime
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from bot.app import create_app
from bot.core.borders import NO_BORDERS
from bot.services.rulebooks import Reloaded, Shelf
from bot.services.world import World
from handlers.http.probes import RULE_BOOKS
from tests.fakes.clock import FakeClock
from tests.service import make_settings

PROBLEM = "rulebooks/town/1.0/rulebook.yaml:4: 'valid_to' is not after 'valid_from'"


class BrokenShelf(Shelf):
    """The first reading fails unexpectedly, the second one finds a problem."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"), NO_BORDERS, confirmed=None)
        self.readings = 0
        self.read = asyncio.Event()

    async def reload(self, world: World, *, now: datetime) -> Reloaded:
        self.readings += 1
        self.read.set()
        if self.readings == 1:
            raise OSError("the disk is gone")
        self.problems = (PROBLEM,)
        return Reloaded(problems=self.problems)


async def call(shelf: BrokenShelf) -> None:
    """Send the signal and wait until it was heard."""
    shelf.read.clear()
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.wait_for(shelf.read.wait(), 10)


async def test_signal_is_heard_again_after_a_reading_that_failed(database_url: str) -> None:
    app = create_app(make_settings(database_url), clock=FakeClock())
    shelf = app[RULE_BOOKS] = BrokenShelf()
    async with TestClient(TestServer(app)) as client:
        await call(shelf)
        await call(shelf)
        assert shelf.readings == 2
        ready = await client.get("/readyz")
        assert ready.status == 200
        said = (await ready.json())["rule_books"]
        assert (said["state"], said["problems"], said["at"]) == ("kept", 1, [PROBLEM])
        metrics = await (await client.get("/metrics")).text()
        assert "yima_rule_book_problems 1.0" in metrics
