"""A guardian asks to report for a member: who may, for whom, and who has to say yes first.

A claimed identity binds nobody. What the guardian hears is the same whether or not a certificate is known here;
only after a match with the register can somebody hear more than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.clock import DEFAULT_ZONE, day_begins, resident_day
from bot.core.model import Identity
from bot.notices.outbox import notify
from bot.services import bonds
from bot.services.bonds import Bond
from bot.services.certificates import Certificate, is_minor
from bot.services.declarations import with_community
from bot.services.guardians import ASKED, BY_MEMBER, BY_WORKER, LABEL, of_age_at, speakers_of
from bot.services.member_rows import first_declaration, insert_member, take_codes
from bot.services.real_name import Verdict
from bot.services.rescore import rescore
from bot.services.residents import Profile, birth_date, claim_of, stored_claim
from bot.services.worker_scope import tell_workers
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database, Row, instant_or_none
from bot.store.ids import new_id
from bot.store.snapshot import Account, Resident
from bot.store.work import Work

OPEN_FOR = timedelta(days=7)
ASKS_A_DAY = 10
TRIES_A_DAY = 5
REFUSAL_STANDS = timedelta(days=30)
"""So long after a no the same guardian doesn't ask the same member again."""
BY_REGISTER = "register"
_VIA = "member:"
LONGEST_LABEL = 12


class Asked(StrEnum):
    """What became of a guardian's wish. Only the first three leave something behind, and a mismatch its try."""

    ASKED = "asked"
    ACTIVE = "active"
    REGISTER_AWAY = "register_away"  # a child's; asked again every hour, or a worker confirms
    NOT_VERIFIED = "not_verified"
    TOO_YOUNG = "too_young"
    ONESELF = "oneself"
    DUPLICATE = "duplicate"
    FULL = "full"
    CIRCULAR = "circular"
    REFUSED_LATELY = "refused_lately"
    MISMATCH = "mismatch"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom a guardian wants to report for. `home` None: the same as the guardian's. `well`: nothing of what a
    declaration asks about is so; else the member's codes wait for a declaration."""

    label: str
    name: str
    certificate: Certificate
    home: tuple[str, str] | None = None
    well: bool = True

    def __repr__(self) -> str:
        return f"Wish(certificate={self.certificate!r})"


@dataclass(frozen=True, slots=True)
class _Holder:
    """The verified resident who holds a certificate."""

    resident_id: int
    version: int
    name_sealed: bytes | None
    zone: str


@dataclass(frozen=True, slots=True)
class _Side:
    """The guardian's side of one wish."""

    account: Account
    guardian: Resident
    wish: Wish


async def may_guard(world: World, guardian: Resident | None, now: datetime) -> Asked | None:
    """Why this resident can't report for others at all; None: they can."""
    if guardian is None or guardian.identity != Identity.VERIFIED:
        return Asked.NOT_VERIFIED
    birth = birth_date(world.keys, guardian)
    if birth is not None and is_minor(birth, resident_day(now, guardian.zone)):
        return Asked.TOO_YOUNG
    return None


async def ask(
    world: World, work: Work, database: Database, *, account: Account, guardian: Resident, wish: Wish
) -> Asked:
    """Bind, or ask whoever has to say yes. The caller has nothing to re-score."""
    side = _Side(account, guardian, wish)
    refusal = (
        await may_guard(world, guardian, work.now)
        or await _about_oneself(world, database, side)
        or await _asked_before(world, work, database, side)
        or await _too_often(work, database, guardian)
    )
    if refusal is not None:
        return refusal
    holder = await _holder(world, database, wish.certificate)
    if holder is not None and await _guards(database, holder.resident_id, guardian.resident_id):
        return Asked.CIRCULAR
    # two wishes of one guardian, on whatever phones, are counted one after the other
    work.expect("residents", guardian.resident_id, guardian.input_version)
    birth = wish.certificate.birth
    if birth is not None and is_minor(birth, resident_day(work.now, guardian.zone)):
        return await _bind_child(world, work, database, side, holder)
    await _ask_adult(world, work, database, side, holder)
    return Asked.ASKED


# -- what speaks against it ----------------------------------------------------------------------------------


async def _about_oneself(world: World, database: Database, side: _Side) -> Asked | None:
    own = await stored_claim(database, world.keys, side.guardian.resident_id)
    if own is None:
        return Asked.NOT_VERIFIED
    wanted = side.wish.certificate
    same = (own.certificate_kind, own.certificate_number) == (wanted.kind.value, wanted.number)
    return Asked.ONESELF if same else None


async def _asked_before(world: World, work: Work, database: Database, side: _Side) -> Asked | None:
    """What this guardian has with this certificate already, and how many members there may be."""
    rows = await database.fetch(
        "SELECT g.state, g.ended_at, g.ended_by, r.certificate_index FROM guardianships g"
        " JOIN residents r ON r.resident_id = g.resident_id WHERE g.guardian_id = ?",
        [side.guardian.resident_id],
    )
    held = indexes.certificate(side.wish.certificate.kind.value, side.wish.certificate.number)
    mine = world.keys.indexes(held.kind, held.value)
    same = [row for row in rows if row[3] in mine]
    if any(row[0] in ("asked", "active") for row in same):
        return Asked.DUPLICATE
    if any(_said_no(row, work.now) for row in same):
        return Asked.REFUSED_LATELY
    limit = world.policies.of(side.guardian.division).members_per_guardian
    return Asked.FULL if sum(row[0] in ("asked", "active") for row in rows) >= limit else None


