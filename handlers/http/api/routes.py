"""Puts the front end's API into the application: its operations, its document, and a refusal for all else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import partial

from aiohttp import web

from bot.channels.login import Login
from bot.channels.simulator import CHANNEL as SIMULATOR
from bot.store.loader import Loader
from bot.store.sessions import Sessions
from handlers.http.api.calls import API, PREFIX, Api, ApiSettings
from handlers.http.api.door import refuse_unknown, serve
from handlers.http.api.limits import Buckets, trusted_networks
from handlers.http.api.logins import SimulatorLogin
from handlers.http.api.openapi import document
from handlers.http.api.operations import OPERATIONS
from handlers.http.keys import CLOCK, DATABASE, ENGINE, METRICS, TOOLS

DOCUMENT = f"{PREFIX}/openapi.json"


def add_routes(app: web.Application, settings: ApiSettings, logins: Mapping[str, Login]) -> None:
    """Add `/api/v1/`; `logins` are the platforms whose codes can be exchanged, by channel.

    Development has the simulator too, whose code is the free name of its user.
    """
    entered = dict(logins)
    if not settings.production:
        entered.setdefault(SIMULATOR, SimulatorLogin())
    tools = app[TOOLS]
    app[API] = Api(
        tools=tools,
        engine=app[ENGINE],
        loader=Loader(app[DATABASE]),
        sessions=Sessions(
            app[DATABASE], tools.world.keys, app[CLOCK], lasts=timedelta(minutes=settings.login_minutes)
        ),
        clock=app[CLOCK],
        metrics=app[METRICS],
        logins=entered,
        calls=Buckets(settings.api_calls_per_minute),
        entries=Buckets(settings.logins_per_minute),
        strangers=Buckets(settings.logins_per_minute),
        proxies=trusted_networks(settings.trusted_proxies),
    )
    app.cleanup_ctx.append(_loader)
    served = web.json_response(document()).body
    app.router.add_get(DOCUMENT, partial(_show_document, served), allow_head=False)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, f"{PREFIX}{operation.path}", partial(serve, operation))
    app.router.add_route("*", PREFIX + "{tail:(?:/.*)?}", refuse_unknown)


async def _show_document(served: object, request: web.Request) -> web.Response:
    return web.Response(body=served, content_type="application/json", charset="utf-8")


async def _loader(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[API].loader.close()
