"""The workers in whose scope a place lies: who may act there, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.errors import Refused
from bot.notices.outbox import notify
from bot.services.policy import NONE
from bot.services.world import World
from bot.store.database import Database
from bot.store.work import Work

KIND = "follow_up"
_LENGTHS = (2, 4, 6, 9, 12)
_KEPT = timedelta(days=1)  # a worker's list says it all; an older hint that it has grown is of no use
_OWN = (
    "(SELECT y.resident_id FROM accounts b JOIN account_residents y ON y.account_id = b.id AND y.relation = 'self'"
    " WHERE b.person_id = a.person_id ORDER BY y.since, y.id LIMIT 1)"
)


@dataclass(frozen=True, slots=True)
class ActingWorker:
    """One who may act now: accepted and not revoked; `scope` is the division whose residents they look after."""

    id: int
    role: str
    scope: str

    def covers(self, division: str | None) -> bool:
        """Whether that place lies in the scope; nobody's place lies in nobody's."""
        return bool(division) and str(division).startswith(self.scope)


async def acting_worker(database: Database, worker_id: int) -> ActingWorker:
    """The worker of that id; Refused for anybody who isn't one (yet, or any more)."""
    rows = await database.fetch(
        "SELECT id, role, scope FROM workers WHERE id = ? AND accepted_at IS NOT NULL AND revoked_at IS NULL",
        [worker_id],
    )
    if not rows:
        raise Refused(f"no worker {worker_id} who may act")
    return ActingWorker(*rows[0])


async def tell_workers(
    world: World, work: Work, database: Database, division: str | None, *, reason: str
) -> None:
    """Tell whoever looks after that division that somebody needs it; the notice says neither who nor where.

    Each is told at most once an hour of one reason, if they agreed to the service and hear of anything there. It is
    kept under the worker's own resident.
    """
    if not division or world.policies.of(division).workers_hear_of == NONE:
        return
    scopes = [division[:length] for length in _LENGTHS if length <= len(division)]
    rows = await database.fetch(
        f"SELECT DISTINCT a.person_id, {_OWN} FROM workers w JOIN accounts a ON a.id = w.account_id"  # noqa: S608 - our own names
        f" WHERE {database.among('w.scope', 'text')} AND w.accepted_at IS NOT NULL AND w.revoked_at IS NULL"
        " AND a.consent = 'given'",
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
