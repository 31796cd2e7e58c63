"""Everything that is stored about one resident, unsealed, for that resident alone; others appear masked or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from bot.services.my_data_sections import GROUPS, LEFT_OUT, SECTIONS, Section, Whose, told
from bot.store import models
from bot.store.database import Database, day, instant
from bot.store.sealing import KeyRing

FORMAT = "yima-my-data/1"
ORDER = (
    "person", "household", "identity_checks", "declarations", "punch_ins", "punch_in_saves", "facts", "codes",
    "colour_changes", "members", "guardians", "access", "follow_ups", "contact_attempts", "notices", "subscriptions",
    "subscription_entries", "forms", "accounts", "speaks_for", "links", "logins", "messages", "unfinished", "worker",
    "copies", "deletion_requests",
)  # fmt: skip
"""In which order a copy tells it."""
_SHOWN_LENGTH = 3
_OWN = (
    "SELECT DISTINCT l.resident_id FROM account_residents l JOIN accounts a ON a.id = l.account_id"
    " WHERE a.person_id = ? AND l.relation = 'self' ORDER BY l.resident_id"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """How much of one group is stored, and since when; `table` names the one whose retention is told."""

    group: str
    table: str
    count: int
    since: datetime | None


async def whose(database: Database, person_id: int) -> Whose:
    """The accounts and the resident of that person."""
    accounts = await database.fetch("SELECT id FROM accounts WHERE person_id = ? ORDER BY id", [person_id])
    own = await database.fetch(_OWN, [person_id])
    return Whose(person_id, tuple(row[0] for row in accounts), tuple(row[0] for row in own))


async def overview(database: Database, who: Whose) -> list[Stored]:
    """What is stored by group, in the order of the groups; those of which there is nothing are left out."""
    found = []
    for group in GROUPS:
        count, since = 0, None
        for section in (each for each in SECTIONS if each.group == group):
            first = f"MIN({section.since})" if section.since else "NULL"
            rows = await database.fetch(
                f"SELECT COUNT(*), {first} FROM {section.table} WHERE {_found_by(database, section)}",  # noqa: S608 - our own names
                _keys(database, section, who),
            )
            count += rows[0][0]
            began = None if rows[0][1] is None else instant(rows[0][1])
            since = min((each for each in (since, began) if each is not None), default=None)
        if count:
            table = next(each.table for each in SECTIONS if each.group == group)
            found.append(Stored(group, table, count, since))
    return found


async def collect(database: Database, keys: KeyRing, who: Whose, now: datetime) -> dict[str, Any]:
    """The whole copy as plain data: JSON holds it as it is, and the page is made from it."""
    found: dict[str, Any] = {}
    for section in (each for each in SECTIONS if each.listed):
        rows = await database.fetch(
            f"SELECT {', '.join(section.columns)} FROM {section.table}"  # noqa: S608 - our own names
            f" WHERE {_found_by(database, section)} ORDER BY {section.order}",
            _keys(database, section, who),
        )
        found[section.name] = [_plain(keys, section, row, who) for row in rows]
    found["household"] = await _household(database, who)
    found["members"] = await _members(database, keys, who)
    found["guardians"] = await _guardians(database, keys, who)
    return {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "left_out": dict(LEFT_OUT),
        "sections": {name: found[name] for name in ORDER},
    }


# -- rows ----------------------------------------------------------------------------------------------------


def _found_by(database: Database, section: Section) -> str:
    ways = [database.among(column) for column, _ in section.by]
    return f"({' OR '.join(ways)})"


def _keys(database: Database, section: Section, who: Whose) -> list[Any]:
    held = {"resident": who.resident_ids, "account": who.account_ids, "person": (who.person_id,)}
    return [database.listed(held[kind]) for _, kind in section.by]


@cache
def _kinds(table: str) -> Mapping[str, str]:
    """What each column of a table holds, by the name of its field's class."""
    meta = next(
        meta for meta in (getattr(models, name)._meta for name in models.__all__) if meta.db_table == table
    )
    return {column: type(each).__name__ for column, each in meta.fields_map.items()}


def _plain(keys: KeyRing, section: Section, row: Sequence[Any], who: Whose) -> dict[str, Any]:
    """One row in plain values; ids of others, and what is nothing but machinery, don't come along."""
    kinds = _kinds(section.table)
    found: dict[str, Any] = {}
    for column, value in zip(section.columns, row, strict=True):
        name = column.removesuffix("_sealed")
        if value is None:
            found[name] = None
        elif column.endswith("_sealed"):
            found[name] = _opened(keys, section, column, bytes(value))
        elif column in section.json:
            found[name] = orjson.loads(value)
        else:
            found[name] = _value(kinds[column], value)
    return told(section, found, who)


