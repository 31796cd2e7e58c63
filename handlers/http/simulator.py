"""The simulator's door: phones in a browser and a clock that can be moved, in development only."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import orjson
from aiohttp import web

from bot.channels.simulator import CHANNEL, LONGEST_KEY, LONGEST_TEXT, LONGEST_USER, SimulatorChannel
from bot.clock import DEFAULT_ZONE
from bot.errors import BadRequest, Refused, TooLarge, Unsealable, status_of
from bot.message import Kind
from handlers.http.keys import CLOCK, CLOCK_MOVER, DATABASE, ENGINE, TOOLS
from handlers.http.simulator_notices import PhoneNotices
from handlers.http.simulator_page import HEADERS, SimulatorPage

_BODY_BYTES = 64 * 1024
_FARTHEST = timedelta(days=400)
_MOST_RESIDENTS = 200
_LATEST_CURSOR = 10**17  # microseconds; some thousand years from 1970
_HERE = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_UNITS = ("days", "hours", "minutes")

_WORDS = {
    "wrong_host": "the simulator answers only on localhost, 127.0.0.1 and [::1]",
    "not_json_type": "send Content-Type: application/json",
    "body_too_large": f"the body is larger than {_BODY_BYTES} bytes",
    "not_json": "the body is not JSON",
    "not_an_object": "the body is not a JSON object",
    "missing_user": '"user" is missing: the name of a resident, any name will do',
    "missing_text": '"text" is missing: what the resident types',
    "bad_user": f'"user" is not a text of at most {LONGEST_USER} characters',
    "bad_text": f'"text" is not a text of at most {LONGEST_TEXT} characters',
    "bad_key": f'"key" is not a text of at most {LONGEST_KEY} characters',
    "bad_event_key": f'"event_key" is not a text of at most {LONGEST_KEY} characters',
    "bad_kind": '"kind" is not one of text, menu, follow, unfollow',
    "unknown_kind": '"kind" is not one of text, menu, follow, unfollow',
    "bad_after": '"after" is not a cursor that this address gave out',
    "bad_forward": '"forward" is not an object with whole numbers of "days", "hours" or "minutes"',
    "backward": "the clock only moves forward",
    "too_far": f"the clock moves at most {_FARTHEST.days} days at once",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NOTICES = web.AppKey("simulator_notices", PhoneNotices)


def add_routes(app: web.Application, templates: Path) -> None:
    """Add the page and its endpoints under `/simulator/`; `templates` holds the page and its files."""
    page = SimulatorPage.load(templates)
    app[_NOTICES] = PhoneNotices(app[TOOLS])
    get, post = app.router.add_get, app.router.add_post
    get("/simulator", _guarded(redirect_to_page))
    get("/simulator/", _guarded(page.show))
    get("/simulator/static/{name}", _guarded(page.show_file))
    get("/simulator/messages", _guarded(show_unasked))
    post("/simulator/messages", _guarded(receive_message))
    get("/simulator/residents", _guarded(list_residents))
    get("/simulator/clock", _guarded(show_clock))
    post("/simulator/clock", _guarded(move_clock))


def _guarded(handler: _Handler) -> _Handler:
    """Only for this machine's own pages: a foreign name that resolves to loopback is refused, and so is a
    post that another site's form could make. What can't be understood becomes a problem in JSON."""

    async def guard(request: web.Request) -> web.StreamResponse:
        try:
            if not _HERE.fullmatch(request.host):
                raise Refused("wrong_host")
            response = await handler(request)
        except Refused as error:
            response = _problem(error)
        response.headers.update(HEADERS)
        return response

    return guard


def _problem(error: Refused) -> web.Response:
    status = 415 if error.reason == "not_json_type" else status_of(error)
    body = {
        "type": "about:blank",
        "title": (type(error).__doc__ or "").strip(),
        "status": status,
        "reason": error.reason,
        "detail": _WORDS.get(error.reason, error.reason),
    }
    return web.json_response(body, status=status, content_type="application/problem+json")


async def redirect_to_page(request: web.Request) -> web.StreamResponse:
    """The address without its slash leads to the page."""
    return web.Response(status=308, headers={"Location": "/simulator/"})


async def receive_message(request: web.Request) -> web.Response:
    """Answer what a resident typed, picked or did, through the same conversation as every channel."""
    channel = SimulatorChannel()
    incoming = channel.open(await _json(request), received_at=request.app[CLOCK].now())
    if incoming.kind is Kind.TEXT and not incoming.text.strip():
        raise BadRequest("missing_text")
    reply = await request.app[ENGINE].receive(incoming)
    return web.json_response({"replies": channel.seal(reply)})


async def show_unasked(request: web.Request) -> web.Response:
    """What came to a resident unasked behind the cursor `after`; the dispatcher sends it."""
    user = request.query.get("user", "").strip()
    if not user:
        raise BadRequest("missing_user")
    if len(user) > LONGEST_USER:
        raise BadRequest("bad_user")
    unasked = await request.app[_NOTICES].read(user, _cursor(request.query.get("after", "")))
    return web.json_response({"messages": unasked.messages, "after": str(unasked.after)})


async def list_residents(request: web.Request) -> web.Response:
    """The names under which somebody has written from a simulated phone, the earliest first."""
    rows = await request.app[DATABASE].fetch(
        "SELECT external_sealed FROM accounts WHERE channel = ? ORDER BY created_at, id LIMIT ?",
        [CHANNEL, _MOST_RESIDENTS],
    )
    names = []
    for row in rows:
        try:
            names.append(request.app[TOOLS].world.keys.open("accounts.external", row[0]))
        except Unsealable:  # sealed by a key that is gone; its resident can't be written as any more
            continue
    return web.json_response({"residents": [{"user": name} for name in names]})


async def show_clock(request: web.Request) -> web.Response:
    """Business time, and how far it is ahead of real time."""
    clock = request.app[CLOCK]
    return web.json_response(
        {
            "now": clock.now().isoformat(),
            "offset_seconds": int(clock.offset.total_seconds()),
            "zone": DEFAULT_ZONE,
        }
    )


async def move_clock(request: web.Request) -> web.Response:
    """Move business time forward, durably, do in order what falls due on the way, and answer with the new time."""
    await request.app[CLOCK_MOVER](_forward(await _json(request)))
    return await show_clock(request)


def _forward(body: object) -> timedelta:
    forward = body.get("forward") if isinstance(body, dict) else None
    if not isinstance(forward, dict) or not forward or not set(forward) <= set(_UNITS):
        raise BadRequest("bad_forward")
    if not all(type(number) is int for number in forward.values()):
        raise BadRequest("bad_forward")
    if any(number < 0 for number in forward.values()):
        raise BadRequest("backward")
    if any(number > _FARTHEST // timedelta(minutes=1) for number in forward.values()):
        raise BadRequest("too_far")
    by = timedelta(**forward)
    if by > _FARTHEST:
        raise BadRequest("too_far")
    return by


def _cursor(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < len(str(_LATEST_CURSOR))):
        raise BadRequest("bad_after")
    return int(text)


async def _json(request: web.Request) -> object:
    if request.content_type != "application/json":
        raise Refused("not_json_type")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge from None
    if len(body) > _BODY_BYTES:
        raise TooLarge
    try:
        decoded: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("not_json") from None
    return decoded
