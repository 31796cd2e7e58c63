"""Deletes one person's data in one transaction, by the table of what remains; a kill leaves all of it or nothing.

The accounts themselves go a little later: until the last notice is out, or a day is over, they are strangers' accounts,
without consent, with nothing but the platform's id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from bot.clock import DEFAULT_ZONE, resident_day
from bot.errors import Conflict
from bot.notices.outbox import notify
from bot.services.deletion import KIND, Request, tell
from bot.services.retention import DELETE, KEEP, Kept, Retention
from bot.services.worker_scope import tell_workers
from bot.services.world import World
from bot.store import models
from bot.store.database import Database, Session, instant
from bot.store.ids import new_id
from bot.store.work import Work
from bot.store.writer import grouped

_TOLD_WITHIN = timedelta(days=1)
_RESIDENT, _ACCOUNT, _PERSON = "resident", "account", "person"
_BY_RESIDENT = (("resident_id", _RESIDENT),)
_BY_ACCOUNT = (("account_id", _ACCOUNT),)

HOLDERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "residents": _BY_RESIDENT,
    "account_residents": (*_BY_RESIDENT, *_BY_ACCOUNT),
    "guardianships": (*_BY_RESIDENT, ("guardian_id", _RESIDENT)),
    "identity_checks": _BY_RESIDENT,
    "link_requests": (*_BY_RESIDENT, *_BY_ACCOUNT, ("person_id", _PERSON)),
    "data_links": (*_BY_RESIDENT, ("person_id", _PERSON)),
    "declarations": _BY_RESIDENT,
    "punch_ins": _BY_RESIDENT,
    "punch_in_log": _BY_RESIDENT,
    "facts": _BY_RESIDENT,
    "health_codes": _BY_RESIDENT,
    "colour_changes": _BY_RESIDENT,
    "rescore_queue": _BY_RESIDENT,
    "follow_ups": _BY_RESIDENT,
    "contact_attempts": _BY_RESIDENT,
    "notices": (*_BY_RESIDENT, ("person_id", _PERSON)),
    "access_log": _BY_RESIDENT,
    "deletion_requests": (*_BY_RESIDENT, ("person_id", _PERSON)),
    "sessions": _BY_ACCOUNT,
    "inbox": _BY_ACCOUNT,
    "dialogues": _BY_ACCOUNT,
    "workers": _BY_ACCOUNT,
    "subscriptions": _BY_ACCOUNT,
    "subscription_entries": _BY_ACCOUNT,
    "form_tokens": _BY_ACCOUNT,
    "accounts": (("id", _ACCOUNT),),
}
"""By which columns a person's rows are found; a table that isn't here holds nothing of a person."""

LATER = ("subscriptions", "subscription_entries", "form_tokens", "accounts")
"""What the last notice still needs."""
_HOUSEHOLDS = "households"  # found through their people


@dataclass(frozen=True, slots=True)
class Doomed:
    """Everything of one person, as it was read: residents with their versions, accounts, and persons they had."""

    versions: Mapping[int, int]
    account_ids: tuple[int, ...]
    person_ids: tuple[int, ...]
    zone: str
    members: Mapping[int, int]

    @property
    def resident_ids(self) -> tuple[int, ...]:
        return tuple(self.versions)


async def erase(
    world: World, database: Database, retention: Retention, *, request: Request, now: datetime
) -> None:
    """Carry the request out. Conflict if anything of it changed meanwhile, or it was taken back: nothing is done."""
    doomed = await _doomed(database, request)
    work = Work(now=now)
    await _look_after_members(world, work, database, doomed)
    await _tell_guardians(world, work, database, doomed)
    if doomed.account_ids:
        day = resident_day(now, doomed.zone)
        tell(world, work, request, what="done", day=day, expires_at=now + _TOLD_WITHIN)

    async def body(session: Session) -> None:
        for resident_id, version in sorted({**doomed.versions, **doomed.members}.items()):
            moved = await session.execute(
                "UPDATE residents SET input_version = input_version + 1"
                " WHERE resident_id = ? AND input_version = ?",
                [resident_id, version],
            )
            if moved != 1:
                raise Conflict
        claimed = await session.execute(
            "UPDATE deletion_requests SET state = 'done', ended_at = ?, person_id = ? WHERE resident_id = ?"
            " AND id = ? AND state = 'asked' AND due_at <= ?",
            [now, request.person_id if doomed.account_ids else 0, request.resident_id, request.id, now],
        )
        if claimed != 1:
            raise Conflict
        await _delete_rows(session, database, retention, doomed, now)
        for sql, rows in grouped(work.writes):
            await session.execute_many([(sql, rows)])

    await database.transaction(body)


async def unforgotten(database: Database, at: datetime) -> list[Request]:
    """Deletions that are done but for the accounts, whose last notice is out or too late."""
    rows = await database.fetch(
        "SELECT d.id, d.resident_id, d.person_id, d.asked_at, d.ended_at FROM deletion_requests d"
        " WHERE d.state = 'done' AND d.person_id <> 0 AND (d.ended_at <= ? OR NOT EXISTS (SELECT 1 FROM notices n"
        " WHERE n.person_id = d.person_id AND n.kind = 'deletion' AND n.state IN ('queued', 'sending')))"
        " ORDER BY d.ended_at, d.id",
        [at - _TOLD_WITHIN],
    )
    return [Request(row[0], row[1], row[2], instant(row[3]), instant(row[4])) for row in rows]


async def forget_accounts(database: Database, request: Request) -> None:
    """Take the accounts away, but not one that has begun anew since, and with them what led to the person."""

    async def body(session: Session) -> None:
        await session.execute(
            "UPDATE deletion_requests SET person_id = 0 WHERE resident_id = ? AND id = ? AND state = 'done'",
            [request.resident_id, request.id],
        )
        await session.execute(
            "DELETE FROM notices WHERE person_id = ? AND kind = ?", [request.person_id, KIND]
        )
        rows = await session.fetch(
            "SELECT id FROM accounts WHERE person_id = ? AND consent = 'none'", [request.person_id]
        )
        listed = database.listed(row[0] for row in rows)
        for table in (name for name in HOLDERS if name in (*LATER, "inbox", "dialogues", "sessions")):
            column = "id" if table == "accounts" else "account_id"
            await session.execute(f"DELETE FROM {table} WHERE {database.among(column)}", [listed])  # noqa: S608

    await database.transaction(body)


# -- whose ---------------------------------------------------------------------------------------------------


async def _doomed(database: Database, request: Request) -> Doomed:
    """Who asked may have joined accounts since: all that speak for the resident as for oneself are one person."""
    persons = await database.fetch(
        "SELECT a.person_id FROM account_residents l JOIN accounts a ON a.id = l.account_id"
        " WHERE l.resident_id = ? AND l.relation = 'self'",
        [request.resident_id],
    )
    person_ids = tuple(sorted({request.person_id, *(row[0] for row in persons)}))
    accounts = await database.fetch(
        f"SELECT id FROM accounts WHERE {database.among('person_id')} ORDER BY id",  # noqa: S608 - our own names
        [database.listed(person_ids)],
    )
    account_ids = tuple(row[0] for row in accounts)
    own = await database.fetch(
        f"SELECT resident_id FROM account_residents WHERE {database.among('account_id')} AND relation = 'self'",  # noqa: S608
        [database.listed(account_ids)],
    )
    resident_ids = sorted({request.resident_id, *(row[0] for row in own)} - {0})
    residents = await database.fetch(
        f"SELECT resident_id, input_version, zone FROM residents WHERE {database.among('resident_id')}",  # noqa: S608
        [database.listed(resident_ids)],
    )
    members = await database.fetch(
        "SELECT DISTINCT r.resident_id, r.input_version FROM guardianships g"  # noqa: S608
        " JOIN residents r ON r.resident_id = g.resident_id"
        f" WHERE {database.among('g.guardian_id')} AND g.state = 'active' AND r.erased_at IS NULL",
        [database.listed(resident_ids)],
    )
    versions = {row[0]: row[1] for row in residents}
    return Doomed(
        versions=versions,
        account_ids=account_ids,
        person_ids=person_ids,
        zone=residents[0][2] if residents else DEFAULT_ZONE,
        members={row[0]: row[1] for row in members if row[0] not in versions},
    )


# -- those who stay ------------------------------------------------------------------------------------------


async def _look_after_members(world: World, work: Work, database: Database, doomed: Doomed) -> None:
    """For whom nobody else reports, and who doesn't by themselves, the community is asked to look."""
    own, members = database.listed(doomed.resident_ids), database.listed(doomed.members)
    rows = await database.fetch(
        "SELECT r.resident_id, r.division, r.zone FROM residents r"  # noqa: S608 - our own names
        f" WHERE {database.among('r.resident_id')} AND NOT EXISTS (SELECT 1 FROM account_residents l"
        " JOIN accounts a ON a.id = l.account_id WHERE l.resident_id = r.resident_id AND a.consent = 'given'"
        f" AND NOT {database.among('l.account_id')}) ORDER BY r.resident_id",
        [members, database.listed(doomed.account_ids)],
    )
    for resident_id, division, zone_name in rows:
        day = resident_day(work.now, zone_name)
        work.insert_once(
            "follow_ups",
            id=new_id(),
            resident_id=resident_id,
            reason="binding",
            day=day,
            last_day=day,
            state="open",
            division=division,
            detail="guardian_deleted",
            opened_at=work.now,
        )
        await tell_workers(world, work, database, division, reason="binding")
    others = await database.fetch(
        "SELECT DISTINCT a.person_id, l.resident_id FROM account_residents l JOIN accounts a ON a.id = l.account_id"  # noqa: S608
        f" WHERE {database.among('l.resident_id')} AND l.relation = 'self' AND EXISTS (SELECT 1 FROM guardianships g"
        f" WHERE g.resident_id = l.resident_id AND {database.among('g.guardian_id')} AND g.state = 'active')",
        [members, own],
    )
    _tell_released(world, work, others)


