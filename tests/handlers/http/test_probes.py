"""Readiness tells of rule books that were refused, and serves on by the last good ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.core.borders import NO_BORDERS
from bot.services.real_name import NoRealNameService
from bot.services.rulebooks import Shelf
from bot.services.schemes import Schemes
from bot.services.world import World
from bot.store.database import Database
from bot.store.sealing import KeyRing
from handlers.http import probes
from handlers.http.keys import DATABASE
from tests.core.people import BOOK
from tests.services.test_rulebooks import write

NOW = datetime(2020, 2, 20, tzinfo=UTC)


async def readiness(database: Database, shelf: Shelf | None) -> tuple[int, dict[str, Any]]:
    """The status and the body of /readyz."""
    app = web.Application()
    app[DATABASE] = database
    if shelf is not None:
        app[probes.RULE_BOOKS] = shelf
    app.router.add_get("/readyz", probes.show_readiness)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/readyz")
        body: dict[str, Any] = await response.json()
        return response.status, body


async def test_refused_rule_books_are_told_and_the_service_stays_ready(
    database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "rulebooks"
    path = write(folder, BOOK)
    shelf = Shelf(folder, NO_BORDERS, confirmed=None)
    keys = KeyRing(KeyRing.generate(), KeyRing.generate())
    world = World(keys, Schemes(), shelf.open(), NoRealNameService())
    assert (await readiness(database, shelf))[1]["rule_books"] == {"state": "ok", "problems": 0}

    path.write_text(
        BOOK.replace("days: 14", "days: many").replace("at_least: red", "at_least: blue"), encoding="utf-8"
    )
    await shelf.reload(world, now=NOW)
    status, body = await readiness(database, shelf)
    assert (status, body["status"]) == (200, "ready")
    assert body["rule_books"] == {
        "state": "kept",
        "problems": 3,
        "at": [
            "rulebooks/town/1.0/rulebook.yaml:11: 'at_least' is 'blue', not one of yellow, red",
            "rulebooks/town/1.0/rulebook.yaml:11: 'gives' needs points in a dimension of this book, or 'at_least', or 'at_most'",
            "rulebooks/town/1.0/rulebook.yaml:12: 'days' is not a whole number: 'many'",
        ],
    }

    path.write_text(BOOK, encoding="utf-8")
    await shelf.reload(world, now=NOW)
    assert (await readiness(database, shelf))[1]["rule_books"] == {"state": "ok", "problems": 0}


async def test_a_long_list_of_problems_is_cut_but_counted(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "rulebooks"
    write(folder, BOOK)
    shelf = Shelf(folder, NO_BORDERS, confirmed=None)
    shelf.open()
    shelf.problems = tuple(f"rulebooks/town/1.0/rulebook.yaml:{line}: wrong" for line in range(1, 31))
    shown = (await readiness(database, shelf))[1]["rule_books"]
    assert (shown["problems"], len(shown["at"])) == (30, 20)


async def test_readiness_without_a_shelf_says_nothing_of_rule_books(database: Database) -> None:
    status, body = await readiness(database, None)
    assert (status, body) == (200, {"status": "ready", "checks": {"database": "ok", "migrations": "ok"}})
