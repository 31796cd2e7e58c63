"""Makes one person of two accounts: asked for where the register has just matched, confirmed on the older one.

A claimed identity gets nowhere here, and learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.clock import day_begins, resident_day
from bot.core.model import Identity
from bot.notices.outbox import notify
from bot.services.identities import BY_WORKER, Outcome
from bot.services.joining import Link, hold, join, links_of, own_of, take_over
from bot.services.residents import stored_claim
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database, instant
from bot.store.ids import new_id
from bot.store.snapshot import Account, Resident
from bot.store.work import Work

ASKED_KIND, ANSWERED_KIND = "link_asked", "link_answered"
OPEN_FOR = timedelta(hours=24)
REQUESTS_A_DAY = 3
REMEMBERED = timedelta(days=3)  # so long an answer that came too late is told so
_REQUEST = "q.id, q.resident_id, q.person_id, q.account_id, q.asked_at, q.expires_at, a.channel"


class Asking(StrEnum):
    """What became of the wish to be one with the older account."""

    ASKED = "asked"
    STILL_ASKED = "still_asked"
    TOO_MANY = "too_many"
    TAKEN_OVER = "taken_over"  # only guardians spoke for the older one: from here on they do themselves
    NOBODY = "nobody"  # no account is left that could confirm
    NOT_OFFERED = "not_offered"


class Answer(StrEnum):
    """What became of an answer on the older account."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    GONE = "gone"  # what was asked isn't so any more


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """One request. `channel` is that of the newer account."""

    id: int
    resident_id: int
    person_id: int
    account_id: int
    asked_at: datetime
    expires_at: datetime
    channel: str


# -- asking --------------------------------------------------------------------------------------------------


async def is_offered(database: Database, resident: Resident, now: datetime) -> bool:
    """Whether the register has matched, today, what the resident declares now, and somebody else holds it."""
    if resident.identity == Identity.VERIFIED or resident.declared_at is None:
        return False
    rows = await database.fetch(
        "SELECT outcome FROM identity_checks WHERE resident_id = ? AND at >= ? AND via <> ?"
        " ORDER BY at DESC, id DESC LIMIT 1",
        [resident.resident_id, max(resident.declared_at, _day_began(resident, now)), BY_WORKER],
    )
    return bool(rows) and rows[0][0] == Outcome.TAKEN


async def ask(
    world: World, work: Work, database: Database, *, account: Account, resident: Resident
) -> Asking:
    """Ask the person who holds the same certificate, once, whether both are one."""
    if not await is_offered(database, resident, work.now):
        return Asking.NOT_OFFERED
    holder = await _holder(world, database, resident)
    if holder is None:
        return await _take_over(world, work, database, account, resident)
    resident_id, version, person_id = holder
    if await _is_open(database, account.id, resident_id, work.now):
        return Asking.STILL_ASKED
    if await _asked_today(database, account.id, resident, resident_id, work.now) >= REQUESTS_A_DAY:
        return Asking.TOO_MANY
    hold(work, resident_id, version)
    request_id, expires_at = new_id(), work.now + OPEN_FOR
    work.insert(
        "link_requests",
        id=request_id,
        resident_id=resident_id,
        person_id=person_id,
        account_id=account.id,
        state="asked",
        asked_at=work.now,
        expires_at=expires_at,
    )
    notify(
        work,
        world.keys,
        resident_id=resident_id,
        person_id=person_id,
        kind=ASKED_KIND,
        params={"platform": account.channel},
        dedup_key=f"link:{request_id}",
        expires_at=expires_at,
    )
    _log(work, resident_id, account.id, "link_asked", account.channel)
    return Asking.ASKED


