"""What a command needs that works on the database: opened before, closed after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.app import make_keys, make_world
from bot.clock import Clock
from bot.services import clock_offset
from bot.services.risk import load_risk
from bot.services.world import World
from bot.store.database import Database
from bot.store.loader import Loader
from bot.store.writer import Writer
from config.settings import Settings, read_settings

_GROUP = 128  # units of work in one transaction: nobody waits for an answer here


@dataclass(frozen=True, slots=True)
class Tools:
    """The settings, and what was made of them."""

    settings: Settings
    clock: Clock
    world: World
    database: Database
    loader: Loader
    writer: Writer


@asynccontextmanager
async def opened_tools() -> AsyncIterator[Tools]:
    """The tools of the settings in force, with the risk levels of now; development's clock as it was moved."""
    settings = read_settings()
    clock, database = Clock(), Database(settings.database_url)
    world = make_world(settings, make_keys(settings))
    await database.open()
    loader, writer = Loader(database), Writer(database, group=_GROUP)
    try:
        if not settings.production:
            await clock_offset.restore(database, clock)
        world.risk = await load_risk(database)
        yield Tools(settings, clock, world, database, loader, writer)
    finally:
        await writer.close()
        await loader.close()
        await database.close()
