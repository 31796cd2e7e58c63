"""Tells people of colours that changed: at once where one got worse, after ten minutes otherwise, and in one
message whatever has changed since the last that was sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import structlog

from bot.core.model import SEVERITY, Colour, State
from bot.errors import Unsealable
from bot.notices.outbox import CONTEXT, notify
from bot.services.rescore import Change
from bot.services.world import World
from bot.store.database import Database
from bot.store.sealing import KeyRing
from bot.store.work import Work

_log = structlog.get_logger("notices")

KIND = "colour_changed"
SETTLES = timedelta(minutes=10)  # a correction is often followed by the next one


@dataclass(frozen=True, slots=True)
class Unsent:
    """A notice of colour changes of one resident to one person that is still queued."""

    id: int
    resident_id: int
    person_id: int
    attempts: int
    changes: tuple[Change, ...]


async def persons_of(database: Database, resident_ids: Collection[int]) -> dict[int, list[int]]:
    """The persons who speak for each of these residents; one with several accounts is one."""
    return {each: list(persons) for each, persons in (await speakers_of(database, resident_ids)).items()}


async def speakers_of(database: Database, resident_ids: Collection[int]) -> dict[int, dict[int, bool]]:
    """The same persons, each with whether the resident is that very person and not a member of theirs."""
    rows = await database.fetch(
        "SELECT l.resident_id, a.person_id, MAX(CASE WHEN l.relation = 'self' THEN 1 ELSE 0 END)"  # noqa: S608 - our own names
        " FROM account_residents l JOIN accounts a ON a.id = l.account_id"
        f" WHERE {database.among('l.resident_id')} GROUP BY l.resident_id, a.person_id ORDER BY 1, 2",
        [database.listed(resident_ids)],
    )
    found: dict[int, dict[int, bool]] = {}
    for resident_id, person_id, own in rows:
        found.setdefault(resident_id, {})[person_id] = bool(own)
    return found


def guardians_in(speakers: Mapping[int, bool] | None) -> list[int]:
    """Those of the persons whose member the resident is."""
    return [person_id for person_id, own in (speakers or {}).items() if not own]


async def unsent_of(
    database: Database, keys: KeyRing, resident_ids: Collection[int]
) -> dict[int, list[Unsent]]:
    """The notices of earlier changes of these residents that have not been sent yet, the oldest first."""
    rows = await database.fetch(
        "SELECT id, resident_id, person_id, attempts, params_sealed FROM notices"  # noqa: S608 - our own names
        f" WHERE {database.among('resident_id')} AND kind = ? AND state = 'queued' ORDER BY created_at, id",
        [database.listed(resident_ids), KIND],
    )
    found: dict[int, list[Unsent]] = {}
    for notice_id, resident_id, person_id, attempts, sealed in rows:
        try:
            changes = tuple(Change(*each) for each in changes_in(keys.open_json(CONTEXT, sealed)))
        except (
            Unsealable,
            KeyError,
            TypeError,
        ) as error:  # it can't be sent either, and mustn't stop a re-score
            _log.warning(
                "notice unreadable", action="notice_read_fail", notice=notice_id, error=type(error).__name__
            )
            continue
        found.setdefault(resident_id, []).append(Unsent(notice_id, resident_id, person_id, attempts, changes))
    return found


def changes_in(params: dict[str, Any]) -> list[list[str]]:
    """What a notice of this kind tells: scheme, old colour and state, new colour and state of every change.

    A notice that was queued by an earlier version tells of one code, without states.
    """
    if "changes" in params:
        listed: list[list[str]] = params["changes"]
        return listed
    return [[params["scheme"], params["old"], "decided", params["new"], "decided"]]


def notify_changes(
    world: World,
    work: Work,
    *,
    resident_id: int,
    changes: Sequence[Change],
    person_ids: Iterable[int],
    guardians: Collection[int] = (),
    unsent: Sequence[Unsent] = (),
    told_otherwise: Collection[str] = (),
    acting: int | None = None,
) -> None:
    """Queue one notice of all codes that changed to each person, in the place of those not sent yet, whose
    changes it tells too. A code's first colour is not a change, nor is one that is back where it was. `guardians` are
    those of the persons whose member the resident is: they mustn't take the colour for their own.

    `told_otherwise`: codes that are pending now, whose question is a notice of its own. `acting` is the person who
    reads these changes in an answer: what they have not been told of other codes still waits for them.
    """
    fresh = [change for change in changes if change.old_colour is not None]
    if not fresh:
        return
    answered = {change.scheme for change in fresh}
    persons = set(person_ids) - {acting}
    for notice in unsent:
        if notice.person_id not in persons and notice.person_id != acting:
            _replace(work, notice)  # to somebody who doesn't speak for the resident any more
    for person_id in sorted(persons | ({acting} if acting is not None else set())):
        waiting = [each for each in unsent if each.person_id == person_id]
        if person_id == acting:
            waiting = [each for each in waiting if answered & {one.scheme for one in each.changes}]
        for notice in waiting:
            _replace(work, notice)
        earlier = [one for each in waiting for one in each.changes]
        news = (
            [one for one in earlier if one.scheme not in answered]
            if person_id == acting
            else [*earlier, *fresh]
        )
        told = [
            change
            for change in _net(news)
            if not (change.scheme in told_otherwise and change.new_state == State.PENDING)
        ]
        if told:
            _tell(world, work, resident_id, person_id, told, member=person_id in guardians)


def is_worse(change: Change) -> bool:
    """Whether the colour got worse. Grey is outside of the order, but from it red and yellow are bad news."""
    old = SEVERITY.get(Colour(change.old_colour), 0) if change.old_colour else 0
    return SEVERITY.get(Colour(change.new_colour), 0) > old


def _net(changes: Sequence[Change]) -> list[Change]:
    """From the first to the last of every code, the worst first."""
    net: dict[str, Change] = {}
    for change in changes:
        first = net.get(change.scheme, change)
        net[change.scheme] = replace(change, old_colour=first.old_colour, old_state=first.old_state)
    moved = [
        change
        for change in net.values()
        if (change.old_colour, change.old_state) != (change.new_colour, change.new_state)
    ]
    return sorted(moved, key=lambda change: -SEVERITY.get(Colour(change.new_colour), 0))


def _replace(work: Work, notice: Unsent) -> None:
    """Only where nobody has begun to send it since: whoever does so counts an attempt first, and then all of
    this is worked out anew."""
    work.expect("notices", notice.id, notice.attempts)
    work.update(
        "notices",
        {"resident_id": notice.resident_id, "id": notice.id},
        state="replaced",
        attempts=notice.attempts + 1,
    )


def _tell(
    world: World,
    work: Work,
    resident_id: int,
    person_id: int,
    changes: Sequence[Change],
    *,
    member: bool,
) -> None:
    urgent = any(is_worse(change) for change in changes)
    listed = [
        [each.scheme, each.old_colour, each.old_state, each.new_colour, each.new_state] for each in changes
    ]
    digest = blake2b(repr(listed).encode(), digest_size=8).hexdigest()
    notify(
        work,
        world.keys,
        resident_id=resident_id,
        person_id=person_id,
        kind=KIND,
        params={"changes": listed} | ({"member": True} if member else {}),
        dedup_key=f"colour:{int(work.now.timestamp() * 1_000_000)}:{digest}",
        not_before=work.now if urgent else work.now + SETTLES,
        urgent=urgent,
    )