async def _holder(world: World, database: Database, resident: Resident) -> tuple[int, int, int] | None:
    """Resident, version and person of who is verified with this certificate, if an account speaks for them."""
    claim = await stored_claim(database, world.keys, resident.resident_id)
    if claim is None:
        return None
    held = indexes.certificate(claim.certificate_kind, claim.certificate_number)
    rows = await database.fetch(
        "SELECT r.resident_id, r.input_version, a.person_id FROM residents r"  # noqa: S608 - names of our own
        " JOIN account_residents l ON l.resident_id = r.resident_id AND l.relation = 'self'"
        " JOIN accounts a ON a.id = l.account_id"
        f" WHERE {database.among('r.certificate_index', 'text')} AND r.identity = 'verified'"
        " AND r.resident_id <> ? ORDER BY l.since, a.id LIMIT 1",
        [database.listed(world.keys.indexes(held.kind, held.value)), resident.resident_id],
    )
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def _take_over(
    world: World, work: Work, database: Database, account: Account, resident: Resident
) -> Asking:
    """The register has just matched, and nobody ever spoke for the verified resident but guardians."""
    held = await _guarded(world, database, resident)
    links = await links_of(database, account.id)
    own = own_of(links, account.id)
    if held is None or own is None or own.resident_id != resident.resident_id:
        return Asking.NOBODY
    await take_over(work, database, links, own, resident_id=held[0], version=held[1])
    _log(work, held[0], account.id, "link_taken_over", account.channel)
    return Asking.TAKEN_OVER


