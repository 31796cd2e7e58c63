"""Fixtures of the front end's API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.handlers.http.api.front import Front
from tests.service import Service, running


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    """A running service on an empty database."""
    async with running(database_url) as started:
        yield started


@pytest.fixture
def front(service: Service) -> Front:
    """Somebody with the front end open, not logged in yet."""
    return Front(service)
