"""One guardianship from asked to ended: what it changes, what is held while it does, and who is told.

The residents of both sides move on by one, so that two acts on the same people never pass each other unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.notices.outbox import notify
from bot.services.access import note_view
from bot.services.guardians import ACTIVE, ASKED, ENDED, Speaker, speakers_of
from bot.services.joining import hold
from bot.services.world import World
from bot.store.database import Database, Row, instant, instant_or_none
from bot.store.ids import new_id
from bot.store.work import Work

ASKED_KIND, CHANGED_KIND = "binding_asked", "binding_changed"
FOLLOW_UP = "binding"
_BOND = (
    "SELECT g.id, g.resident_id, g.guardian_id, g.state, g.waits_for, g.confirmed_by, g.since, g.expires_at,"
    " m.input_version, g2.input_version, g2.identity, m.identity FROM guardianships g"
    " JOIN residents m ON m.resident_id = g.resident_id JOIN residents g2 ON g2.resident_id = g.guardian_id"
)
# one statement, so that the edges and the versions are of one moment
_ABOVE = (
    "WITH RECURSIVE above(resident_id) AS ("
    " SELECT guardian_id FROM guardianships WHERE resident_id = ? AND state = 'active'"
    " UNION SELECT g.guardian_id FROM guardianships g JOIN above b ON g.resident_id = b.resident_id"
    " WHERE g.state = 'active')"
    " SELECT r.resident_id, r.input_version FROM above b JOIN residents r ON r.resident_id = b.resident_id"
)


@dataclass(frozen=True, slots=True)
class Bond:
    """One guardianship with the versions of both sides as they were read."""

    id: int
    resident_id: int
    guardian_id: int
    state: str
    waits_for: str
    confirmed_by: str
    since: datetime
    expires_at: datetime | None
    member_version: int
    guardian_version: int
    guardian_identity: str
    member_identity: str

    def is_open(self, now: datetime) -> bool:
        """Whether an answer still counts."""
        return self.state == ASKED and (self.expires_at is None or self.expires_at > now)

    @property
    def key(self) -> dict[str, int]:
        return {"resident_id": self.resident_id, "id": self.id}


async def bond_of_member(database: Database, member_id: int, bond_id: int) -> Bond | None:
    """That guardianship, if it is one of this member."""
    return _one(await database.fetch(f"{_BOND} WHERE g.resident_id = ? AND g.id = ?", [member_id, bond_id]))


async def bond_of_guardian(database: Database, guardian_id: int, bond_id: int) -> Bond | None:
    """That guardianship, if it is one of this guardian."""
    return _one(await database.fetch(f"{_BOND} WHERE g.guardian_id = ? AND g.id = ?", [guardian_id, bond_id]))


async def bond_by_id(database: Database, bond_id: int) -> Bond | None:
    """That guardianship, whoever's it is."""
    return _one(await database.fetch(f"{_BOND} WHERE g.id = ?", [bond_id]))


async def bonds_that_end(database: Database, at: datetime) -> list[Bond]:
    """Those whose time is over at that instant: unanswered, or a child of age."""
    rows = await database.fetch(
        f"{_BOND} WHERE g.state IN ('asked', 'active') AND g.expires_at <= ? ORDER BY g.expires_at, g.id",
        [at],
    )
    return [_bond(row) for row in rows]


async def bonds_that_wait(database: Database) -> list[Bond]:
    """Those that wait for a worker, the oldest first."""
    rows = await database.fetch(
        f"{_BOND} WHERE g.state = 'asked' AND g.waits_for = 'worker' ORDER BY g.since, g.id"
    )
    return [_bond(row) for row in rows]


async def circles(work: Work, database: Database, guardian_id: int, member_id: int) -> bool:
    """Whether the member reports for the guardian, directly or through others.

    Everybody who was looked at is expected to stay as read: of two bonds that close one circle together, the
    second conflicts and is looked at again.
    """
    above = {row[0]: row[1] for row in await database.fetch(_ABOVE, [guardian_id])}
    for resident_id, version in above.items():
        if ("residents", resident_id) not in work.expected:
            work.expect("residents", resident_id, version)
    return member_id in above or guardian_id in above


