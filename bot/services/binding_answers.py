"""What ends a question about a guardianship, or the guardianship itself: the member, the guardian, a worker, time."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.clock import resident_day
from bot.core.model import Identity
from bot.services import bonds
from bot.services.access import note_view
from bot.services.bonds import Bond
from bot.services.certificates import is_minor
from bot.services.guardians import (
    ACTIVE,
    ASKED,
    BY_MEMBER,
    BY_WORKER,
    EXPIRED,
    REFUSED,
    of_age_at,
    speakers_of,
)
from bot.services.households import BY_REGISTER, ask_member, note_check
from bot.services.member_rows import take_codes
from bot.services.real_name import Verdict
from bot.services.rescore import rescore
from bot.services.residents import birth_date, stored_claim
from bot.services.worker_scope import ActingWorker
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.snapshot import Account, Resident
from bot.store.work import Work

GUARDIAN, MEMBER, OF_AGE, TIME = "guardian", "member", "of_age", "time"
KEPT_AFTER = timedelta(days=30)
"""So long the data of somebody who was never confirmed are kept after the last question about them ended."""


class Answered(StrEnum):
    """What became of an answer."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    ASKED_MEMBER = "asked_member"  # who was confirmed has an account: they answer themselves
    CIRCULAR = "circular"
    GONE = "gone"  # what was asked isn't so any more
    OUT_OF_SCOPE = "out_of_scope"
    STILL_AWAY = "still_away"


# -- the member ----------------------------------------------------------------------------------------------


async def answer(
    world: World,
    work: Work,
    database: Database,
    *,
    member: Resident,
    account: Account,
    bond_id: int,
    agrees: bool,
) -> Answered:
    """The member says yes or no to one who asked; the guardian is told."""
    bond = await bonds.bond_of_member(database, member.resident_id, bond_id)
    if bond is None or not bond.is_open(work.now) or bond.waits_for != BY_MEMBER:
        return Answered.GONE
    if not agrees:
        await _refuse(world, work, database, bond, by=MEMBER)
        bonds.log(work, bond.resident_id, account.id, "binding_refused", actor="system")
        return Answered.REFUSED
    if member.identity != Identity.VERIFIED or bond.guardian_identity != Identity.VERIFIED:
        return Answered.GONE
    if await bonds.circles(work, database, bond.guardian_id, bond.resident_id):
        await _refuse(world, work, database, bond, by="system")
        return Answered.CIRCULAR
    await bonds.activate(work, database, bond, by=BY_MEMBER)
    await bonds.tell(world, work, database, bond, what="confirmed", member=False)
    bonds.log(work, bond.resident_id, account.id, "binding_confirmed", actor="system")
    return Answered.CONFIRMED


async def release(
    world: World, work: Work, database: Database, *, member: Resident, account: Account, bond_id: int
) -> Answered:
    """The member ends it in one step; the guardian is told. One who only asked is refused."""
    bond = await bonds.bond_of_member(database, member.resident_id, bond_id)
    if bond is None or bond.state not in (ASKED, ACTIVE):
        return Answered.GONE
    if bond.state == ASKED:
        await _refuse(world, work, database, bond, by=MEMBER)
        return Answered.REFUSED
    await bonds.end(work, database, bond, by=MEMBER)
    await bonds.tell(world, work, database, bond, what="released", member=False)
    bonds.log(work, bond.resident_id, account.id, "binding_ended", actor="system")
    return Answered.ENDED


# -- the guardian --------------------------------------------------------------------------------------------


async def remove(
    world: World, work: Work, database: Database, *, guardian: Resident, account: Account, bond_id: int
) -> Answered:
    """The guardian no longer reports for the member, or takes the question back; codes and reports stay theirs."""
    bond = await bonds.bond_of_guardian(database, guardian.resident_id, bond_id)
    if bond is None or bond.state not in (ASKED, ACTIVE):
        return Answered.GONE
    await bonds.end(work, database, bond, by=GUARDIAN)
    bonds.log(work, bond.resident_id, account.id, "binding_ended")
    if bond.state == ASKED:
        return Answered.WITHDRAWN
    await bonds.tell(world, work, database, bond, what="released", member=True)
    return Answered.ENDED


