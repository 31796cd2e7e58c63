"""A resident and the risk levels as they were known at an earlier instant, for whoever explains an old colour.

What the rows no longer tell stays as it is now: the home division, and the codes that were let go of since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from bot.core.model import Identity, RiskMap
from bot.services.punch_ins import Report
from bot.services.residents import tell_age
from bot.services.risk import risk_map
from bot.services.world import World
from bot.store.database import Database, Row, day, instant_or_none
from bot.store.loader import Loader
from bot.store.snapshot import FACT_COLUMNS, PunchIn, Resident, fact_from

_FACTS = (
    f"SELECT {FACT_COLUMNS} FROM facts WHERE resident_id = ? AND known_at <= ?"  # noqa: S608 - our own names
    " AND (withdrawn_at IS NULL OR withdrawn_at > ?) ORDER BY id"
)
_SAVED = (
    "SELECT punch_in_id, day, revision, temperature_tenths, symptoms FROM punch_in_log"
    " WHERE resident_id = ? AND at <= ? ORDER BY sequence"
)
_LEVELS = (
    "SELECT division, from_day, to_day, level, known_at FROM risk_levels WHERE known_at <= ?"
    " AND (withdrawn_at IS NULL OR withdrawn_at > ?)"
)


async def resident_now(world: World, loader: Loader, resident_id: int, now: datetime) -> Resident | None:
    """The resident as everything else sees them; None if there is none."""
    found = await loader.residents([resident_id], now)
    if not found:
        return None
    tell_age(world.keys, found[0], now)
    return found[0]


async def resident_then(world: World, database: Database, resident: Resident, at: datetime) -> Resident:
    """The same resident with what was known at that instant, and the codes that were held then."""
    resident_id = resident.resident_id
    facts = [fact_from(row) for row in await database.fetch(_FACTS, [resident_id, at, at])]
    days = _days(await database.fetch(_SAVED, [resident_id, at]))
    declared_at = await _declared_at(database, resident_id, at)
    then = replace(
        resident,
        identity=await _identity(database, resident, declared_at, at),
        declared_at=declared_at,
        division=resident.division if declared_at is not None else None,
        # a withdrawal that was still to come was not known
        standing_facts=[replace(fact, withdrawn_at=None) for fact in facts],
        punch_ins=days,
        last_punch_in=max(days, default=None),
        codes={scheme: code for scheme, code in resident.codes.items() if code.held_since <= at},
    )
    tell_age(world.keys, then, at)
    return then


async def risk_then(database: Database, at: datetime) -> RiskMap:
    """Every risk level that was published and not withdrawn by then."""
    return risk_map(await database.fetch(_LEVELS, [at, at]))


def _days(rows: Sequence[Row]) -> dict[date, PunchIn]:
    """The last save of each day: a later row of the log amends an earlier one."""
    found: dict[date, PunchIn] = {}
    for row in rows:
        symptoms = tuple(row[4].split(",")) if row[4] else ()
        normal = Report(row[3], symptoms).normal
        found[day(row[1])] = PunchIn(row[0], day(row[1]), row[2], "", row[3], symptoms, False, normal)
    return found


async def _declared_at(database: Database, resident_id: int, at: datetime) -> datetime | None:
    rows = await database.fetch(
        "SELECT MAX(submitted_at) FROM declarations WHERE resident_id = ? AND submitted_at <= ?",
        [resident_id, at],
    )
    return instant_or_none(rows[0][0])


async def _identity(
    database: Database, resident: Resident, declared_at: datetime | None, at: datetime
) -> Identity:
    """Verified by then; who is only claimed now lost it with the last declaration."""
    if declared_at is None:
        return Identity.NONE
    lost = resident.identity is not Identity.VERIFIED and (
        resident.declared_at is None or at >= resident.declared_at
    )
    rows = await database.fetch(
        "SELECT 1 FROM identity_checks WHERE resident_id = ? AND outcome = 'verified' AND at <= ? LIMIT 1",
        [resident.resident_id, at],
    )
    return Identity.VERIFIED if rows and not lost else Identity.CLAIMED
