"""Tells people of a colour that changed: at once where it got worse, after ten minutes otherwise, and only the last
change of a code while nothing has been sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.model import SEVERITY, Colour, State
from bot.notices.outbox import notify
from bot.services.rescore import Change
from bot.services.world import World
from bot.store.database import Database
from bot.store.work import Work

KIND = "colour_changed"
SETTLES = timedelta(minutes=10)  # a correction is often followed by the next one


@dataclass(frozen=True, slots=True)
class Unsent:
    """A notice of a colour change that is still queued."""

    id: int
    resident_id: int
    scheme: str
    attempts: int


async def accounts_of(database: Database, resident_ids: Collection[int]) -> dict[int, list[int]]:
    """The accounts that speak for each of these residents."""
    rows = await database.fetch(
        "SELECT resident_id, account_id FROM account_residents"  # noqa: S608 - our own names
        f" WHERE {database.among('resident_id')} ORDER BY resident_id, account_id",
        [database.listed(resident_ids)],
    )
    found: dict[int, list[int]] = {}
    for resident_id, account_id in rows:
        found.setdefault(resident_id, []).append(account_id)
    return found


async def unsent_of(database: Database, resident_ids: Collection[int]) -> dict[int, list[Unsent]]:
    """The notices of earlier changes that these residents' accounts have not been sent yet."""
    rows = await database.fetch(
        "SELECT id, resident_id, dedup_key, attempts FROM notices"  # noqa: S608 - our own names
        f" WHERE {database.among('resident_id')} AND kind = ? AND state = 'queued'",
        [database.listed(resident_ids), KIND],
    )
    found: dict[int, list[Unsent]] = {}
    for notice_id, resident_id, dedup_key, attempts in rows:
        scheme = dedup_key.split(":")[2]  # <account>:colour:<scheme>:<instant>:<what>
        found.setdefault(resident_id, []).append(Unsent(notice_id, resident_id, scheme, attempts))
    return found


def notify_changes(
    world: World,
    work: Work,
    *,
    resident_id: int,
    changes: Sequence[Change],
    account_ids: Iterable[int],
    unsent: Sequence[Unsent] = (),
    told_otherwise: Collection[str] = (),
) -> None:
    """Queue a notice of each code that changed to each account, in the place of those not sent yet.

    A code's first colour is not a change; several changes in one unit of work are one, from the first to the last.
    `told_otherwise`: codes that are pending now, whose question is a notice of its own.
    """
    told = _net(changes)
    for notice in unsent:
        if notice.scheme in told:
            _replace(work, notice)
    for account_id in account_ids:
        for change in told.values():
            if change.scheme in told_otherwise and change.new_state == State.PENDING:
                continue
            if (change.old_colour, change.old_state) != (change.new_colour, change.new_state):
                _tell(world, work, resident_id, account_id, change)


def is_worse(change: Change) -> bool:
    """Whether the colour got worse. Grey is outside of the order, but from it red and yellow are bad news."""
    old = SEVERITY.get(Colour(change.old_colour), 0) if change.old_colour else 0
    return SEVERITY.get(Colour(change.new_colour), 0) > old


def _net(changes: Sequence[Change]) -> dict[str, Change]:
    net: dict[str, Change] = {}
    for change in changes:
        first = net.get(change.scheme, change)
        net[change.scheme] = replace(change, old_colour=first.old_colour, old_state=first.old_state)
    return {scheme: change for scheme, change in net.items() if change.old_colour is not None}


def _replace(work: Work, notice: Unsent) -> None:
    """Only where nobody has begun to send it: whoever does so counts an attempt first."""
    key = {"resident_id": notice.resident_id, "id": notice.id, "attempts": notice.attempts}
    work.update("notices", key, state="replaced")


def _tell(world: World, work: Work, resident_id: int, account_id: int, change: Change) -> None:
    urgent = is_worse(change)
    at = int(work.now.timestamp() * 1_000_000)
    notify(
        work,
        world.keys,
        resident_id=resident_id,
        account_id=account_id,
        kind=KIND,
        params={"scheme": change.scheme, "old": change.old_colour, "new": change.new_colour},
        dedup_key=f"colour:{change.scheme}:{at}:{change.new_colour}-{change.new_state}",
        not_before=work.now if urgent else work.now + SETTLES,
        urgent=urgent,
    )
