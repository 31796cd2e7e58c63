"""A declaration from its answers to its effects: the person, the facts, the codes, the colours, the identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bot.clock import DEFAULT_ZONE, resident_day
from bot.services import residents
from bot.services.codes import hold
from bot.services.declared_facts import Statements, reconcile
from bot.services.identities import Outcome, verify
from bot.services.rescore import Change, rescore
from bot.services.residents import Profile
from bot.services.world import World
from bot.store.database import Database
from bot.store.ids import new_id, receipt
from bot.store.snapshot import Account, Resident
from bot.store.work import Work

FORM_VERSION = "2020-02"
"""Which questions were asked; changes with their meaning."""

ANSWERS = "declarations.answers"
_WHOLE_COUNTY = 6
_SHORTEST_NAME = 2


@dataclass(frozen=True, slots=True)
class Declared:
    """Everything that one declaration says. `answers` are what was filled in, to be sealed as they are.

    `corrected_day`: the day of the earlier declaration that is only corrected; None for a new one.
    """

    profile: Profile
    statements: Statements
    schemes: tuple[str, ...]
    answers: Mapping[str, Any]
    corrected_day: date | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last declaration of a resident."""

    revision: int
    answers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a declaration."""

    receipt: str
    revision: int
    resident: Resident
    changes: tuple[Change, ...]
    identity: Outcome


async def latest(world: World, database: Database, resident_id: int) -> Earlier | None:
    """The last declaration, opened; None if there is none."""
    rows = await database.fetch(
        "SELECT revision, answers_sealed FROM declarations WHERE resident_id = ?"
        " ORDER BY revision DESC LIMIT 1",
        [resident_id],
    )
    return Earlier(rows[0][0], world.keys.open_json(ANSWERS, rows[0][1])) if rows else None


async def submit(
    world: World,
    work: Work,
    database: Database,
    *,
    account: Account,
    resident: Resident | None,
    declared: Declared,
) -> Submitted:
    """Write the declaration and everything that follows from it; a first one makes the resident.

    Verification is tried at once; the colours are scored once, after it.
    """
    today = resident_day(work.now, resident.zone if resident else DEFAULT_ZONE)
    profile = await with_community(database, declared.profile)
    number, revision = receipt("D", today), 1
    if resident is None:
        resident = residents.create(work, world.keys, account, profile)
    else:
        earlier = await latest(world, database, resident.resident_id)
        revision = earlier.revision + 1 if earlier else 1
        known = await residents.stored_claim(database, world.keys, resident.resident_id)
        residents.amend(work, world.keys, resident, profile, known=known)
    _write(world, work, resident, account, declared, number, revision)
    reconcile(
        work,
        resident,
        replace(declared.statements, home=profile.division),
        today=today,
        receipt=number,
        corrected_day=declared.corrected_day,
    )
    for scheme_id in declared.schemes:
        hold(world, work, resident, scheme_id)
    identity = await verify(world, work, database, resident, claim=residents.claim_of(profile))
    changes = rescore(world, work, resident, cause="declared")
    return Submitted(number, revision, resident, changes, identity)


def _write(
    world: World,
    work: Work,
    resident: Resident,
    account: Account,
    declared: Declared,
    number: str,
    revision: int,
) -> None:
    work.insert(
        "declarations",
        id=new_id(),
        resident_id=resident.resident_id,
        revision=revision,
        receipt=number,
        form_version=FORM_VERSION,
        answers_sealed=world.keys.seal_json(ANSWERS, dict(declared.answers)),
        reported_by=account.id,
        submitted_at=work.now,
    )


async def with_community(database: Database, profile: Profile) -> Profile:
    """The profile with the code of the registered community that its address names, if it names exactly one."""
    county = profile.division[:_WHOLE_COUNTY]
    if len(county) < _WHOLE_COUNTY:
        return profile
    rows = await database.fetch("SELECT code, name FROM communities WHERE code LIKE ?", [f"{county}%"])
    code = _named_community(profile.address, [(row[0], row[1]) for row in rows])
    return replace(profile, division=code) if code else profile


def _named_community(address: str, communities: Sequence[tuple[str, str]]) -> str | None:
    """The one community whose name stands in the address; of a longer and a shorter one within it the longer."""
    found = [(name, code) for code, name in communities if len(name) >= _SHORTEST_NAME and name in address]
    longest = [code for name, code in found if not any(name != other and name in other for other, _ in found)]
    return longest[0] if len(set(longest)) == 1 else None
