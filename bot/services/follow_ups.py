"""Whom a community looks after: told at once of abnormal reports, and what workers see, tried and closed.

A worker sees residents inside the scope of the role and nobody else, and every look and act is on the record that
the resident can read. An abnormal report's follow-up stays open until a worker closes it: a report amended to normal
on the same day, or normal ones on days that follow, don't say that somebody has spoken with the resident.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.core.facts import last_inside
from bot.errors import BadRequest, NotFound, Refused
from bot.notices.outbox import notify
from bot.services.access import note_view
from bot.services.missed_reports import MISSED, REPORTED
from bot.services.policy import NONE
from bot.services.punch_ins import Saved
from bot.services.world import World
from bot.store.database import Database, Row, day, instant, instant_or_none
from bot.store.ids import new_id, row_id
from bot.store.sealing import KeyRing
from bot.store.snapshot import Resident
from bot.store.work import Work

KIND = "follow_up"
ABNORMAL = "abnormal"
REASONS = ("not_reached", "silent", ABNORMAL, "binding")
WAYS = ("phone", "visit", "chat", "relative", "other")
OUTCOMES = ("reached", "no_answer", "wrong_number", "moved", "refused", "other")
LONGEST_NOTE = 500
_NOTE = "contact_attempts.note"
_KEPT = timedelta(days=1)  # a worker's list says it all; an older hint that it has grown is of no use
_LISTED, _CONTACTED, _TRIED, _CLOSED = (
    "follow_up_list",
    "follow_up_contact",
    "contact_attempt",
    "follow_up_close",
)

_WORKER = "SELECT id, role, scope FROM workers WHERE accepted_at IS NOT NULL AND revoked_at IS NULL AND "
_OWN = (
    "(SELECT y.resident_id FROM accounts b JOIN account_residents y ON y.account_id = b.id AND y.relation = 'self'"
    " WHERE b.person_id = a.person_id ORDER BY y.since, y.id LIMIT 1)"
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
class Desk:
    """A worker who may act: `scope` is the division whose residents they look after."""

    worker_id: int
    role: str
    scope: str


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
    if world.policies.of(resident.division).workers_hear_of != NONE:
        await tell_workers(world, work, database, resident.division, reason=ABNORMAL)


async def tell_workers(
    world: World, work: Work, database: Database, division: str | None, *, reason: str
) -> None:
    """Tell whoever looks after that division that somebody needs it; the notice says neither who nor where.

    Each is told at most once an hour of one reason. It is kept under the worker's own resident.
    """
    scopes = [(division or "")[:length] for length in range(2, len(division or "") + 1)]
    rows = await database.fetch(
        f"SELECT DISTINCT a.person_id, {_OWN} FROM workers w JOIN accounts a ON a.id = w.account_id"  # noqa: S608 - our own names
        f" WHERE w.accepted_at IS NOT NULL AND w.revoked_at IS NULL AND {database.among('w.scope', 'text')}",
        [database.listed(scopes)],
    )
    for person_id, own in sorted((tuple(row) for row in rows), key=lambda row: row[0]):
        notify(
            work,
            world.keys,
            resident_id=own or person_id,
            person_id=person_id,
            kind=KIND,
            params={"reason": reason},
            dedup_key=f"follow_up:{reason}:{work.now:%Y%m%d%H}",
            expires_at=work.now + _KEPT,
        )


# -- workers -------------------------------------------------------------------------------------------------


async def desk_of(database: Database, worker_id: int) -> Desk:
    """The worker of that id; Refused for anybody who isn't one (yet, or any more)."""
    rows = await database.fetch(f"{_WORKER}id = ?", [worker_id])
    if not rows:
        raise Refused("not_a_worker")
    return Desk(*rows[0])


async def desks_of_account(database: Database, account_id: int) -> list[Desk]:
    """What an account's person may do as a worker; none for everybody else."""
    rows = await database.fetch(
        f"{_WORKER}account_id IN (SELECT x.id FROM accounts x JOIN accounts o ON o.person_id = x.person_id"  # noqa: S608 - our own names
        " WHERE o.id = ?) ORDER BY scope, id",
        [account_id],
    )
    return [Desk(*row) for row in rows]


async def open_in_scope(database: Database, desk: Desk, *, limit: int = 50, after: int = 0) -> list[FollowUp]:
    """What is open in the worker's scope, in the order of ids after `after`. Show it only once `note_seen` of it is
    committed."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} {_STANDING} AND f.id > ? ORDER BY f.id LIMIT ?",
        [*_range(desk), after, limit],
    )
    return [_follow_up(row) for row in rows]


async def in_scope(database: Database, desk: Desk, follow_up_id: int) -> FollowUp:
    """One open follow-up; NotFound if there is none, which is also the answer for one of another community."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} {_STANDING} AND f.id = ?",
        [*_range(desk), follow_up_id],
    )
    if not rows:
        raise NotFound(f"no open follow-up {follow_up_id} in the scope of worker {desk.worker_id}")
    return _follow_up(rows[0])


async def contacts_of(
    database: Database, keys: KeyRing, work: Work, desk: Desk, *, follow_up: FollowUp
) -> tuple[str, str]:
    """Name and telephone number, for a worker who is about to call; empty where none is stored. On record with
    `work`, which is committed before they are shown."""
    rows = await database.fetch(
        "SELECT name_sealed, phone_sealed FROM residents WHERE resident_id = ?", [follow_up.resident_id]
    )
    _note(work, desk, follow_up, _CONTACTED)
    name, phone = rows[0] if rows else (None, None)
    return (
        keys.open("residents.name", name) if name is not None else "",
        keys.open("residents.phone", phone) if phone is not None else "",
    )


def note_seen(work: Work, desk: Desk, found: Iterable[FollowUp]) -> None:
    """Put on record that the worker was shown these."""
    for each in found:
        _note(work, desk, each, _LISTED)


def log_attempt(work: Work, keys: KeyRing, desk: Desk, follow_up: FollowUp, *, attempt: Attempt) -> None:
    """Record what was tried; it stays open until it is closed."""
    work.insert(
        "contact_attempts",
        id=new_id(),
        resident_id=follow_up.resident_id,
        follow_up_id=follow_up.id,
        worker_id=desk.worker_id,
        at=work.now,
        way=attempt.way,
        outcome=attempt.outcome,
        note_sealed=keys.seal(_NOTE, attempt.note) if attempt.note else None,
    )
    _note(work, desk, follow_up, _TRIED)


def close(work: Work, desk: Desk, follow_up: FollowUp) -> None:
    """The worker has looked after the resident."""
    work.update(
        "follow_ups",
        {"resident_id": follow_up.resident_id, "id": follow_up.id},
        state="closed",
        closed_at=work.now,
        closed_why="worker",
    )
    _note(work, desk, follow_up, _CLOSED)


def _note(work: Work, desk: Desk, follow_up: FollowUp, action: str) -> None:
    note_view(
        work, follow_up.resident_id, actor="worker", actor_id=desk.worker_id, role=desk.role, action=action,
        why=follow_up.reason,
    )  # fmt: skip


def _range(desk: Desk) -> tuple[str, str]:
    return desk.scope, last_inside(desk.scope)


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
