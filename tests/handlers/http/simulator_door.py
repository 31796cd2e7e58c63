"""The simulator's routes on a server of their own, with an engine that echoes and a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from aiohttp.test_utils import TestClient
from jinja2 import Template

from bot.conversation.engine import Engine
from bot.conversation.texts import Texts
from bot.conversation.turn import Tools
from bot.conversation.understanding.places import Places
from bot.core.rules import RuleBooks
from bot.message import Choice, Choices, Incoming, Kind, Reply
from bot.metrics import Metrics
from bot.notices.reachability import Reachability
from bot.services.real_name import NoRealNameService
from bot.services.rescorer import Rescorer
from bot.services.schemes import Schemes
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database
from bot.store.sealing import KeyRing
from handlers.http.keys import CLOCK, CLOCK_MOVER, DATABASE, ENGINE, TOOLS
from handlers.http.simulator import add_routes
from scheduler.heart import Scheduler
from scheduler.job import JobTools
from tests.fakes.clock import FakeClock

AT = datetime(2020, 2, 20, 1, 0, tzinfo=UTC)
TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "simulator"
MESSAGES = "/simulator/messages"
KEYS = KeyRing(KeyRing.generate(), KeyRing.generate())
NOTICES = {"notice.result": Template("{{ word }}"), "notice.green": Template("绿码")}


class EchoEngine:
    """Says back what it was told and keeps it."""

    def __init__(self) -> None:
        self.taken: list[Incoming] = []

    async def receive(self, incoming: Incoming) -> Reply | None:
        self.taken.append(incoming)
        if incoming.kind is Kind.UNFOLLOW:
            return None
        return Reply.of(f"{incoming.account}: {incoming.text}", Choices((Choice("是", "yes"),), "好吗？"))


class Door:
    """The simulator's routes on a server of their own, and what stands behind them."""

    def __init__(self, client: TestClient[web.Request, web.Application], engine: EchoEngine) -> None:
        self.client = client
        self.engine = engine
        self.database = client.app[DATABASE]
        self.clock = client.app[CLOCK]
        self._ids = 0

    async def say(self, body: Any, **more: Any) -> tuple[int, dict[str, Any]]:
        async with self.client.post(MESSAGES, json=body, **more) as response:
            return response.status, await response.json()

    async def move(self, forward: Any) -> tuple[int, dict[str, Any]]:
        async with self.client.post("/simulator/clock", json={"forward": forward}) as response:
            return response.status, await response.json()

    async def look(self, user: str, after: str = "") -> dict[str, Any]:
        async with self.client.get(MESSAGES, params={"user": user, "after": after}) as response:
            assert response.status == 200
            found: dict[str, Any] = await response.json()
            return found

    async def words(self, user: str, after: str = "") -> list[str]:
        return [message["text"] for message in (await self.look(user, after))["messages"]]

    async def meet(self, user: str, *, account: int, following: bool = True) -> None:
        known_as = indexes.account("simulator", user)
        await self.database.execute(
            "INSERT INTO accounts (id, person_id, channel, external_index, external_sealed, following, created_at)"
            " VALUES (?, ?, 'simulator', ?, ?, ?, ?)",
            [
                account,
                account,
                KEYS.index(known_as.kind, known_as.value),
                KEYS.seal("accounts.external", user),
                following,
                AT + timedelta(seconds=account),
            ],
        )

    async def sent(self, account: int, word: str, **more: Any) -> int:
        """One notice as the dispatcher leaves it behind, in the order of the calls; columns may differ."""
        self._ids += 1
        row = {
            "id": self._ids,
            "resident_id": 7,
            "account_id": account,
            "person_id": account,
            "kind": "result",
            "params_sealed": KEYS.seal_json("notices.params", {"word": word}),
            "state": "sent",
            "dedup_key": str(self._ids),
            "not_before": AT,
            "expires_at": AT + timedelta(days=3),
            "created_at": AT,
            "sent_at": AT,
            "channel": "simulator",
            "platform_id": f"{1000 + self._ids:020d}",
        } | more
        marks = ", ".join("?" for _ in row)
        await self.database.execute(
            f"INSERT INTO notices ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )
        return self._ids


def simulator_app(database: Database, engine: EchoEngine) -> web.Application:
    """An application that has nothing but the simulator's routes."""
    world = World(keys=KEYS, schemes=Schemes(), rulebooks=RuleBooks(), real_name=NoRealNameService())
    app = web.Application()
    app[CLOCK] = FakeClock(AT)
    app[DATABASE] = database
    app[ENGINE] = cast(Engine, engine)
    app[TOOLS] = Tools(
        clock=app[CLOCK],
        world=world,
        texts=Texts({"zh": NOTICES, "en": NOTICES}),
        places=cast(Places, None),  # nothing here reads places
        database=database,
        routes=(),
        forms={},
        reachability=Reachability(database, app[CLOCK], {}),
    )
    idle_scheduler(app, world)
    add_routes(app, TEMPLATES)
    return app


def idle_scheduler(app: web.Application, world: World) -> None:
    """What moves the clock, with no job and nothing to send."""
    tools = JobTools(
        database=app[DATABASE],
        clock=app[CLOCK],
        world=world,
        rescorer=cast(Rescorer, None),  # no job asks for it
        reachability=app[TOOLS].reachability,
        metrics=Metrics(),
        wake=lambda: None,
        home=TEMPLATES,
    )
    scheduler = Scheduler((), tools, owner="door", settle=nothing)
    app[CLOCK_MOVER] = scheduler.move_clock

    async def opened(_app: web.Application) -> AsyncIterator[None]:
        await scheduler.open()
        yield
        await scheduler.close()

    app.cleanup_ctx.append(opened)


async def nothing() -> None:
    """Nobody waits for anything."""
