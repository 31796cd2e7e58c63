"""The row, the first declaration and the codes of a member without an account, as a guardian describes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot.clock import resident_day
from bot.core.model import Identity
from bot.services.codes import hold
from bot.services.declarations import ANSWERS, FORM_VERSION
from bot.services.declared_facts import Statements, reconcile
from bot.services.residents import Profile, create_member
from bot.services.world import World
from bot.store.ids import new_id, receipt
from bot.store.sealing import KeyRing
from bot.store.snapshot import Resident
from bot.store.work import Work

_COUNTY = 6


def insert_member(work: Work, keys: KeyRing, profile: Profile, *, verified_by: str = "") -> Resident:
    """A new resident for whom nobody speaks yet; not declared. `verified_by`: who has matched them already."""
    member = create_member(work, keys, profile)
    member.declared_at = None
    changed: dict[str, Any] = {"declared_at": None}
    if verified_by:
        member.identity = Identity.VERIFIED
        changed |= {
            "identity": member.identity.value,
            "verified_by": verified_by,
            "verified_at": work.now,
        }
    work.update("residents", {"resident_id": member.resident_id}, **changed)
    return member


def first_declaration(
    world: World, work: Work, member: Resident, profile: Profile, *, reported_by: int
) -> None:
    """The guardian's word that nothing of what a declaration asks about is so. A re-score has to follow."""
    today = resident_day(work.now, member.zone)
    number = receipt("D", today)
    member.declared_at = work.now
    work.update("residents", {"resident_id": member.resident_id}, declared_at=work.now)
    work.insert(
        "declarations",
        id=new_id(),
        resident_id=member.resident_id,
        revision=1,
        receipt=number,
        form_version=FORM_VERSION,
        answers_sealed=world.keys.seal_json(ANSWERS, _answers(profile, today.isoformat())),
        reported_by=reported_by,
        submitted_at=work.now,
    )
    said = Statements(home=profile.division, symptoms_day=today)
    reconcile(work, member, said, today=today, receipt=number)


def _answers(profile: Profile, today: str) -> dict[str, Any]:
    return {
        "name": profile.name,
        "certificate_kind": profile.certificate.kind.value,
        "certificate_number": profile.certificate.number,
        "phone": profile.phone,
        "division": profile.division,
        "address": profile.address,
        "stays": [],
        "journeys": [],
        "case_contact": "no",
        "case_contact_day": "",
        "symptoms": [],
        "symptoms_on": today,
    }


def take_codes(world: World, work: Work, member: Resident, *, held: Iterable[str], home: str | None) -> None:
    """Give a member without codes those that the guardian holds; who lives away from the guardian's `home` gets
    those of their own place instead.

    A re-score has to follow in the same unit of work.
    """
    if member.codes:
        return
    division = member.division or ""
    wanted = set(held)
    if division[:_COUNTY] != (home or "")[:_COUNTY]:
        nationwide = {scheme.id for scheme in world.schemes if not scheme.place}
        wanted = (wanted & nationwide) | {scheme.id for scheme in world.schemes.for_place(division)}
    for scheme in world.schemes:
        if scheme.id in wanted:
            hold(world, work, member, scheme.id)