# -- a worker ------------------------------------------------------------------------------------------------


async def confirm_by_worker(
    world: World,
    work: Work,
    database: Database,
    *,
    bond: Bond,
    member: Resident,
    worker: ActingWorker,
    why: str,
) -> Answered:
    """A worker has seen the member, their document and that they want it; a claimed member is verified by it."""
    hindered = _by_worker(work, bond, member, worker, "binding_confirmed", why)
    if hindered is not None:
        return hindered
    return await _confirm(world, work, database, bond, member, by=BY_WORKER)


async def refuse_by_worker(
    world: World,
    work: Work,
    database: Database,
    *,
    bond: Bond,
    member: Resident,
    worker: ActingWorker,
    why: str,
) -> Answered:
    """The member doesn't want it, or isn't who the guardian said; the guardian hears of a no, not of a reason."""
    hindered = _by_worker(work, bond, member, worker, "binding_refused", why)
    if hindered is not None:
        return hindered
    await _refuse(world, work, database, bond, by=BY_WORKER)
    return Answered.REFUSED


def _by_worker(
    work: Work, bond: Bond, member: Resident, worker: ActingWorker, action: str, why: str
) -> Answered | None:
    """Put the worker's act on record, or say what stands against it."""
    if not bond.is_open(work.now) or bond.waits_for != BY_WORKER:
        return Answered.GONE
    if not worker.covers(member.division):
        return Answered.OUT_OF_SCOPE
    note_view(
        work, bond.resident_id, actor="worker", actor_id=worker.id, role=worker.role, action=action, why=why
    )
    return None


# -- the register, later -------------------------------------------------------------------------------------


async def ask_register_again(
    world: World, work: Work, database: Database, *, bond: Bond, member: Resident
) -> Answered:
    """A child's name and number, once more, after the register was away when the guardian asked."""
    birth = birth_date(world.keys, member)
    claim = await stored_claim(database, world.keys, member.resident_id)
    day = resident_day(work.now, member.zone)
    if not bond.is_open(work.now) or bond.waits_for != BY_WORKER or claim is None:
        return Answered.GONE
    if birth is None or not is_minor(birth, day) or member.identity == Identity.VERIFIED:
        return Answered.GONE
    verdict = await world.real_name.verify(claim)
    if verdict == Verdict.UNAVAILABLE:
        return Answered.STILL_AWAY
    if verdict == Verdict.MISMATCH:
        note_check(work, bond.guardian_id, "mismatch", world.real_name.name)
        await _refuse(world, work, database, bond, by=BY_REGISTER)
        return Answered.REFUSED
    bonds.log(work, bond.resident_id, None, "binding_confirmed", actor="system", why=BY_REGISTER)
    return await _confirm(world, work, database, bond, member, by=BY_REGISTER)


# -- time ----------------------------------------------------------------------------------------------------


async def run_out(world: World, work: Work, database: Database, bond: Bond) -> Answered:
    """Nobody answered in time, or a child has come of age; both sides hear of the latter."""
    if bond.expires_at is None or bond.expires_at > work.now or bond.state not in (ASKED, ACTIVE):
        return Answered.GONE
    if bond.state == ASKED:
        await bonds.end(work, database, bond, by=TIME, state=EXPIRED)
        await bonds.tell(world, work, database, bond, what="expired", member=False)
        return Answered.WITHDRAWN
    await bonds.end(work, database, bond, by=OF_AGE)
    bonds.log(work, bond.resident_id, None, "binding_ended", actor="system", why=OF_AGE)
    for member in (False, True):
        await bonds.tell(world, work, database, bond, what=OF_AGE, member=member)
    return Answered.ENDED


