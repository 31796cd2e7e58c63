"""Rows for any table of any revision: valid ones, made from the columns that the database reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from bot.store.database import Database
from bot.store.migrate import Reader

BOOLEANS = frozenset({"blocked", "following", "no_change", "normal"})

# What a CHECK allows; every other column takes anything of its type.
ALLOWED: dict[str, object] = {
    "access_log.actor_kind": "worker",
    "account_residents.relation": "guardian",
    "accounts.consent": "given",
    "colour_changes.new_colour": "red",
    "colour_changes.new_state": "decided",
    "colour_changes.old_colour": "green",
    "colour_changes.old_state": "decided",
    "contact_attempts.outcome": "reached",
    "contact_attempts.way": "phone",
    "deletion_requests.state": "asked",
    "follow_ups.reason": "silent",
    "follow_ups.state": "open",
    "guardianships.state": "active",
    "guardianships.waits_for": "member",
    "health_codes.colour": "grey",
    "health_codes.state": "undecided",
    "identity_checks.outcome": "verified",
    "inbox.state": "pending",
    "job_runs.state": "running",
    "job_shards.state": "waiting",
    "link_requests.state": "asked",
    "notices.priority": 1,
    "notices.state": "queued",
    "punch_in_log.temperature_tenths": 365,
    "punch_ins.temperature_tenths": 365,
    "rescore_queue.attempts": 1,
    "rescore_runs.state": "running",
    "residents.identity": "verified",
    "residents.reminder_days": "workdays",
    "subscriptions.standing": "once",
    "risk_levels.level": "high",
}


def valid_row(table: str, columns: dict[str, str], number: int) -> dict[str, Any]:
    """A row with every column filled, different for every number."""
    row = {column: _value(column, kind, number) for column, kind in columns.items()}
    row |= {column: ALLOWED[f"{table}.{column}"] for column in columns if f"{table}.{column}" in ALLOWED}
    if "guardian_id" in row:
        row["guardian_id"] = number + 1000
    return row


def _value(column: str, kind: str, number: int) -> Any:
    if column in BOOLEANS:
        return number % 2 == 0
    plain = kind.split(" ")[0].split("(")[0]
    return {
        "bigint": number,
        "int": number,
        "smallint": number,
        "varchar": f"v{number}",
        "text": f"t{number}",
        "bytes": b"b%d" % number,
        "date": date(2020, 2, number % 28 + 1),
        "instant": datetime(2020, 2, number % 28 + 1, 1, 30, tzinfo=UTC),
    }[plain]


async def insert(connection: Reader, table: str, row: dict[str, Any]) -> None:
    """Insert one row with plain SQL."""
    columns = ", ".join(f'"{column}"' for column in row)
    marks = ", ".join("?" for _ in row)
    values = [_sqlite(value) if connection.dialect == "sqlite" else value for value in row.values()]
    # a Database reads and writes on different connections; a migration's has one
    write = connection.execute if isinstance(connection, Database) else connection.fetch
    await write(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', values)


async def count(connection: Reader, tables: Sequence[str]) -> dict[str, int]:
    """How many rows each table has."""
    return {table: int((await connection.fetch(f'SELECT count(*) FROM "{table}"'))[0][0]) for table in tables}


def _sqlite(value: Any) -> Any:
    return (
        value.isoformat(" ")
        if isinstance(value, datetime)
        else value.isoformat()
        if isinstance(value, date)
        else value
    )
