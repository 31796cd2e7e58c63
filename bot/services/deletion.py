"""A resident wants everything deleted: asked for, taken back in time, and put off while a hold still runs.

What then goes and what remains says `config/retention.yaml`; `erasing.py` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.clock import DEFAULT_ZONE, resident_day, zone
from bot.core.assess import Assessment
from bot.core.model import Colour
from bot.notices.outbox import notify
from bot.services.joining import hold
from bot.services.rescore import assess_code
from bot.services.world import World
from bot.store.database import Database, Row, instant
from bot.store.ids import new_id
from bot.store.snapshot import Account, Resident
from bot.store.work import Work

KIND = "deletion"
LONGEST_WAIT = timedelta(days=60)
"""No longer is a deletion put off, so that nobody is kept for ever by reports that they don't give any more. The
longest hold of the shipped rule books has 28 days."""
_IN_THE_MORNING = time(10)  # nobody is asleep when it happens, or hears of it
_BEFORE = timedelta(days=1)
_LOOKED_AT_AGAIN = timedelta(days=1)
_COLUMNS = "id, resident_id, person_id, asked_at, due_at"
_STILL_UNSENT = "queued"
_NEVER_SENT = ("replaced", "expired", "failed")


@dataclass(frozen=True, slots=True)
class Request:
    """One wish to have everything deleted that still stands. `resident_id` is 0 for who never declared."""

    id: int
    resident_id: int
    person_id: int
    asked_at: datetime
    due_at: datetime

    @property
    def key(self) -> dict[str, int]:
        return {"resident_id": self.resident_id, "id": self.id}


@dataclass(frozen=True, slots=True)
class Held:
    """Codes whose hold still runs, and until when (None: that depends on others)."""

    schemes: tuple[str, ...]
    until: datetime | None


# -- asking --------------------------------------------------------------------------------------------------


async def open_request(database: Database, person_id: int, resident_id: int = 0) -> Request | None:
    """What this person has asked for and not taken back; None if nothing."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM deletion_requests WHERE state = 'asked'"  # noqa: S608 - our own names
        " AND (person_id = ? OR resident_id = ? AND resident_id <> 0) ORDER BY due_at, id LIMIT 1",
        [person_id, resident_id],
    )
    return _request(rows[0]) if rows else None


async def due_requests(database: Database, at: datetime) -> list[Request]:
    """Those whose time is over, the oldest first."""
    rows = await database.fetch(
        f"SELECT {_COLUMNS} FROM deletion_requests WHERE state = 'asked' AND due_at <= ? ORDER BY due_at, id",  # noqa: S608
        [at],
    )
    return [_request(row) for row in rows]


def ask(world: World, work: Work, account: Account, resident: Resident | None) -> Request:
    """Record the wish; until `due_at` it can be taken back, and the day before the person is reminded."""
    days = world.policies.of(resident.division if resident else None).deletion_days
    request = Request(
        id=new_id(),
        resident_id=resident.resident_id if resident else 0,
        person_id=account.person_id,
        asked_at=work.now,
        due_at=morning_after(work.now + timedelta(days=days), resident.zone if resident else DEFAULT_ZONE),
    )
    if resident is not None:
        hold(work, resident.resident_id, resident.input_version)
        request = put_off(world, resident, request, work.now) or request
    work.insert(
        "deletion_requests",
        id=request.id,
        resident_id=request.resident_id,
        person_id=request.person_id,
        state="asked",
        asked_at=request.asked_at,
        due_at=request.due_at,
    )
    remind(world, work, request, resident.zone if resident else DEFAULT_ZONE)
    return request