async def activate(
    work: Work, database: Database, bond: Bond, *, by: str, ends_at: datetime | None = None
) -> None:
    """From here on every account of the guardian's speaks for the member; a child's ends at `ends_at`."""
    hold_both(work, bond)
    work.update(
        "guardianships",
        bond.key,
        state=ACTIVE,
        waits_for="",
        confirmed_by=by,
        since=work.now,
        expires_at=ends_at,
        ended_at=None,
        ended_by="",
    )
    speak(work, await speakers_of(database, bond.guardian_id), bond.resident_id)


def speak(work: Work, speakers: Sequence[Speaker], member_id: int) -> None:
    """These accounts speak for the member."""
    for each in speakers:
        work.insert_once(
            "account_residents",
            id=new_id(),
            account_id=each.account_id,
            resident_id=member_id,
            relation="guardian",
            since=work.now,
        )


async def end(work: Work, database: Database, bond: Bond, *, by: str, state: str = ENDED) -> None:
    """Nobody speaks for the member through this any more; what was reported stays the member's."""
    hold_both(work, bond)
    work.update(
        "guardianships",
        bond.key,
        state=state,
        waits_for="",
        ended_at=work.now,
        ended_by=by,
        expires_at=None,
    )
    if bond.state != ACTIVE:
        await close_follow_ups(work, database, bond, why=by if by == "worker" else "ended")
        return
    rows = await database.fetch(
        "SELECT l.account_id FROM account_residents l JOIN account_residents o ON o.account_id = l.account_id"
        " WHERE l.resident_id = ? AND l.relation = 'guardian' AND o.resident_id = ? AND o.relation = 'self'",
        [bond.resident_id, bond.guardian_id],
    )
    for (account_id,) in rows:
        key = {"resident_id": bond.resident_id, "account_id": account_id, "relation": "guardian"}
        work.delete("account_residents", key)


async def close_follow_ups(work: Work, database: Database, bond: Bond, *, why: str) -> None:
    """The community needn't look any more, unless another guardian waits for the same member."""
    rows = await database.fetch(
        "SELECT id FROM follow_ups WHERE resident_id = ? AND reason = ? AND state = 'open' AND NOT EXISTS"
        " (SELECT 1 FROM guardianships g WHERE g.resident_id = follow_ups.resident_id AND g.id <> ?"
        " AND g.state = 'asked' AND g.waits_for = 'worker')",
        [bond.resident_id, FOLLOW_UP, bond.id],
    )
    for (follow_up_id,) in rows:
        key = {"resident_id": bond.resident_id, "id": follow_up_id}
        work.update("follow_ups", key, state="closed", closed_at=work.now, closed_why=why)


def hold_both(work: Work, bond: Bond) -> None:
    """Neither side may have moved on since it was read. Whoever is re-scored in the same work is held already."""
    for resident_id, version in (
        (bond.guardian_id, bond.guardian_version),
        (bond.resident_id, bond.member_version),
    ):
        if resident_id not in work.fresh and resident_id not in work.touched:
            hold(work, resident_id, version)


async def tell(world: World, work: Work, database: Database, bond: Bond, *, what: str, member: bool) -> None:
    """Tell one side, member or guardian, what became of it; whoever has no account isn't told."""
    resident_id = bond.resident_id if member else bond.guardian_id
    speakers = await speakers_of(database, resident_id)
    for person_id in dict.fromkeys(each.person_id for each in speakers):
        notify(
            work,
            world.keys,
            resident_id=resident_id,
            person_id=person_id,
            kind=CHANGED_KIND,
            params={"what": what},
            dedup_key=f"binding:{bond.id}:{what}:{work.now.isoformat()}",
        )


def log(
    work: Work, resident_id: int, actor_id: int | None, action: str, *, actor: str = "guardian", why: str = ""
) -> None:
    """Whoever the data are about can read what was done; a guardian's `actor_id` is that of the account."""
    note_view(work, resident_id, actor=actor, actor_id=actor_id, action=action, why=why)


def _one(rows: Sequence[Row]) -> Bond | None:
    return _bond(rows[0]) if rows else None


def _bond(row: Row) -> Bond:
    id_, member_id, guardian_id, state, waits_for, by, since, expires_at, *versions = row
    return Bond(
        id_,
        member_id,
        guardian_id,
        state,
        waits_for,
        by,
        instant(since),
        instant_or_none(expires_at),
        *versions,
    )
