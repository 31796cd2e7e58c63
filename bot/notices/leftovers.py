"""What nobody would look at again: notices that a dead process was sending, and queued ones that grew too old."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.notices.claims import TOO_OLD
from bot.store.database import Database, Row, Session

INTERRUPTED = "interrupted"
_AT_ONCE = 500
_LEFT = (
    "SELECT id, resident_id, attempts, failures, channel, way, kind FROM notices"  # noqa: S608 - our own text
    f" WHERE state = 'sending' AND lease_until <= ? ORDER BY id LIMIT {_AT_ONCE:d}"
)
_SETTLE = (
    "UPDATE notices SET state = ?, reason = ?, failures = ?, try_at = ?, owner = '', lease_until = NULL"
    " WHERE resident_id = ? AND id = ? AND state = 'sending' AND attempts = ?"
)
_OVERDUE = (
    "SELECT resident_id, id, attempts, kind FROM notices WHERE state = 'queued' AND expires_at <= ?"  # noqa: S608 - as above
    f" LIMIT {_AT_ONCE:d}"
)
_EXPIRE = (
    f"UPDATE notices SET state = 'expired', reason = '{TOO_OLD}'"  # noqa: S608 - as above
    " WHERE resident_id = ? AND id = ? AND state = 'queued' AND attempts = ?"
)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """One notice whose process died while it was sent. `again`: it is queued, the platform drops a second one."""

    id: int
    kind: str
    channel: str
    again: bool


async def recover(
    database: Database,
    session: Session,
    idempotent: Callable[[str, str], bool],
    *,
    ours: Collection[int],
    now: datetime,
    wire: datetime,
) -> list[Interrupted]:
    """Settle what was being sent when its lease ended, except for what is under way here (`ours`); `idempotent` is
    asked for (channel, way)."""
    skip = "" if database.dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"
    found, changes = [], []
    for notice_id, resident_id, attempts, failures, channel, way, kind in await session.fetch(
        _LEFT + skip, [wire]
    ):
        if notice_id in ours:
            continue
        again = idempotent(channel, way)
        state, at = ("queued", now) if again else ("unknown", None)
        changes.append((state, INTERRUPTED, failures + again, at, resident_id, notice_id, attempts))
        found.append(Interrupted(notice_id, kind, channel, again))
    if changes:
        await session.execute_many([(_SETTLE, changes)])
    return found


async def overdue(database: Database, now: datetime) -> Sequence[Row]:
    """Queued notices that are too old, whenever they would be looked at; it reads all that are queued."""
    return await database.fetch(_OVERDUE, [now])


async def expire(session: Session, rows: Sequence[Row]) -> None:
    """End those of `overdue` that are still queued."""
    await session.execute_many([(_EXPIRE, [tuple(row[:3]) for row in rows])])
