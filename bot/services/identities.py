"""From claimed to verified: by the real-name service, or by a worker who saw the document.

A claimed identity is worth nothing to others: it joins no existing resident, and whoever claims one learns
nothing about whether the certificate is known. Only after a match with the register can somebody hear that
another verified resident holds it.
"""

from __future__ import annotations

from enum import StrEnum

from bot.clock import day_begins, resident_day
from bot.core.model import Identity
from bot.services.real_name import Claim, Verdict
from bot.services.rescore import rescore
from bot.services.residents import stored_claim
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.snapshot import Resident
from bot.store.work import Work

TRIES_A_DAY = 5
BY_WORKER = "worker"


class Outcome(StrEnum):
    """What became of a try. `unavailable` and `too_many` say nothing about the person and aren't recorded."""

    VERIFIED = "verified"
    MISMATCH = "mismatch"
    TAKEN = "taken"
    UNAVAILABLE = "unavailable"
    TOO_MANY = "too_many"


async def verify(
    world: World, work: Work, database: Database, resident: Resident, *, claim: Claim | None = None
) -> Outcome:
    """Ask the real-name service; `claim` is given where it is only being written. Safe to repeat.

    A verified resident has to be re-scored by the caller, once, with everything else of the message.
    """
    if resident.identity == Identity.VERIFIED:
        return Outcome.VERIFIED
    resident.person()  # if not all of it was read, that shows before anybody outside is asked
    if resident.stored and await _tries_today(database, work, resident) >= TRIES_A_DAY:
        return Outcome.TOO_MANY
    claim = claim or await stored_claim(database, world.keys, resident.resident_id)
    if claim is None:
        return Outcome.UNAVAILABLE
    verdict = await world.real_name.verify(claim)
    if verdict == Verdict.UNAVAILABLE:
        return Outcome.UNAVAILABLE
    outcome = Outcome.MISMATCH
    if verdict == Verdict.MATCH:
        outcome = await _settle(world, work, database, resident, claim, by=world.real_name.name)
    _record(work, resident, outcome, via=world.real_name.name)
    return outcome


async def verify_by_worker(
    work: Work, world: World, database: Database, resident: Resident, *, worker_id: int, role: str
) -> Outcome:
    """A worker has seen the document: verified and re-scored, and the resident can read who did it."""
    claim = await stored_claim(database, world.keys, resident.resident_id)
    if claim is None:
        return Outcome.UNAVAILABLE
    if resident.identity == Identity.VERIFIED:
        return Outcome.VERIFIED
    outcome = await _settle(world, work, database, resident, claim, by=BY_WORKER)
    _record(work, resident, outcome, via=BY_WORKER)
    work.insert(
        "access_log",
        id=new_id(),
        resident_id=resident.resident_id,
        at=work.now,
        actor_kind="worker",
        actor_id=worker_id,
        role=role,
        action="verify_identity",
        why=outcome.value,
    )
    if outcome == Outcome.VERIFIED:
        rescore(world, work, resident, cause="identity_verified")
    return outcome


async def _settle(
    world: World, work: Work, database: Database, resident: Resident, claim: Claim, *, by: str
) -> Outcome:
    """Verified, unless another verified resident holds this certificate."""
    if await _is_taken(world, database, resident, claim):
        return Outcome.TAKEN
    resident.identity = Identity.VERIFIED
    work.touch(resident.resident_id, resident.input_version)
    work.update(
        "residents",
        {"resident_id": resident.resident_id},
        identity=Identity.VERIFIED.value,
        verified_by=by,
        verified_at=work.now,
    )
    return Outcome.VERIFIED


async def _is_taken(world: World, database: Database, resident: Resident, claim: Claim) -> bool:
    held = indexes.certificate(claim.certificate_kind, claim.certificate_number)
    among = database.among("certificate_index", "text")
    rows = await database.fetch(
        f"SELECT 1 FROM residents WHERE {among} AND identity = 'verified' AND resident_id <> ? LIMIT 1",  # noqa: S608 - names of our own
        [database.listed(world.keys.indexes(held.kind, held.value)), resident.resident_id],
    )
    return bool(rows)


async def _tries_today(database: Database, work: Work, resident: Resident) -> int:
    since = day_begins(resident_day(work.now, resident.zone), resident.zone)
    rows = await database.fetch(
        "SELECT count(*) FROM identity_checks WHERE resident_id = ? AND at >= ? AND via <> ?",
        [resident.resident_id, since, BY_WORKER],
    )
    return int(rows[0][0])


def _record(work: Work, resident: Resident, outcome: Outcome, *, via: str) -> None:
    work.insert(
        "identity_checks",
        id=new_id(),
        resident_id=resident.resident_id,
        at=work.now,
        outcome=outcome.value,
        via=via,
    )
