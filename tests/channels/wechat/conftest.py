"""Fixtures for the tests of WeChat's API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.store.database import Database
from tests.channels.wechat.api_rig import Rig, open_rig


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    """A scripted platform and a database of one's own."""
    async with open_rig(database) as rig:
        yield rig