async def _tell_guardians(world: World, work: Work, database: Database, doomed: Doomed) -> None:
    """Whoever reported for the person doesn't any more."""
    rows = await database.fetch(
        "SELECT DISTINCT a.person_id, l.resident_id FROM account_residents l JOIN accounts a ON a.id = l.account_id"  # noqa: S608
        f" WHERE {database.among('l.resident_id')} AND l.relation = 'guardian' AND NOT {database.among('a.id')}",
        [database.listed(doomed.resident_ids), database.listed(doomed.account_ids)],
    )
    _tell_released(world, work, rows)


def _tell_released(world: World, work: Work, rows: Sequence[Sequence[int]]) -> None:
    for person_id, _ in rows:
        notify(
            work,
            world.keys,
            resident_id=0,
            person_id=person_id,
            kind="binding_changed",
            params={"what": "released"},
            dedup_key=f"released:{new_id()}",
        )


# -- rows ----------------------------------------------------------------------------------------------------


async def _delete_rows(
    session: Session, database: Database, retention: Retention, doomed: Doomed, now: datetime
) -> None:
    await _delete_households(session, database, doomed)
    for kept in retention:
        if kept.table not in HOLDERS or kept.table in LATER or kept.on_deletion == KEEP:
            continue
        found, keys = _found_by(database, kept.table, doomed)
        if kept.on_deletion == DELETE:
            await session.execute(f"DELETE FROM {kept.table} WHERE {found}", keys)  # noqa: S608 - our own names
        else:
            sets, values = _stripped(kept, now)
            await session.execute(f"UPDATE {kept.table} SET {sets} WHERE {found}", [*values, *keys])  # noqa: S608
    await session.execute(
        "UPDATE accounts SET consent = 'none', consent_at = NULL, consent_version = ''"  # noqa: S608
        f" WHERE {database.among('id')}",
        [database.listed(doomed.account_ids)],
    )


