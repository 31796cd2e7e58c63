"""What operators ask: is it alive, can it serve, what has it counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.services.rulebooks import Shelf
from bot.store.migrate import pending
from handlers.http.keys import DATABASE, JOB_STATES, METRICS

RULE_BOOKS = web.AppKey("rule_books", Shelf)
_MOST_PROBLEMS = 20


async def show_health(request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def show_readiness(request: web.Request) -> web.Response:
    """The database answers and has the schema that this code wants; 503 with what is wrong otherwise.

    Rule books that were refused when they were read anew are told of, but the last good ones serve on; and how each
    job is doing, but a failing one keeps nobody out.
    """
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
    shown: dict[str, object] = {"status": "ready" if ready else "not ready", "checks": checks}
    shelf = request.app.get(RULE_BOOKS)
    if shelf is not None:
        shown["rule_books"] = _rule_books(shelf)
    states = request.app.get(JOB_STATES)
    if states is not None and checks["database"] == "ok":
        shown["jobs"] = await _jobs(states)
    return web.json_response(shown, status=200 if ready else 503)


async def _jobs(states: Callable[[], Awaitable[Mapping[str, object]]]) -> Mapping[str, object]:
    try:
        return await states()
    except Exception as error:  # noqa: BLE001 - what can't be read now says so; the checks decide
        return {"error": type(error).__name__}


def _rule_books(shelf: Shelf) -> dict[str, object]:
    """Whether the newest are in use, or the last good ones were kept, and which files and lines are why."""
    problems = shelf.problems
    if not problems:
        return {"state": "ok", "problems": 0}
    return {"state": "kept", "problems": len(problems), "at": list(problems[:_MOST_PROBLEMS])}


async def show_metrics(request: web.Request) -> web.Response:
    """All counters in the Prometheus text format."""
    return web.Response(
        body=request.app[METRICS].text(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )
