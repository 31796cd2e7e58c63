"""Whom a community looks after: told at once of abnormal reports, and what workers see, tried and closed.

A worker sees residents inside the scope of the role and nobody else, and every look and act is on the record that
the resident can read. An abnormal report's follow-up stays open until a worker closes it: a report amended to normal
on the same day, or normal ones on days that follow, don't say that somebody has spoken with the resident.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bot.core.facts import last_inside
from bot.errors import BadRequest, NotFound
from bot.services.access import note_view
from bot.services.missed_reports import MISSED, REPORTED
from bot.services.punch_ins import Saved
from bot.services.worker_scope import ActingWorker, tell_workers
from bot.services.world import World
from bot.store.database import Database, Row, day, instant, instant_or_none
from bot.store.ids import new_id, row_id
from bot.store.sealing import KeyRing
from bot.store.snapshot import Resident
from bot.store.work import Work

ABNORMAL = "abnormal"
REASONS = ("not_reached", "silent", ABNORMAL, "binding")
WAYS = ("phone", "visit", "chat", "relative", "other")
OUTCOMES = ("reached", "no_answer", "wrong_number", "moved", "refused", "other")
LONGEST_NOTE = 500
_NOTE = "contact_attempts.note"
_LISTED, _CONTACTED, _TRIED, _CLOSED = (
    "follow_up_list",
    "follow_up_contact",
    "contact_attempt",
    "follow_up_close",
)

_COLUMNS = (
    "f.id, f.resident_id, f.reason, f.day, f.last_day, r.division, f.detail, f.opened_at,"
    " (SELECT COUNT(*) FROM contact_attempts t WHERE t.resident_id = f.resident_id AND t.follow_up_id = f.id),"
    " (SELECT MAX(t.at) FROM contact_attempts t WHERE t.resident_id = f.resident_id AND t.follow_up_id = f.id)"
)
# whoever has reported meanwhile isn't called any more, even before the row is closed
_STANDING = (
    "FROM follow_ups f JOIN residents r ON r.resident_id = f.resident_id WHERE f.state = 'open'"
    " AND r.erased_at IS NULL AND r.division >= ? AND r.division <= ?"
    f" AND NOT (f.reason IN {MISSED} AND {REPORTED})"
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One open follow-up as a worker sees it; `attempts` and `tried_at` count what was tried for it."""

    id: int
    resident_id: int
    reason: str
    day: date
    last_day: date
    division: str
    detail: str
    opened_at: datetime
    attempts: int
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to speak with somebody: one of WAYS, one of OUTCOMES, and a note that is sealed."""

    way: str
    outcome: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise BadRequest(f"the way is one of {', '.join(WAYS)}")
        if self.outcome not in OUTCOMES:
            raise BadRequest(f"the outcome is one of {', '.join(OUTCOMES)}")
        if len(self.note) > LONGEST_NOTE:
            raise BadRequest(f"a note has at most {LONGEST_NOTE} characters")


# -- an abnormal report --------------------------------------------------------------------------------------


async def note_abnormal(
    world: World, work: Work, database: Database, resident: Resident, *, saved: Saved
) -> None:
    """Follow up a report that isn't normal, in its own unit of work, and tell the workers in scope once an hour.

    Nothing for a normal one. A resident has one open follow-up of this reason: a later report goes on with it, and one
    that comes after a worker has closed that of the same day opens it again.
    """
    if saved.report.normal:
        return
    detail = "fever" if saved.report.fever else "symptoms"
    rows = await database.fetch(
        "SELECT id FROM follow_ups WHERE resident_id = ? AND reason = ? AND (state = 'open' OR day = ?)"
        " ORDER BY state DESC, day DESC LIMIT 1",
        [resident.resident_id, ABNORMAL, saved.day],
    )
    if rows:
        work.update(
            "follow_ups", {"resident_id": resident.resident_id, "id": rows[0][0]}, state="open", last_day=saved.day,
            detail=detail, division=resident.division, closed_at=None, closed_why="",
        )  # fmt: skip
    else:
        work.upsert(
            "follow_ups", ("resident_id", "reason", "day"), id=row_id(work.now), resident_id=resident.resident_id,
            reason=ABNORMAL, day=saved.day, last_day=saved.day, state="open", division=resident.division,
            detail=detail, opened_at=work.now, closed_at=None, closed_why="",
        )  # fmt: skip
    await tell_workers(world, work, database, resident.division, reason=ABNORMAL)


# -- workers -------------------------------------------------------------------------------------------------


async def open_in_scope(
    database: Database, worker: ActingWorker, *, limit: int = 50, after: int = 0
) -> list[FollowUp]:
    """What is open in the worker's scope, in the order of ids after `after`. Show it only once `note_seen` of it is
    committed."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} {_STANDING} AND f.id > ? ORDER BY f.id LIMIT ?",
        [*_range(worker), after, limit],
    )
    return [_follow_up(row) for row in rows]