async def _delete_households(session: Session, database: Database, doomed: Doomed) -> None:
    """Those in which nobody else lives."""
    among = database.among
    await session.execute(
        "DELETE FROM households WHERE id IN (SELECT r.household_id FROM residents r"  # noqa: S608 - our own names
        f" WHERE {among('r.resident_id')}) AND NOT EXISTS (SELECT 1 FROM residents o"
        f" WHERE o.household_id = households.id AND NOT {among('o.resident_id')})",
        [database.listed(doomed.resident_ids)] * 2,
    )


def _found_by(database: Database, table: str, doomed: Doomed) -> tuple[str, list[Any]]:
    held = {
        _RESIDENT: doomed.resident_ids,
        _ACCOUNT: doomed.account_ids,
        _PERSON: doomed.person_ids,
    }
    ways = HOLDERS[table]
    found = " OR ".join(database.among(column) for column, _ in ways)
    return found, [database.listed(held[kind]) for _, kind in ways]


def _stripped(kept: Kept, now: datetime) -> tuple[str, list[Any]]:
    """Every column that may not remain as it is in a new row, and the mark that it was done."""
    emptied = {column: value for column, value in _empty(kept.table).items() if column not in kept.columns}
    sets = [f"{column} = ?" for column in emptied]
    mark = {"residents": "erased_at", "workers": "revoked_at"}.get(kept.table)
    if mark is not None:
        sets.append(f"{mark} = COALESCE({mark}, ?)")
    return ", ".join(sets), [*emptied.values(), *([now] if mark is not None else [])]


@cache
def _empty(table: str) -> Mapping[str, Any]:
    """What each column holds where nothing was said."""
    meta = next(
        meta for meta in (getattr(models, name)._meta for name in models.__all__) if meta.db_table == table
    )
    return {
        column: None if field.null else field.db_default
        for column, field in meta.fields_map.items()
        if not field.pk and (field.null or field.has_db_default())
    }
