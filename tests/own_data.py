"""Residents who ask for what is theirs: phones over a real database with every route, and the door to the copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.metrics import Metrics
from bot.services.keys import context_of, sealed_tables
from bot.services.retention import Retention, load_retention
from bot.services.world import World
from bot.store import models
from bot.store.database import Database
from handlers.chat.routes import FORMS, ROUTES
from handlers.http import my_data
from handlers.http.keys import CLOCK, DATABASE, METRICS, TOOLS
from scheduler.deletions import delete_due
from scheduler.job import JobTools
from tests.fakes.clock import FakeClock
from tests.handlers.chat.factory import AGREE, DAYS, HEALTH, HOME, HOME_LINES, Phone, make_world

URL = "https://yima.example"
RETENTION = HOME / "config" / "retention.yaml"


def retention() -> Retention:
    return load_retention(RETENTION)


def own_world(clock: FakeClock) -> World:
    world = make_world()
    world.public_url, world.wire, world.retention = URL, clock.wire, retention()
    return world


def phone_of(database: Database, clock: FakeClock, *, user: str = "li", world: World | None = None) -> Phone:
    """A phone with every conversation."""
    return Phone(
        database, user=user, world=world or own_world(clock), clock=clock, routes=ROUTES, forms=tuple(FORMS.values())
    )  # fmt: skip


async def declare(
    phone: Phone, name: str, certificate: str, number: str, *, address: str = HOME_LINES[1]
) -> None:
    """From the first contact to a submitted declaration."""
    person = (name, "1", certificate, number)
    await phone.say(*AGREE, "申报", *person, HOME_LINES[0], address, *DAYS, *HEALTH, "推荐", "提交")


@asynccontextmanager
async def door(phone: Phone) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The page behind the link, over the same database as that phone."""
    app = web.Application()
    app[CLOCK], app[DATABASE], app[METRICS], app[TOOLS] = phone.clock, phone.database, Metrics(), phone.tools
    my_data.add_routes(app, HOME / "templates" / "my_data")
    async with TestClient(TestServer(app)) as client:
        yield client


def path_in(answer: str) -> str:
    """The path of the link that an answer holds."""
    start = answer.index(URL) + len(URL)
    return answer[start:].split()[0]


@dataclass
class Slot:
    """One run of a job at that slot."""

    slot: datetime
    counts: dict[str, int] = field(default_factory=dict)
    stopping: bool = False

    def count(self, **counts: int) -> None:
        for name, more in counts.items():
            self.counts[name] = self.counts.get(name, 0) + more


async def run_deletions(phone: Phone) -> dict[str, int]:
    """What the job does at the phone's present time."""
    tools = JobTools(
        database=phone.database, clock=phone.clock, world=phone.world, rescorer=None, reachability=phone.tools.reachability,  # type: ignore[arg-type]
        metrics=Metrics(), wake=lambda: None, home=HOME,
    )  # fmt: skip
    run: Any = Slot(phone.clock.now())
    await delete_due(tools, run)
    counts: dict[str, int] = run.counts
    return counts


async def everything(phone: Phone) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    found = {}
    for meta in (getattr(models, name)._meta for name in models.__all__):
        columns = tuple(meta.fields_map)
        names = ", ".join(f'"{column}"' for column in columns)
        rows = await phone.database.fetch(f"SELECT {names} FROM {meta.db_table}")
        found[meta.db_table] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


async def readable(phone: Phone) -> str:
    """Everything that whoever holds database and keys can read: every value, and every sealed one opened."""
    rows = await everything(phone)
    keys = phone.world.keys
    values = [str(value) for table in rows.values() for row in table for value in row.values()]
    for table in sealed_tables():
        for column in table.sealed:
            context = context_of(table.name, column)
            values += [keys.open(context, bytes(row[column])) for row in rows[table.name] if row[column]]
    return "\n".join(values)
