"""The way of one call of the front end: who calls, how often, what exactly, once for every key, and the answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import structlog
from aiohttp import web

from bot.channels.login import LoginRefused
from bot.conversation.context import Context
from bot.conversation.texts import LANGUAGES
from bot.conversation.turn import message_key, take_call
from bot.errors import Conflict, NotLoaded, Unavailable
from bot.message import Incoming, Kind
from bot.services.consent import GIVEN
from bot.store import indexes
from bot.store.loader import Request
from bot.store.sessions import LoggedIn
from handlers.http.api.bodies import Sent, checked, checked_query, digest, read_body
from handlers.http.api.calls import API, PREFIX, Api, Call, Entry, Operation
from handlers.http.api.limits import Left, client_address
from handlers.http.api.problems import Problem, answer

_log = structlog.get_logger("api")
_BEARER = re.compile(r"bearer ([0-9a-f]{64})", re.IGNORECASE)
KEY = re.compile(r"[!-~]{8,64}")
"""An Idempotency-Key: 8 to 64 printable characters without blanks."""
_LANGUAGE = re.compile(r"\s*([a-zA-Z]{2,3})(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{1,3})?)\s*)?")
_COMMON = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Language"}
_BUSY_SECONDS = "5"


class NoQuery(Sent):
    """Where no query is taken."""


@dataclass(slots=True)
class _Visit:
    """What is known of a call so far, for its answer."""

    language: str
    headers: dict[str, str] = field(default_factory=dict)


async def serve(operation: Operation, request: web.Request) -> web.Response:
    """Answer one call, whatever becomes of it."""
    api = request.app[API]
    asked = asked_language(request.headers.get("Accept-Language", ""))
    visit = _Visit(asked or LANGUAGES[0])
    try:
        if operation.enter is not None:
            response = await _enter(api, operation, request, visit)
        else:
            response = await _act(api, operation, request, visit, asked=asked)
    except Exception as error:  # noqa: BLE001 - the door: whatever fails is answered as a problem
        response = _refused(api, visit, _problem_of(error, operation))
    response.headers.update({**_COMMON, **visit.headers})
    return response


async def refuse_unknown(request: web.Request) -> web.Response:
    """There is no such operation, or not with this method."""
    api = request.app[API]
    visit = _Visit(asked_language(request.headers.get("Accept-Language", "")) or LANGUAGES[0])
    allowed = {
        route.method
        for resource in request.app.router.resources()
        if resource.canonical.startswith(PREFIX) and "{tail" not in resource.canonical
        for route in resource
        if _matches(resource.canonical, request.path)
    }
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
    problem = Problem("wrong_method" if allowed else "not_found", headers=headers)
    response = _refused(api, visit, problem)
    response.headers.update(_COMMON)
    return response


def _matches(canonical: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\\\{[^/]*\\\}", "[^/]+", re.escape(canonical)), path) is not None


def asked_language(header: str) -> str | None:
    """The language that is asked for most of those that we speak; None if it is none of them."""
    best, language = 0.0, None
    for part in header[:500].split(","):
        found = _LANGUAGE.fullmatch(part)
        weight = float(found[2] or 1) if found else 0.0
        if found and found[1].lower() in LANGUAGES and weight > best:
            best, language = weight, found[1].lower()
    return language


# -- who isn't logged in -------------------------------------------------------------------------------------


async def _enter(api: Api, operation: Operation, request: web.Request, visit: _Visit) -> web.Response:
    assert operation.enter is not None
    assert operation.body is not None
    _count(visit, api.entries.take(_address(api, request), api.clock.wire()))
    key = _key(request)
    checked_query(NoQuery, request)
    body = checked(operation.body, await read_body(request))
    told = await operation.enter(Entry(api, body, key, visit.language))
    return _answered(operation.status, told.model_dump(mode="json", by_alias=True), visit)


# -- who is --------------------------------------------------------------------------------------------------


async def _act(
    api: Api, operation: Operation, request: web.Request, visit: _Visit, *, asked: str | None
) -> web.Response:
    session = await _logged_in(api, request, visit)
    visit.language = asked or session.language
    _count(visit, api.calls.take(session.token_hash, api.clock.wire()))
    if operation.consent and session.consent != GIVEN:
        raise Problem("consent_needed")
    key = _key(request) if operation.keyed else secrets.token_hex(16)
    query = checked_query(operation.query or NoQuery, request)
    decoded = None if operation.body is None else await read_body(request)
    body = None if operation.body is None else checked(operation.body, decoded)
    sent = digest(decoded)
    names = dict(request.match_info)

    async def act(ctx: Context) -> dict[str, Any]:
        assert operation.act is not None
        ctx.account = replace(ctx.account, language=visit.language)
        told = await operation.act(Call(ctx, api, session, body, query, names))
        shown = None if told is None else told.model_dump(mode="json", by_alias=True)
        return {"status": operation.status, "body": shown, "digest": sent}

    # the key counts for one account: another's answer must not be had by guessing it
    call = Incoming(
        channel=session.channel,
        account=session.external,
        key=f"api:{operation.id}:{session.account_id}:{key}",
        kind=Kind.CALL,
        received_at=api.clock.now(),
    )
    if operation.method == "GET":
        done = await _read(api, call, act)
    else:
        done = await api.engine.perform(call, act)
    if done["digest"] != sent:
        raise Problem("key_reused")
    return _answered(done["status"], done["body"], visit)


async def _read(api: Api, call: Incoming, act: Callable[[Context], Awaitable[Any]]) -> Any:
    """What `act` finds; nothing is written for a look, unless the clock has changed a colour since the last."""
    key = message_key(call)
    indexed = indexes.account(call.channel, call.account)
    found_under = api.tools.world.keys.indexes(indexed.kind, indexed.value)
    for whole in (False, True):
        snapshot = await api.loader.load(Request(key, call.channel, found_under, call.received_at, whole))
        try:
            turn = await take_call(api.tools, call, snapshot, act, key=key)
        except NotLoaded:
            continue
        if not turn.work.writes:
            return turn.result
        break
    return await api.engine.perform(call, act)


async def _logged_in(api: Api, request: web.Request, visit: _Visit) -> LoggedIn:
    """The login that the bearer token stands for; strangers are counted by address."""
    bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    session = None if bearer is None else await api.sessions.find(bearer[1].lower())
    if session is None:
        _count(visit, api.strangers.take(_address(api, request), api.clock.wire()))
        raise Problem("login_needed", headers={"WWW-Authenticate": "Bearer"})
    return session


def _count(visit: _Visit, left: Left) -> None:
    visit.headers.update(left.headers())
    if not left.allowed:
        raise Problem("too_many")


def _address(api: Api, request: web.Request) -> str:
    return client_address(request.remote, request.headers.getall("X-Forwarded-For", []), api.proxies)


def _key(request: web.Request) -> str:
    keys = request.headers.getall("Idempotency-Key", [])
    if len(keys) != 1 or not KEY.fullmatch(keys[0]):
        raise Problem("key_missing")
    return keys[0]


# -- the answer ----------------------------------------------------------------------------------------------


def _answered(status: int, body: Any, visit: _Visit) -> web.Response:
    if body is None:
        return web.Response(status=status)
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        headers={"Content-Type": "application/json", "Content-Language": visit.language},
    )


def _problem_of(error: Exception, operation: Operation) -> Problem:
    """What the caller is told of an error; what nobody foresaw is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, LoginRefused):
        return Problem("login_refused", headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, Conflict | Unavailable):
        return Problem("unavailable", headers={"Retry-After": _BUSY_SECONDS})
    _log.exception("call failed", action="api_fail", operation=operation.id, error=type(error).__name__)
    return Problem("failed")


def _refused(api: Api, visit: _Visit, problem: Problem) -> web.Response:
    api.metrics.refusals.labels("api", problem.kind).inc()
    return answer(problem, api.tools.texts, visit.language)
