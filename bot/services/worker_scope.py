"""The workers in whose scope a place lies: who may act there, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bot.notices.outbox import notify
from bot.services.world import World
from bot.store.database import Database
from bot.store.work import Work

KIND = "follow_up"
_LENGTHS = (2, 4, 6, 9, 12)


@dataclass(frozen=True, slots=True)
class ActingWorker:
    """One who may act now: accepted and not revoked."""

    id: int
    role: str
    scope: str

    def covers(self, division: str | None) -> bool:
        """Whether that place lies in the scope; nobody's place lies in nobody's."""
        return bool(division) and str(division).startswith(self.scope)


async def acting_worker(database: Database, worker_id: int) -> ActingWorker | None:
    """That worker, if they may act."""
    rows = await database.fetch(
        "SELECT id, role, scope FROM workers WHERE id = ? AND accepted_at IS NOT NULL AND revoked_at IS NULL",
        [worker_id],
    )
    return ActingWorker(*rows[0]) if rows else None


async def tell_workers(
    world: World, work: Work, database: Database, division: str | None, *, reason: str, day: date
) -> None:
    """Tell the workers in scope that somebody needs looking after: each once a day and reason, if they hear of
    anything there."""
    if not division or world.policies.of(division).workers_hear_of == "none":
        return
    scopes = [division[:length] for length in _LENGTHS if length <= len(division)]
    rows = await database.fetch(
        "SELECT DISTINCT a.person_id FROM workers w JOIN accounts a ON a.id = w.account_id"  # noqa: S608 - names of our own
        f" WHERE {database.among('w.scope', 'text')} AND w.accepted_at IS NOT NULL AND w.revoked_at IS NULL"
        " AND a.consent = 'given'",
        [database.listed(scopes)],
    )
    for (person_id,) in rows:
        notify(
            work,
            world.keys,
            resident_id=0,
            person_id=person_id,
            kind=KIND,
            params={"reason": reason},
            dedup_key=f"follow_up:{reason}:{day.isoformat()}",
        )
