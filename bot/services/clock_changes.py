"""What the clock alone changes: whose codes are due for another look, and what becomes of those that can't be scored.

An instant of the next look that lies in the past would be looked at in every slot: whoever is looked at leaves the
list, because the look gives a later instant, because the queue takes over, or because the look is put off.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from bot.services.rescore_queue import LEASE
from bot.store.database import Database, Session, instant_or_none
from bot.store.ids import new_id

CAUSE = "clock"
PUT_OFF = timedelta(days=1)
"""A code that no rule book judges here (any more) is looked at once a day."""
_LONGEST_WAIT = timedelta(hours=1)

# who is in the queue and due, or waits there after a failure, is the queue's
_OF_THE_QUEUE = (
    "EXISTS (SELECT 1 FROM rescore_queue q WHERE q.resident_id = c.resident_id"
    " AND (q.queued_at <= ? OR q.lease_until > ?))"
)
_DUE = f" FROM health_codes c WHERE c.next_change_at <= ? AND NOT {_OF_THE_QUEUE} ORDER BY c.next_change_at LIMIT "
_FIRST = "SELECT MIN(next_change_at) FROM health_codes"
_NEXT = f"{_FIRST} WHERE next_change_at > ?"
# an entry that waits for its time keeps it: only nobody tries again before the lease is over
_QUEUE = (
    "INSERT INTO rescore_queue (resident_id, cause, queued_at, ticket, attempts, lease_until)"
    " VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (resident_id) DO UPDATE SET attempts = rescore_queue.attempts + 1,"
    " lease_until = excluded.lease_until"
)


async def next_look(database: Database, *, now: datetime, wire: datetime) -> datetime | None:
    """When a code has to be looked at next, not counting what the queue does; None: nothing in sight.

    `wire` is real time, in which the queue's leases are.
    """
    first = instant_or_none((await database.fetch(_FIRST))[0][0])
    if first is None or first > now:
        return first
    rows = await database.fetch(f"SELECT c.next_change_at{_DUE}1", [now, now, wire])
    if rows:
        return instant_or_none(rows[0][0])
    return instant_or_none((await database.fetch(_NEXT, [now]))[0][0])


async def due_for_a_look(
    database: Database, limit: int, *, slot: datetime, now: datetime, wire: datetime
) -> list[int]:
    """Residents of whom a code is due at `slot`, those that have waited longest, in the order of ids."""
    params = [slot, now, wire, limit]
    rows = await database.fetch(f"SELECT c.resident_id{_DUE}?", params)
    return sorted({row[0] for row in rows})


async def hand_to_queue(
    session: Session, database: Database, resident_ids: Collection[int], *, slot: datetime, wire: datetime
) -> None:
    """Leave those that couldn't be scored to the queue, which tries again after a while, and then less and less."""
    if not resident_ids:
        return
    rows = await session.fetch(
        f"SELECT resident_id, attempts FROM rescore_queue WHERE {database.among('resident_id')}",  # noqa: S608 - our own names
        [database.listed(resident_ids)],
    )
    tries: dict[int, int] = {row[0]: row[1] for row in rows}
    entries = [
        (each, CAUSE, slot, new_id(), wire + min(LEASE * 2 ** min(tries.get(each, 0), 10), _LONGEST_WAIT))
        for each in sorted(resident_ids)
    ]
    await session.execute_many([(_QUEUE, entries)])


async def put_off(
    session: Session, database: Database, resident_ids: Sequence[int], *, slot: datetime
) -> int:
    """Look again tomorrow at what is still due after it was looked at; returns how many codes that are."""
    if not resident_ids:
        return 0
    return await session.execute(
        f"UPDATE health_codes SET next_change_at = ? WHERE {database.among('resident_id')} AND next_change_at <= ?",  # noqa: S608 - our own names
        [slot + PUT_OFF, database.listed(resident_ids), slot],
    )