async def cancel(
    world: World, work: Work, database: Database, *, request: Request, resident: Resident | None
) -> None:
    """Take the wish back; who was reminded of it already is told so on every way."""
    if resident is not None:  # what is being deleted at this moment has moved on, and this is worked out anew
        hold(work, resident.resident_id, resident.input_version)
    work.update("deletion_requests", request.key, state="cancelled", ended_at=work.now)
    rows = await database.fetch(
        "SELECT resident_id, id, attempts, state FROM notices WHERE person_id = ? AND kind = ?",
        [request.person_id, KIND],
    )
    for resident_id, notice_id, attempts, state in rows:
        if state == _STILL_UNSENT:
            work.expect("notices", notice_id, attempts)
            work.update("notices", {"resident_id": resident_id, "id": notice_id}, state="replaced")
    if any(row[3] not in (_STILL_UNSENT, *_NEVER_SENT) for row in rows):
        day = resident_day(request.due_at, resident.zone if resident else DEFAULT_ZONE)
        tell(world, work, request, what="cancelled", day=day)


# -- when ----------------------------------------------------------------------------------------------------


def morning_after(at: datetime, zone_name: str) -> datetime:
    """The first ten o'clock in the morning there that isn't before that instant."""
    there = zone(zone_name)
    day = resident_day(at, zone_name)
    first = datetime.combine(day, _IN_THE_MORNING, tzinfo=there)
    later = datetime.combine(day + timedelta(days=1), _IN_THE_MORNING, tzinfo=there)
    return (first if first >= at else later).astimezone(at.tzinfo)


def put_off(world: World, resident: Resident, request: Request, now: datetime) -> Request | None:
    """The request with the time to which a running hold puts it off; None if it need not wait."""
    held = held_by(world, resident, now)
    if held is None:
        return None
    wanted = held.until or max(request.due_at, now + _LOOKED_AT_AGAIN)
    last = morning_after(request.asked_at + LONGEST_WAIT, resident.zone)
    due_at = min(morning_after(wanted, resident.zone), last)
    if due_at <= max(request.due_at, now):
        return None
    return Request(request.id, request.resident_id, request.person_id, request.asked_at, due_at)


def held_by(world: World, resident: Resident, now: datetime) -> Held | None:
    """The codes that are yellow or red for a fact that stands, and until when the rules keep it; a report that
    is merely missing keeps nobody."""
    schemes, ends = [], []
    for code in resident.codes.values():
        scheme = world.schemes.get(code.scheme)
        if scheme is None or not scheme.local:
            continue
        assessment = assess_code(world, resident.person(), code.scheme, now)
        if assessment.colour not in (Colour.YELLOW, Colour.RED):
            continue
        facts = [each for each in assessment.findings if each.at_most is None and each.fact_id is not None]
        until = _until(assessment)
        if facts and (until is None or until > now):
            schemes.append(code.scheme)
            ends.append(until)
    if not schemes:
        return None
    known = [each for each in ends if each is not None]
    return Held(tuple(schemes), max(known) if len(known) == len(ends) else None)


def _until(assessment: Assessment) -> datetime | None:
    """When the days of a hold are over, or else when the clock alone ends the colour; None: nobody knows."""
    arithmetic = assessment.hold
    if arithmetic is not None:
        return arithmetic.days_end_at  # normal reports that are still missing may never come
    return assessment.next_change_at


# -- telling -------------------------------------------------------------------------------------------------


def remind(world: World, work: Work, request: Request, zone_name: str) -> None:
    """The day before: from tomorrow on it can't be taken back."""
    tell(
        world,
        work,
        request,
        what="asked",
        day=resident_day(request.due_at, zone_name),
        not_before=max(work.now, request.due_at - _BEFORE),
        expires_at=request.due_at,
    )


def tell(
    world: World,
    work: Work,
    request: Request,
    *,
    what: str,
    day: date,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Queue a notice about the request to its person."""
    notify(
        work,
        world.keys,
        resident_id=0 if what == "done" else request.resident_id,
        person_id=request.person_id,
        kind=KIND,
        params={"what": what, "day": day.isoformat()},
        dedup_key=f"{KIND}:{request.id}:{what}:{day.isoformat()}",
        not_before=not_before,
        expires_at=expires_at,
    )


def _request(row: Row) -> Request:
    return Request(row[0], row[1], row[2], instant(row[3]), instant(row[4]))