def _said_no(row: Row, now: datetime) -> bool:
    state, ended_at, ended_by = row[0], instant_or_none(row[1]), row[2]
    if ended_at is None or ended_at <= now - REFUSAL_STANDS:
        return False
    return bool(state == "refused" or (state == "ended" and ended_by == "member"))


async def _too_often(work: Work, database: Database, guardian: Resident) -> Asked | None:
    since = day_begins(resident_day(work.now, guardian.zone), guardian.zone)
    rows = await database.fetch(
        "SELECT (SELECT count(*) FROM guardianships WHERE guardian_id = ? AND since >= ?),"
        " (SELECT count(*) FROM identity_checks WHERE resident_id = ? AND at >= ? AND via LIKE ?"
        " AND outcome = 'mismatch')",
        [guardian.resident_id, since, guardian.resident_id, since, f"{_VIA}%"],
    )
    asked, missed = rows[0]
    return Asked.TOO_MANY if asked >= ASKS_A_DAY or missed >= TRIES_A_DAY else None


async def _holder(world: World, database: Database, certificate: Certificate) -> _Holder | None:
    held = indexes.certificate(certificate.kind.value, certificate.number)
    rows = await database.fetch(
        f"SELECT resident_id, input_version, name_sealed, zone FROM residents WHERE {database.among('certificate_index', 'text')}"  # noqa: S608 - names of our own
        " AND identity = 'verified' AND erased_at IS NULL ORDER BY resident_id LIMIT 1",
        [database.listed(world.keys.indexes(held.kind, held.value))],
    )
    return _Holder(*rows[0]) if rows else None


async def _guards(database: Database, guardian_id: int, member_id: int) -> bool:
    rows = await database.fetch(
        "SELECT 1 FROM guardianships WHERE resident_id = ? AND guardian_id = ? AND state = 'active'",
        [member_id, guardian_id],
    )
    return bool(rows)


# -- children ------------------------------------------------------------------------------------------------


async def _bind_child(
    world: World, work: Work, database: Database, side: _Side, holder: _Holder | None
) -> Asked:
    """The register says whether name and number belong together; a child with a phone is asked all the same."""
    profile = await _profile(world, database, side)
    verdict = await world.real_name.verify(claim_of(profile))
    if verdict == Verdict.UNAVAILABLE:
        await _by_worker(world, work, database, side, None)
        return Asked.REGISTER_AWAY
    if verdict == Verdict.MISMATCH:
        note_check(work, side.guardian.resident_id, "mismatch", world.real_name.name)
        return Asked.MISMATCH
    if holder is not None and await speakers_of(database, holder.resident_id):
        await _by_member(world, work, database, side, holder)
        return Asked.ASKED
    ends_at = of_age_at(side.wish.certificate.birth, holder.zone if holder else DEFAULT_ZONE)
    if holder is not None:
        bond = await _record(world, work, database, side, holder.resident_id, holder.version, BY_WORKER)
        bonds.log(work, holder.resident_id, side.account.id, "binding_confirmed", why=BY_REGISTER)
    else:
        member = insert_member(work, world.keys, profile, verified_by=world.real_name.name)
        if side.wish.well:
            first_declaration(world, work, member, profile, reported_by=side.account.id)
        await _same_household(work, database, side, member)
        take_codes(world, work, member, held=side.guardian.codes, home=side.guardian.division)
        rescore(world, work, member, cause="identity_verified")
        note_check(work, member.resident_id, "verified", world.real_name.name)
        bond = await _record(world, work, database, side, member.resident_id, 0, BY_WORKER)
        bonds.log(work, member.resident_id, side.account.id, "binding_confirmed", why=BY_REGISTER)
    await bonds.activate(work, database, bond, by=BY_REGISTER, ends_at=ends_at)
    return Asked.ACTIVE


def note_check(work: Work, resident_id: int, outcome: str, via: str) -> None:
    """One question to the register on a guardian's wish, so that such tries can be counted and limited."""
    work.insert(
        "identity_checks", id=new_id(), resident_id=resident_id, at=work.now, outcome=outcome,
        via=f"{_VIA}{via}"[:32],
    )  # fmt: skip


# -- adults --------------------------------------------------------------------------------------------------


async def _ask_adult(
    world: World, work: Work, database: Database, side: _Side, holder: _Holder | None
) -> None:
    """Whoever has an account here is asked; for everybody else a worker goes and looks."""
    if holder is not None and not _named(world, holder, side.wish.name):
        holder = None  # whoever has a number without its name reaches nobody by it
    if holder is not None and await speakers_of(database, holder.resident_id):
        await _by_member(world, work, database, side, holder)
    else:
        await _by_worker(world, work, database, side, holder)


