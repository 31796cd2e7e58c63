"""What an operation of the front end's API is, and what its handler gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel

from bot.channels.login import Login
from bot.clock import Clock
from bot.conversation.context import Context
from bot.conversation.engine import Engine
from bot.conversation.turn import Tools
from bot.metrics import Metrics
from bot.store.loader import Loader
from bot.store.sessions import LoggedIn, Sessions
from handlers.http.api.limits import Buckets, Network

PREFIX = "/api/v1"


class ApiSettings(Protocol):
    """What of the settings concerns this door."""

    @property
    def production(self) -> bool: ...

    @property
    def trusted_proxies(self) -> str: ...

    @property
    def login_minutes(self) -> int: ...

    @property
    def api_calls_per_minute(self) -> int: ...

    @property
    def logins_per_minute(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Api:
    """What all calls share."""

    tools: Tools
    engine: Engine
    loader: Loader
    sessions: Sessions
    clock: Clock
    metrics: Metrics
    logins: Mapping[str, Login]
    calls: Buckets
    entries: Buckets
    strangers: Buckets
    proxies: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of somebody who is logged in: `ctx` as conversations have it, the checked body or query, the
    names in the path. Changes are recorded on `ctx.work`."""

    ctx: Context
    api: Api
    session: LoggedIn
    body: Any = None
    query: Any = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A call of somebody who isn't logged in yet."""

    api: Api
    body: Any
    key: str
    language: str


Act = Callable[[Call], Awaitable[BaseModel | None]]
Enter = Callable[[Entry], Awaitable[BaseModel]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: routes and the OpenAPI document are both made from it.

    `act` is for who is logged in, `enter` for who isn't; one of the two. `answer` None: no content. `problems`
    are those that no other operation has.
    """

    id: str
    method: str
    path: str
    summary: str
    answer: type[BaseModel] | None
    act: Act | None = None
    enter: Enter | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    status: int = 200
    consent: bool = True
    problems: tuple[str, ...] = ()
    detail: str = ""

    @property
    def keyed(self) -> bool:
        """Whether an Idempotency-Key is demanded."""
        return self.method == "POST"


API = web.AppKey("api", Api)