async def forget_unconfirmed(work: Work, database: Database, *, at_once: int = 200) -> int:
    """Empty the rows of people whom somebody described and nobody confirmed, a month after; how many there were."""
    before = work.now - KEPT_AFTER
    rows = await database.fetch(
        "SELECT DISTINCT r.resident_id, r.input_version FROM guardianships g"
        " JOIN residents r ON r.resident_id = g.resident_id"
        " WHERE g.state IN ('refused', 'expired', 'ended') AND g.ended_at <= ? AND r.identity = 'claimed'"
        " AND r.erased_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM account_residents l WHERE l.resident_id = r.resident_id)"
        " AND NOT EXISTS (SELECT 1 FROM guardianships o WHERE o.resident_id = r.resident_id"
        " AND (o.state IN ('asked', 'active') OR o.ended_at > ?))"
        " AND NOT EXISTS (SELECT 1 FROM guardianships o WHERE o.guardian_id = r.resident_id)"
        " AND NOT EXISTS (SELECT 1 FROM declarations d WHERE d.resident_id = r.resident_id AND d.revision > 1)"
        " AND NOT EXISTS (SELECT 1 FROM punch_ins p WHERE p.resident_id = r.resident_id)"
        " AND NOT EXISTS (SELECT 1 FROM health_codes c WHERE c.resident_id = r.resident_id)"
        " ORDER BY r.resident_id LIMIT ?",
        [before, before, at_once],
    )
    for resident_id, version in rows:
        work.expect("residents", resident_id, version)
        work.update(
            "residents",
            {"resident_id": resident_id},
            input_version=version + 1,
            identity="none",
            certificate_kind="",
            certificate_index=None,
            certificate_sealed=None,
            name_sealed=None,
            birth_sealed=None,
            address_sealed=None,
            building_index=None,
            household_id=None,
            declared_at=None,
            erased_at=work.now,
        )
        work.delete("declarations", {"resident_id": resident_id})
    return len(rows)


# -- what they share -----------------------------------------------------------------------------------------


async def _refuse(world: World, work: Work, database: Database, bond: Bond, *, by: str) -> None:
    await bonds.end(work, database, bond, by=by, state=REFUSED)
    await bonds.tell(world, work, database, bond, what="refused", member=False)


async def _confirm(
    world: World, work: Work, database: Database, bond: Bond, member: Resident, *, by: str
) -> Answered:
    """The member is who the guardian said. Where somebody else is verified with the document, it is they."""
    if bond.guardian_identity != Identity.VERIFIED:
        return Answered.GONE
    other = None if member.identity == Identity.VERIFIED else await _verified(world, database, member)
    if other is not None:
        return await _pass_on(world, work, database, bond, member, other, by)
    if await bonds.circles(work, database, bond.guardian_id, bond.resident_id):
        await _refuse(world, work, database, bond, by="system")
        return Answered.CIRCULAR
    if member.identity != Identity.VERIFIED:
        await _verify(world, work, database, bond, member, by)
    await bonds.activate(work, database, bond, by=by, ends_at=_ends_at(world, work, member))
    await bonds.close_follow_ups(work, database, bond, why="worker" if by == BY_WORKER else "ended")
    await bonds.tell(world, work, database, bond, what="confirmed", member=False)
    return Answered.CONFIRMED


def _ends_at(world: World, work: Work, member: Resident) -> datetime | None:
    """A child's ends when it comes of age; a grown person's doesn't by itself."""
    ends_at = of_age_at(birth_date(world.keys, member), member.zone)
    return ends_at if ends_at is not None and ends_at > work.now else None