def _named(world: World, holder: _Holder, name: str) -> bool:
    sealed = holder.name_sealed
    return sealed is not None and str(world.keys.open("residents.name", sealed)) == name


async def _by_member(world: World, work: Work, database: Database, side: _Side, holder: _Holder) -> None:
    bond = await _record(world, work, database, side, holder.resident_id, holder.version, BY_MEMBER)
    await ask_member(world, work, database, bond)
    bonds.log(work, holder.resident_id, side.account.id, "binding_asked")


async def ask_member(world: World, work: Work, database: Database, bond: Bond) -> None:
    """Tell every person who is the member that somebody asks; who it is stands in the answer only."""
    speakers = await speakers_of(database, bond.resident_id)
    for person_id in dict.fromkeys(each.person_id for each in speakers):
        notify(
            work,
            world.keys,
            resident_id=bond.resident_id,
            person_id=person_id,
            kind=bonds.ASKED_KIND,
            params={},
            dedup_key=f"binding_asked:{bond.id}:{work.now.isoformat()}",
            expires_at=bond.expires_at,
        )


async def _by_worker(
    world: World, work: Work, database: Database, side: _Side, holder: _Holder | None
) -> None:
    """A worker of the member's community sees them and their document."""
    if holder is not None:
        member_id, version, division = holder.resident_id, holder.version, await _division(database, holder)
        bonds.log(work, member_id, side.account.id, "binding_asked")
    else:
        profile = await _profile(world, database, side)
        member = insert_member(work, world.keys, profile)
        if side.wish.well:
            first_declaration(world, work, member, profile, reported_by=side.account.id)
        await _same_household(work, database, side, member)
        rescore(world, work, member, cause="declared")
        member_id, version, division = member.resident_id, 0, profile.division
    await _record(world, work, database, side, member_id, version, BY_WORKER)
    today = resident_day(work.now, DEFAULT_ZONE)
    work.upsert(
        "follow_ups",
        ("resident_id", "reason", "day"),
        id=new_id(),
        resident_id=member_id,
        reason=bonds.FOLLOW_UP,
        day=today,
        last_day=today,
        state="open",
        division=division,
        detail="",
        opened_at=work.now,
        closed_at=None,
        closed_why="",
    )
    await tell_workers(world, work, database, division, reason=bonds.FOLLOW_UP)


# -- what is written -----------------------------------------------------------------------------------------


async def _record(
    world: World, work: Work, database: Database, side: _Side, member_id: int, version: int, waits_for: str
) -> Bond:
    """The guardianship as asked; one that was ended or refused before is asked again."""
    guardian, until = side.guardian, work.now + OPEN_FOR
    rows = await database.fetch(
        "SELECT id FROM guardianships WHERE resident_id = ? AND guardian_id = ?",
        [member_id, guardian.resident_id],
    )
    row: dict[str, Any] = {
        "state": ASKED,
        "label_sealed": world.keys.seal(LABEL, side.wish.label),
        "confirmed_by": "",
        "since": work.now,
        "ended_at": None,
        "waits_for": waits_for,
        "expires_at": until,
        "ended_by": "",
    }
    bond_id = rows[0][0] if rows else new_id()
    if rows:
        work.update("guardianships", {"resident_id": member_id, "id": bond_id}, **row)
    else:
        work.insert(
            "guardianships", id=bond_id, resident_id=member_id, guardian_id=guardian.resident_id, **row
        )
    bond = Bond(
        bond_id, member_id, guardian.resident_id, ASKED, waits_for, "", work.now, until,
        version, guardian.input_version, guardian.identity.value, "",
    )  # fmt: skip
    bonds.hold_both(work, bond)
    return bond


async def _profile(world: World, database: Database, side: _Side) -> Profile:
    """The member as the guardian describes them, at the guardian's home if nothing else was said."""
    wish = side.wish
    if wish.home is not None:
        made = Profile(wish.name, wish.certificate, "", *wish.home)
        return await with_community(database, made)
    rows = await database.fetch(
        "SELECT division, address_sealed FROM residents WHERE resident_id = ?", [side.guardian.resident_id]
    )
    division, address = rows[0]
    street = "" if address is None else world.keys.open("residents.address", address)
    return Profile(wish.name, wish.certificate, "", division or "", street)


async def _division(database: Database, holder: _Holder) -> str | None:
    rows = await database.fetch("SELECT division FROM residents WHERE resident_id = ?", [holder.resident_id])
    return str(rows[0][0]) if rows and rows[0][0] else None


async def _same_household(work: Work, database: Database, side: _Side, member: Resident) -> None:
    """Who lives where the guardian lives is of the same household."""
    if side.wish.home is not None:
        return
    rows = await database.fetch(
        "SELECT household_id, division, building_index FROM residents WHERE resident_id = ?",
        [side.guardian.resident_id],
    )
    household_id, division, building = rows[0]
    if household_id is None:
        household_id = new_id()
        work.insert(
            "households", id=household_id, division=division, building_index=building, created_at=work.now
        )
        work.update("residents", {"resident_id": side.guardian.resident_id}, household_id=household_id)
    work.update("residents", {"resident_id": member.resident_id}, household_id=household_id)
