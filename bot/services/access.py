"""Who looked at a resident's data, and why: written by whoever looks for somebody else, read by the resident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.store.database import Database, instant
from bot.store.ids import new_id
from bot.store.work import Work

PAGE = 10
_VIEWS = (
    "SELECT at, actor_kind, role, action, why FROM access_log WHERE resident_id = ?"
    " ORDER BY at DESC, id DESC LIMIT ? OFFSET ?"
)


@dataclass(frozen=True, slots=True)
class View:
    """One look or act of somebody else. Codes only: who it was is told by kind and role, never by name."""

    at: datetime
    actor: str
    role: str
    action: str
    why: str


@dataclass(frozen=True, slots=True)
class Views:
    """One page of views, the newest first; `more`: there are older ones."""

    views: tuple[View, ...]
    more: bool


async def views_of(database: Database, resident_id: int, *, page: int = 1, size: int = PAGE) -> Views:
    """Who looked at this resident's data; a page beyond the last is empty."""
    rows = await database.fetch(_VIEWS, [resident_id, size + 1, (page - 1) * size])
    views = tuple(View(instant(row[0]), *(str(each) for each in row[1:])) for row in rows)
    return Views(views[:size], len(views) > size)


def note_view(
    work: Work,
    resident_id: int,
    *,
    actor: str,
    actor_id: int | None,
    action: str,
    role: str = "",
    why: str = "",
) -> None:
    """Record that somebody else looked, with the work of the look itself. Looking at one's own data isn't recorded
    here: the copies that one fetched stand in `data_links`."""
    work.insert(
        "access_log",
        id=new_id(),
        resident_id=resident_id,
        at=work.now,
        actor_kind=actor,
        actor_id=actor_id,
        role=role,
        action=action,
        why=why,
    )