def _opened(keys: KeyRing, section: Section, column: str, blob: bytes) -> Any:
    context = f"{section.table}.{column.removesuffix('_sealed')}"
    return keys.open_json(context, blob) if column in section.json else keys.open(context, blob)


def _value(kind: str, value: Any) -> Any:
    if kind == "DatetimeField":
        return instant(value).isoformat()
    if kind == "DateField":
        return day(value).isoformat()
    return bool(value) if kind == "BooleanField" else value


# -- others --------------------------------------------------------------------------------------------------


def masked_name(name: str) -> str:
    """The first character; of the others only that there are some."""
    return name[:1] + "*" * min(len(name) - 1, _SHOWN_LENGTH)


async def _household(database: Database, who: Whose) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "SELECT h.division, h.created_at FROM households h JOIN residents r ON r.household_id = h.id"  # noqa: S608
        f" WHERE {database.among('r.resident_id')} ORDER BY h.created_at",
        [database.listed(who.resident_ids)],
    )
    return [{"division": row[0], "created_at": instant(row[1]).isoformat()} for row in rows]


async def _guardians(database: Database, keys: KeyRing, who: Whose) -> list[dict[str, Any]]:
    """Who reports or reported for this resident, the name masked; what they call the resident is theirs."""
    rows = await database.fetch(
        "SELECT r.name_sealed, g.state, g.confirmed_by, g.since, g.ended_at, g.ended_by FROM guardianships g"  # noqa: S608 - our own text
        " JOIN residents r ON r.resident_id = g.guardian_id"
        f" WHERE {database.among('g.resident_id')} ORDER BY g.since, g.id",
        [database.listed(who.resident_ids)],
    )
    return [{"name": _masked(keys, row[0]), **_binding(row[1:])} for row in rows]


async def _members(database: Database, keys: KeyRing, who: Whose) -> list[dict[str, Any]]:
    """For whom this resident reports: what was reported by these very accounts, and the colours now; nothing else
    of theirs, and nothing at all of those for whom it is over, but that it was."""
    rows = await database.fetch(
        "SELECT g.resident_id, g.label_sealed, r.name_sealed, g.state, g.confirmed_by, g.since, g.ended_at,"  # noqa: S608
        " g.ended_by FROM guardianships g JOIN residents r ON r.resident_id = g.resident_id"
        f" WHERE {database.among('g.guardian_id')} ORDER BY g.since, g.id",
        [database.listed(who.resident_ids)],
    )
    found = []
    for row in rows:
        label = None if row[1] is None else keys.open("guardianships.label", row[1])
        member = {"label": label, "name": _masked(keys, row[2]), **_binding(row[3:])}
        if row[3] == "active":
            member["reports"] = await _reports_for(database, row[0], who)
            member["codes"] = await _codes_of(database, row[0])
        found.append(member)
    return found


def _masked(keys: KeyRing, name_sealed: bytes | None) -> str:
    return "" if name_sealed is None else masked_name(keys.open("residents.name", name_sealed))


def _binding(row: Sequence[Any]) -> dict[str, Any]:
    state, confirmed_by, since, ended_at, ended_by = row
    return {
        "state": state,
        "confirmed_by": confirmed_by,
        "since": instant(since).isoformat(),
        "ended_at": None if ended_at is None else instant(ended_at).isoformat(),
        "ended_by": ended_by,
    }


async def _reports_for(database: Database, member_id: int, who: Whose) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "SELECT day, temperature_tenths, symptoms, receipt FROM punch_ins WHERE resident_id = ?"  # noqa: S608
        f" AND {database.among('reported_by')} ORDER BY day",
        [member_id, database.listed(who.account_ids)],
    )
    return [
        {
            "day": day(row[0]).isoformat(),
            "temperature_tenths": row[1],
            "symptoms": row[2].split(",") if row[2] else [],
            "receipt": row[3],
        }
        for row in rows
    ]


async def _codes_of(database: Database, member_id: int) -> list[dict[str, Any]]:
    rows = await database.fetch(
        "SELECT scheme, colour, state, since FROM health_codes WHERE resident_id = ? ORDER BY held_since, id",
        [member_id],
    )
    return [
        {"scheme": row[0], "colour": row[1], "state": row[2], "since": instant(row[3]).isoformat()}
        for row in rows
    ]
