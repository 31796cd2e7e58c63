"""What has been: colour changes, punch-ins and declarations of oneself, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from bot.conversation.words import scheme_words
from bot.store.database import Row, day, instant
from handlers.http.api.bodies import Told
from handlers.http.api.calls import Call
from handlers.http.api.codes import CodeState, Colour
from handlers.http.api.pages import Cursor, Place


class ColourChanged(Told):
    """A code got another colour or state; `old_*` are null for its first."""

    what: Literal["colour_changed"] = "colour_changed"
    at: datetime
    scheme: str
    name: str
    old_colour: Colour | None
    old_state: CodeState | None
    new_colour: Colour
    new_state: CodeState
    cause: str


class PunchedIn(Told):
    """A report of one day, as it stands."""

    what: Literal["punch_in"] = "punch_in"
    at: datetime
    day: date
    receipt: str
    revision: int
    temperature_tenths: int | None
    symptoms: list[str]
    normal: bool


class DeclaredThen(Told):
    """A declaration; its content is not repeated here."""

    what: Literal["declaration"] = "declaration"
    at: datetime
    receipt: str
    revision: int


class History(Told):
    """One page. `next` is null on the last one."""

    entries: list[ColourChanged | PunchedIn | DeclaredThen] = Field(
        description="The newest first; `what` tells them apart."
    )
    next: Cursor | None


def _change(call: Call, row: Row) -> ColourChanged:
    names = ("scheme", "old_colour", "old_state", "new_colour", "new_state", "cause")
    values = dict(zip(names, row[2:], strict=True))
    return ColourChanged(at=instant(row[0]), name=scheme_words(call.ctx, row[2]), **values)


def _punch_in(call: Call, row: Row) -> PunchedIn:
    return PunchedIn(
        at=instant(row[0]),
        day=day(row[2]),
        receipt=row[3],
        revision=row[4],
        temperature_tenths=row[5],
        symptoms=row[6].split(",") if row[6] else [],
        normal=bool(row[7]),
    )


def _declaration(call: Call, row: Row) -> DeclaredThen:
    return DeclaredThen(at=instant(row[0]), receipt=row[2], revision=row[3])


_SOURCES: Mapping[str, tuple[str, str, Callable[[Call, Row], Any]]] = {
    "colour_changes": (
        "at", "scheme, old_colour, old_state, new_colour, new_state, cause", _change,
    ),
    "punch_ins": (
        "created_at", "day, receipt, revision, temperature_tenths, symptoms, normal", _punch_in,
    ),
    "declarations": ("submitted_at", "receipt, revision", _declaration),
}  # fmt: skip


async def list_history(call: Call) -> History:
    """A page of what has been."""
    resident, limit = call.ctx.resident, call.query.limit
    behind = Place.behind(call.query)
    if resident is None:
        return History(entries=[], next=None)
    found: list[tuple[datetime, int, Any]] = []
    for table, (at, columns, read) in _SOURCES.items():
        condition, params = behind.condition(at) if behind else ("", [])
        rows = await call.ctx.database.fetch(
            f"SELECT {at}, id, {columns} FROM {table} WHERE resident_id = ?{condition}"  # noqa: S608 - from the table above
            f" ORDER BY {at} DESC, id DESC LIMIT ?",
            [resident.resident_id, *params, limit + 1],
        )
        found += [(instant(row[0]), row[1], read(call, row)) for row in rows]
    found.sort(key=lambda each: each[:2], reverse=True)
    more = len(found) > limit
    page = found[:limit]
    return History(
        entries=[entry for _, _, entry in page], next=Place(*page[-1][:2]).cursor() if more else None
    )
