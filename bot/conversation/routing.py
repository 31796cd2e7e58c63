"""Which handler answers: a table read in order, the first match that doesn't pass wins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.conversation.context import Context
from bot.conversation.understanding.understood import Intent
from bot.errors import YimaError
from bot.message import Incoming, Kind, Reply


class _Pass:
    """The type of PASS."""

    def __repr__(self) -> str:
        return "PASS"


PASS: Final = _Pass()
Answer = Reply | None | _Pass
Handler = Callable[[Incoming, Context], Awaitable[Answer]]
Match = Callable[[Incoming, Context], bool]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table."""

    name: str
    matches: Match
    handler: Handler


class RoutesError(YimaError):
    """The table of routes is wrong."""


def check_routes(routes: Sequence[Route]) -> None:
    """Refuse a table with duplicates or without a last route that takes everything."""
    names = [route.name for route in routes]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise RoutesError(f"routes with the same name: {', '.join(duplicates)}")
    if not routes or routes[-1].matches is not always:
        raise RoutesError("the last route must take everything")


async def respond(message: Incoming, ctx: Context, routes: Sequence[Route]) -> tuple[str, Reply | None]:
    """The name of the route that answered, and its reply; what was set aside is asked again below it."""
    for route in routes:
        if not route.matches(message, ctx):
            continue
        answer = await route.handler(message, ctx)
        if isinstance(answer, _Pass):
            continue
        if ctx.aside is not None and answer is not None:
            answer = answer.then(*ctx.aside.parts)
        return route.name, answer
    raise RoutesError("no route answered")


def always(message: Incoming, ctx: Context) -> bool:
    return True


def kinds(*wanted: Kind) -> Match:
    """The message is of one of these kinds."""
    return lambda message, ctx: message.kind in wanted


def intends(*wanted: Intent) -> Match:
    """The words were understood as one of these intents."""
    return lambda message, ctx: bool(ctx.text) and ctx.understood.intent in wanted