async def _verify(
    world: World, work: Work, database: Database, bond: Bond, member: Resident, by: str
) -> None:
    """From claimed to verified, with the guardian's codes, scored."""
    via = world.real_name.name if by == BY_REGISTER else by
    work.touch(member.resident_id, member.input_version)
    member.identity = Identity.VERIFIED
    work.update(
        "residents",
        {"resident_id": member.resident_id},
        identity=member.identity.value,
        verified_by=via,
        verified_at=work.now,
    )
    work.insert(
        "identity_checks",
        id=new_id(),
        resident_id=member.resident_id,
        at=work.now,
        outcome="verified",
        via=via,
    )
    rows = await database.fetch(
        "SELECT c.scheme, r.division FROM residents r LEFT JOIN health_codes c ON c.resident_id = r.resident_id"
        " WHERE r.resident_id = ?",
        [bond.guardian_id],
    )
    take_codes(
        world, work, member, held=[row[0] for row in rows if row[0]], home=rows[0][1] if rows else None
    )
    rescore(world, work, member, cause="identity_verified")


async def _verified(world: World, database: Database, member: Resident) -> tuple[int, int] | None:
    """Id and version of another resident who is verified with the same document."""
    claim = await stored_claim(database, world.keys, member.resident_id)
    if claim is None:
        return None
    held = indexes.certificate(claim.certificate_kind, claim.certificate_number)
    rows = await database.fetch(
        f"SELECT resident_id, input_version FROM residents WHERE {database.among('certificate_index', 'text')}"  # noqa: S608 - names of our own
        " AND identity = 'verified' AND erased_at IS NULL AND resident_id <> ? ORDER BY resident_id LIMIT 1",
        [database.listed(world.keys.indexes(held.kind, held.value)), member.resident_id],
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def _pass_on(
    world: World,
    work: Work,
    database: Database,
    bond: Bond,
    member: Resident,
    other: tuple[int, int],
    by: str,
) -> Answered:
    """The question was about somebody who is here already: with an account they answer, else it counts for them."""
    other_id, version = other
    if other_id == bond.guardian_id or await _has(database, bond.guardian_id, other_id):
        await _refuse(world, work, database, bond, by="system")
        return Answered.GONE
    rows = await database.fetch(
        "SELECT id, label_sealed, resident_id FROM guardianships WHERE guardian_id = ? AND resident_id IN (?, ?)",
        [bond.guardian_id, bond.resident_id, other_id],
    )
    label = next((row[1] for row in rows if row[2] == bond.resident_id), None)
    known = next((row[0] for row in rows if row[2] == other_id), None)
    asks = bool(await speakers_of(database, other_id))
    now_bond = Bond(
        known or new_id(), other_id, bond.guardian_id, ASKED, BY_MEMBER if asks else BY_WORKER, "", work.now,
        bond.expires_at, version, bond.guardian_version, bond.guardian_identity, Identity.VERIFIED.value,
    )  # fmt: skip
    if await bonds.circles(work, database, bond.guardian_id, other_id):
        await _refuse(world, work, database, bond, by="system")
        return Answered.CIRCULAR
    await bonds.end(work, database, bond, by=by)
    columns = {"state": ASKED, "label_sealed": label, "since": work.now, "waits_for": now_bond.waits_for}
    columns |= {"expires_at": bond.expires_at, "ended_at": None, "ended_by": "", "confirmed_by": ""}
    if known:
        work.update("guardianships", now_bond.key, **columns)
    else:
        work.insert("guardianships", **now_bond.key, guardian_id=bond.guardian_id, **columns)
    bonds.hold_both(work, now_bond)
    if asks:
        await ask_member(world, work, database, now_bond)
        return Answered.ASKED_MEMBER
    await bonds.activate(work, database, now_bond, by=by, ends_at=_ends_at(world, work, member))
    await bonds.tell(world, work, database, now_bond, what="confirmed", member=False)
    return Answered.CONFIRMED


async def _has(database: Database, guardian_id: int, member_id: int) -> bool:
    rows = await database.fetch(
        "SELECT 1 FROM guardianships WHERE guardian_id = ? AND resident_id = ? AND state IN ('asked', 'active')",
        [guardian_id, member_id],
    )
    return bool(rows)
