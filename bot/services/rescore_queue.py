"""Who has to be scored anew because something changed for many at once: filled by an index, drained in batches.

Whoever publishes a risk level or a rule book fills it in the same transaction; an entry goes once its resident was
scored, so a kill costs a repetition and never a resident.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.core.facts import last_inside
from bot.services.rescorer import RescoreCounts, Rescorer
from bot.store.database import Database, Session
from bot.store.ids import new_id

LEASE = timedelta(minutes=2)
_LONGEST_WAIT = timedelta(hours=1)
_EARLIEST_ZONE = timedelta(hours=14)

_FILL = "INSERT INTO rescore_queue (resident_id, cause, queued_at, ticket) SELECT resident_id, ?, ?, ? FROM ("
_AGAIN = (
    ") AS touched WHERE 1 = 1 ON CONFLICT (resident_id) DO UPDATE SET cause = excluded.cause,"
    " queued_at = excluded.queued_at, ticket = excluded.ticket, attempts = 0, lease_until = NULL"
)
# A level speaks of its division and of those inside it: codes that begin with it, one range of the index.
# Without an end a fact lasts for its first day, or until it became known, or goes on: as its kind has it.
_BY_LEVEL = (
    "SELECT DISTINCT resident_id FROM facts WHERE division >= ? AND division <= ? AND start_day <= ?"
    " AND withdrawn_at IS NULL AND (end_day >= ? OR (end_day IS NULL AND (start_day >= ? OR known_at >= ?"
    " OR kind IN ('measure', 'other_place_colour', 'override')))) ORDER BY resident_id"
)
# the plus keeps SQLite from reading everybody's codes in the order of residents
_BY_SCHEME = "SELECT resident_id FROM health_codes WHERE scheme = ? ORDER BY +resident_id"
LEVEL_TOUCHES = f"{_FILL}{_BY_LEVEL}{_AGAIN}"
SCHEME_TOUCHES = f"{_FILL}{_BY_SCHEME}{_AGAIN}"


@dataclass(frozen=True, slots=True)
class LevelDays:
    """Where and when a risk level is another one than before (`last` None: from then on), and since when that is
    known; None: since it is queued."""

    division: str
    first: date
    last: date | None = None
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One resident of the queue, taken by this process for a while."""

    resident_id: int
    cause: str
    ticket: int
    attempts: int


def level_params(level: LevelDays, *, cause: str, queued_at: datetime) -> list[object]:
    """The parameters of `LEVEL_TOUCHES`."""
    code, last = level.division, level.last or date.max
    known_since = datetime.combine(level.first, time(), UTC) - _EARLIEST_ZONE
    due = max(queued_at, level.known_at or queued_at)
    return [cause, due, new_id(), code, last_inside(code), last, level.first, level.first, known_since]


async def touched_by_levels(
    session: Session, levels: Collection[LevelDays], *, cause: str, queued_at: datetime
) -> int:
    """Queue who has a standing fact in one of these divisions on one of these days; returns how many.

    A fact in a division that is larger than the level's is not touched: no rule reads a level of a part of it.
    """
    touched = 0
    for level in levels:
        touched += await session.execute(LEVEL_TOUCHES, level_params(level, cause=cause, queued_at=queued_at))
    return touched


async def touched_by_books(
    session: Session, schemes: Collection[str], *, cause: str, queued_at: datetime
) -> int:
    """Queue everybody who holds a code of one of these schemes; returns how many codes that are."""
    touched = 0
    for scheme in schemes:
        touched += await session.execute(SCHEME_TOUCHES, [cause, queued_at, new_id(), scheme])
    return touched


async def take(database: Database, limit: int, *, now: datetime, wire: datetime) -> list[Entry]:
    """Take the oldest entries that are due and that nobody is at work on; the lease is real time."""
    if not await is_due(database, now=now, wire=wire):
        return []
    skip = "" if database.dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"

    async def body(session: Session) -> list[Entry]:
        rows = await session.fetch(
            "UPDATE rescore_queue SET attempts = attempts + 1, lease_until = ? WHERE resident_id IN ("  # noqa: S608 - our own words
            "SELECT resident_id FROM rescore_queue WHERE queued_at <= ? AND (lease_until IS NULL OR lease_until <= ?)"
            f" ORDER BY queued_at, resident_id LIMIT ?{skip}) RETURNING resident_id, cause, ticket, attempts",
            [wire + LEASE, now, wire, limit],
        )
        return [Entry(*row) for row in rows]

    return await database.transaction(body)


async def is_due(database: Database, *, now: datetime, wire: datetime) -> bool:
    """Whether there is anything to take: a short read, so that waiting costs no lock."""
    rows = await database.fetch(
        "SELECT 1 FROM rescore_queue WHERE queued_at <= ? AND (lease_until IS NULL OR lease_until <= ?) LIMIT 1",
        [now, wire],
    )
    return bool(rows)


async def waiting(database: Database) -> int:
    """How many residents are in the queue."""
    count: int = (await database.fetch("SELECT COUNT(*) FROM rescore_queue"))[0][0]
    return count


async def work_off(
    rescorer: Rescorer, database: Database, entries: Sequence[Entry], *, now: datetime, wire: datetime
) -> RescoreCounts:
    """Score the residents of these entries, then take the entries away; those that failed come again later.

    An entry that was filled anew meanwhile has another ticket and stays.
    """
    total = RescoreCounts()
    for cause in dict.fromkeys(entry.cause for entry in entries):
        ids = [entry.resident_id for entry in entries if entry.cause == cause]
        total.add(await rescorer.rescore_many(ids, cause=cause, now=now))
    failed = set(total.failures)
    done = [(entry.resident_id, entry.ticket) for entry in entries if entry.resident_id not in failed]
    later = [
        (wire + _wait(entry.attempts), entry.resident_id, entry.ticket)
        for entry in entries
        if entry.resident_id in failed
    ]
    await _settle(database, done, later)
    return total


async def give_back(database: Database, entries: Sequence[Entry]) -> None:
    """Let others take these entries at once."""
    await _settle(database, [], [(None, entry.resident_id, entry.ticket) for entry in entries])


async def _settle(
    database: Database,
    done: Sequence[tuple[int, int]],
    later: Sequence[tuple[datetime | None, int, int]],
) -> None:
    async def body(session: Session) -> None:
        await session.execute_many(
            [
                ("DELETE FROM rescore_queue WHERE resident_id = ? AND ticket = ?", done),
                ("UPDATE rescore_queue SET lease_until = ? WHERE resident_id = ? AND ticket = ?", later),
            ]
        )

    await database.transaction(body)


def _wait(attempts: int) -> timedelta:
    return min(timedelta(minutes=2 ** min(attempts, 10)), _LONGEST_WAIT)