async def in_scope(database: Database, worker: ActingWorker, follow_up_id: int) -> FollowUp:
    """One open follow-up; NotFound if there is none, which is also the answer for one of another community."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} {_STANDING} AND f.id = ?",
        [*_range(worker), follow_up_id],
    )
    if not rows:
        raise NotFound(f"no open follow-up {follow_up_id} in the scope of worker {worker.id}")
    return _follow_up(rows[0])


async def contacts_of(
    database: Database, keys: KeyRing, work: Work, worker: ActingWorker, *, follow_up: FollowUp
) -> tuple[str, str]:
    """Name and telephone number, for a worker who is about to call; empty where none is stored. On record with
    `work`, which is committed before they are shown."""
    rows = await database.fetch(
        "SELECT name_sealed, phone_sealed FROM residents WHERE resident_id = ?", [follow_up.resident_id]
    )
    _note(work, worker, follow_up, _CONTACTED)
    name, phone = rows[0] if rows else (None, None)
    return (
        keys.open("residents.name", name) if name is not None else "",
        keys.open("residents.phone", phone) if phone is not None else "",
    )


def note_seen(work: Work, worker: ActingWorker, found: Iterable[FollowUp]) -> None:
    """Put on record that the worker was shown these."""
    for each in found:
        _note(work, worker, each, _LISTED)


def log_attempt(
    work: Work, keys: KeyRing, worker: ActingWorker, follow_up: FollowUp, *, attempt: Attempt
) -> None:
    """Record what was tried; it stays open until it is closed."""
    work.insert(
        "contact_attempts",
        id=new_id(),
        resident_id=follow_up.resident_id,
        follow_up_id=follow_up.id,
        worker_id=worker.id,
        at=work.now,
        way=attempt.way,
        outcome=attempt.outcome,
        note_sealed=keys.seal(_NOTE, attempt.note) if attempt.note else None,
    )
    _note(work, worker, follow_up, _TRIED)


def close(work: Work, worker: ActingWorker, follow_up: FollowUp) -> None:
    """The worker has looked after the resident."""
    work.update(
        "follow_ups",
        {"resident_id": follow_up.resident_id, "id": follow_up.id},
        state="closed",
        closed_at=work.now,
        closed_why="worker",
    )
    _note(work, worker, follow_up, _CLOSED)


def _note(work: Work, worker: ActingWorker, follow_up: FollowUp, action: str) -> None:
    note_view(
        work, follow_up.resident_id, actor="worker", actor_id=worker.id, role=worker.role, action=action,
        why=follow_up.reason,
    )  # fmt: skip


def _range(worker: ActingWorker) -> tuple[str, str]:
    return worker.scope, last_inside(worker.scope)


def _follow_up(row: Row) -> FollowUp:
    return FollowUp(
        id=row[0],
        resident_id=row[1],
        reason=row[2],
        day=day(row[3]),
        last_day=day(row[4]),
        division=row[5],
        detail=row[6],
        opened_at=instant(row[7]),
        attempts=row[8],
        tried_at=instant_or_none(row[9]),
    )