async def _guarded(world: World, database: Database, resident: Resident) -> tuple[int, int] | None:
    """Resident and version of a member with this certificate whom guardians described, and who has no account."""
    claim = await stored_claim(database, world.keys, resident.resident_id)
    if claim is None:
        return None
    held = indexes.certificate(claim.certificate_kind, claim.certificate_number)
    rows = await database.fetch(
        "SELECT r.resident_id, r.input_version FROM residents r"  # noqa: S608 - names of our own
        f" WHERE {database.among('r.certificate_index', 'text')} AND r.identity = 'verified'"
        " AND r.resident_id <> ? AND r.erased_at IS NULL"
        " AND EXISTS (SELECT 1 FROM guardianships g WHERE g.resident_id = r.resident_id)"
        " AND NOT EXISTS (SELECT 1 FROM account_residents l WHERE l.resident_id = r.resident_id"
        " AND l.relation = 'self') ORDER BY r.resident_id LIMIT 1",
        [database.listed(world.keys.indexes(held.kind, held.value)), resident.resident_id],
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def _is_open(database: Database, account_id: int, resident_id: int, now: datetime) -> bool:
    rows = await database.fetch(
        "SELECT 1 FROM link_requests WHERE account_id = ? AND resident_id = ? AND state = 'asked'"
        " AND expires_at > ? LIMIT 1",
        [account_id, resident_id, now],
    )
    return bool(rows)


async def _asked_today(
    database: Database, account_id: int, resident: Resident, resident_id: int, now: datetime
) -> int:
    """How often this account has asked, or this resident was asked, whichever is more."""
    since = _day_began(resident, now)
    rows = await database.fetch(
        "SELECT (SELECT count(*) FROM link_requests WHERE account_id = ? AND asked_at >= ?),"
        " (SELECT count(*) FROM link_requests WHERE resident_id = ? AND asked_at >= ?)",
        [account_id, since, resident_id, since],
    )
    return int(max(rows[0]))


def _day_began(resident: Resident, now: datetime) -> datetime:
    return day_begins(resident_day(now, resident.zone), resident.zone)


# -- answering -----------------------------------------------------------------------------------------------


async def unanswered(database: Database, person_id: int, now: datetime) -> tuple[LinkRequest, ...]:
    """What this person was asked and hasn't answered, the oldest first; what has run out lately is among it."""
    rows = await database.fetch(
        f"SELECT {_REQUEST} FROM link_requests q JOIN accounts a ON a.id = q.account_id"  # noqa: S608 - our own text
        " WHERE q.person_id = ? AND q.state = 'asked' AND q.expires_at > ? ORDER BY q.asked_at, q.id",
        [person_id, now - REMEMBERED],
    )
    return tuple(
        LinkRequest(row[0], row[1], row[2], row[3], instant(row[4]), instant(row[5]), row[6]) for row in rows
    )


async def confirm(
    world: World, work: Work, database: Database, *, holder: Resident | None, request: LinkRequest
) -> Answer:
    """Both are one from here on: the newer account speaks for the verified resident, and nobody any more for
    the one that it had declared."""
    links = await links_of(database, request.account_id)
    own = own_of(links, request.account_id)
    if holder is None or own is None or not await _still_so(world, database, holder, own, request):
        _close(work, request, "expired")
        return Answer.GONE
    hold(work, holder.resident_id, holder.input_version)
    await join(work, database, links, own, resident_id=holder.resident_id, person_id=request.person_id)
    await _expire_others(work, database, request)
    _close(work, request, "confirmed")
    _tell(world, work, request, holder.resident_id, request.person_id, outcome=Answer.CONFIRMED)
    return Answer.CONFIRMED


async def deny(
    world: World, work: Work, database: Database, *, holder: Resident | None, request: LinkRequest
) -> Answer:
    """It wasn't them: nothing is joined, and who asked is told."""
    if holder is not None and holder.resident_id == request.resident_id:
        hold(work, holder.resident_id, holder.input_version)
    own = own_of(await links_of(database, request.account_id), request.account_id)
    _close(work, request, "denied")
    if own is not None and own.resident_id is not None:
        _tell(world, work, request, own.resident_id, own.person_id, outcome=Answer.DENIED)
    return Answer.DENIED


def expire(work: Work, request: LinkRequest) -> None:
    """Nobody answered in time."""
    _close(work, request, "expired")


async def _still_so(
    world: World, database: Database, holder: Resident, own: Link, request: LinkRequest
) -> bool:
    """The holder is verified, both declare the same certificate, and they are two."""
    if holder.resident_id != request.resident_id or holder.identity != Identity.VERIFIED:
        return False
    if own.resident_id is None or own.resident_id == holder.resident_id:
        return False
    claims = [
        await stored_claim(database, world.keys, each) for each in (holder.resident_id, own.resident_id)
    ]
    held = [indexes.certificate(each.certificate_kind, each.certificate_number) for each in claims if each]
    return len(held) == 2 and held[0] == held[1]


async def _expire_others(work: Work, database: Database, request: LinkRequest) -> None:
    """What this account has asked of others is about somebody that it no longer is."""
    rows = await database.fetch(
        "SELECT resident_id, id FROM link_requests WHERE account_id = ? AND state = 'asked' AND id <> ?",
        [request.account_id, request.id],
    )
    for resident_id, request_id in rows:
        key = {"resident_id": resident_id, "id": request_id}
        work.update("link_requests", key, state="expired", answered_at=work.now)


def _close(work: Work, request: LinkRequest, state: str) -> None:
    work.update(
        "link_requests",
        {"resident_id": request.resident_id, "id": request.id},
        state=state,
        answered_at=work.now,
    )
    _log(work, request.resident_id, request.account_id, f"link_{state}", request.channel)


def _log(work: Work, resident_id: int, account_id: int, action: str, channel: str) -> None:
    """Who holds the certificate can read what was asked and what became of it."""
    work.insert(
        "access_log",
        id=new_id(),
        resident_id=resident_id,
        at=work.now,
        actor_kind="system",
        actor_id=account_id,
        action=action,
        why=channel,
    )


def _tell(
    world: World, work: Work, request: LinkRequest, resident_id: int, person_id: int, *, outcome: Answer
) -> None:
    notify(
        work,
        world.keys,
        resident_id=resident_id,
        person_id=person_id,
        account_id=request.account_id,
        kind=ANSWERED_KIND,
        params={"platform": request.channel, "outcome": outcome.value},
        dedup_key=f"link_answered:{request.id}",
    )
