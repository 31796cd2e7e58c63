"""What operators ask: is it alive, can it serve, what has it counted."""

from __future__ import annotations

from aiohttp import web

from bot.store.migrate import pending
from handlers.http.keys import DATABASE, METRICS


async def show_health(request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def show_readiness(request: web.Request) -> web.Response:
    """The database answers and has the schema that this code wants; 503 with what is wrong otherwise."""
    database = request.app[DATABASE]
    checks = {"database": "ok", "migrations": "ok"}
    try:
        missing = await pending(database)
    except Exception as error:  # noqa: BLE001 - whatever the driver raises means: not ready
        checks = {"database": type(error).__name__, "migrations": "unknown"}
    else:
        if missing:
            checks["migrations"] = f"{len(missing)} pending"
    ready = set(checks.values()) == {"ok"}
    return web.json_response(
        {"status": "ready" if ready else "not ready", "checks": checks}, status=200 if ready else 503
    )


async def show_metrics(request: web.Request) -> web.Response:
    """All counters in the Prometheus text format."""
    return web.Response(
        body=request.app[METRICS].text(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )
