"""A small world for tests of the conversation: real rule books, schemes and texts, keys of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bot.conversation.engine import Engine
from bot.conversation.routing import Route
from bot.conversation.texts import Texts
from bot.conversation.turn import Tools
from bot.conversation.understanding.places import Places
from bot.core.rules import RuleBooks
from bot.metrics import Metrics
from bot.notices.reachability import Reachability
from bot.services.borders import load_borders
from bot.services.real_name import NoRealNameService, RealNameService
from bot.services.rulebooks import load_rulebooks
from bot.services.schemes import Schemes, load_schemes
from bot.services.world import World
from bot.store.database import Database
from bot.store.loader import Loader
from bot.store.sealing import KeyRing
from bot.store.writer import Writer
from tests.fakes.clock import FakeClock

HOME = Path(__file__).resolve().parent.parent.parent


@cache
def rulebooks() -> RuleBooks:
    return load_rulebooks(HOME / "config" / "rulebooks", load_borders(HOME / "config" / "divisions"))


@cache
def schemes() -> Schemes:
    return load_schemes(HOME / "config" / "schemes")


@cache
def texts() -> Texts:
    return Texts.load(HOME / "templates" / "messages")


@cache
def places() -> Places:
    return Places.load()


@cache
def keys() -> KeyRing:
    return KeyRing(KeyRing.generate(), KeyRing.generate())


def make_world(real_name: RealNameService | None = None) -> World:
    return World(
        keys=keys(),
        schemes=schemes(),
        rulebooks=rulebooks(),
        real_name=real_name or NoRealNameService(),
    )


def make_engine(
    database: Database,
    routes: Sequence[Route],
    *,
    clock: FakeClock | None = None,
    forms: dict[str, Any] | None = None,
    reply_seconds: float = 4.0,
    metrics: Metrics | None = None,
) -> Engine:
    """An engine over that database with these routes."""
    clock = clock or FakeClock()
    tools = Tools(
        clock=clock,
        world=make_world(),
        texts=texts(),
        places=places(),
        database=database,
        routes=routes,
        forms=forms or {},
        reachability=Reachability(database, clock, {}),
        limits={"wechat_official": 2048},
        told=frozenset({"wechat_official"}),
    )
    return Engine(
        tools, Loader(database), Writer(database), metrics or Metrics(), reply_seconds=reply_seconds
    )
