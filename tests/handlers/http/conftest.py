"""Fixtures of the doors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.store.database import Database
from tests.handlers.http.simulator_door import Door, EchoEngine, simulator_app


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    """The simulator's door, opened."""
    engine = EchoEngine()
    async with TestClient(TestServer(simulator_app(database, engine))) as client:
        yield Door(client, engine)
