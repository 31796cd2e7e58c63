"""A made-up city that reports every day: most have yet to, in one zone, with six codes each."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from bot.clock import resident_day
from bot.store.config import sqlite_path

SCHEMES = ("hubei", "wuhan", "national", "community", "guangdong", "guangzhou")
CHUNK = 10_000
_OTHERS = ("reported", "later", "none", "blocked")

COLUMNS = {
    "accounts": (
        "id", "person_id", "channel", "external_index", "external_sealed", "consent", "blocked", "created_at",
    ),
    "residents": (
        "resident_id", "identity", "division", "declared_at", "last_punch_in", "created_at", "reminder_minute",
        "reminder_days",
    ),
    "account_residents": ("id", "account_id", "resident_id", "relation", "since"),
    "health_codes": ("id", "resident_id", "scheme", "colour", "state", "since", "held_since", "assessment"),
}  # fmt: skip
_ASSESSMENT = '{"findings":[],"missing":[],"total":0}' + " " * 200  # about as long as a real one


def is_due(number: int) -> bool:
    """Whether the resident with this number, from 0 on, is to be reminded: four of five."""
    return number % 5 != 4


def due_of(residents: int) -> int:
    """How many of so many are."""
    return sum(map(is_due, range(residents)))


def chunks(residents: int, now: datetime) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """The rows of each table; ids are as random as those of the service, and the same for the same number."""
    draw = random.Random(20200320)
    for first in range(0, residents, CHUNK):
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
        for number in range(first, min(first + CHUNK, residents)):
            _one(rows, draw, number, now)
        yield rows


def _one(rows: dict[str, list[tuple[Any, ...]]], draw: random.Random, number: int, now: datetime) -> None:
    account, resident, link = (draw.getrandbits(61) | 1 for _ in range(3))
    since, today = now - timedelta(days=14), resident_day(now)
    other = "" if is_due(number) else _OTHERS[number // 5 % len(_OTHERS)]
    last = today if other == "reported" else today - timedelta(days=1)
    minute = 20 * 60 if other == "later" else None
    sealed = draw.randbytes(60)
    rows["accounts"].append(
        (account, account, "wechat_official", f"b:{account}", sealed, "given", other == "blocked", since)
    )
    rows["residents"].append(
        (resident, "verified", "420102", since, last, since, minute, "none" if other == "none" else "all")
    )
    rows["account_residents"].append((link, account, resident, "self", since))
    rows["health_codes"].extend(
        (draw.getrandbits(61) | 1, resident, scheme, "green", "decided", since, since, _ASSESSMENT)
        for scheme in SCHEMES
    )


async def fill(url: str, residents: int, now: datetime) -> None:
    """Write everything into a migrated database, and let it gather its statistics."""
    path = sqlite_path(url)
    if path is not None:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA synchronous = OFF")
            for rows in chunks(residents, now):
                for table, of_table in rows.items():
                    names, marks = ", ".join(COLUMNS[table]), ",".join("?" * len(COLUMNS[table]))
                    plain = [tuple(map(_as_stored, row)) for row in of_table]
                    raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", plain)
                raw.commit()
        return
    connection = await asyncpg.connect(url)
    try:
        for rows in chunks(residents, now):
            for table, of_table in rows.items():
                await connection.copy_records_to_table(table, records=of_table, columns=COLUMNS[table])
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def _as_stored(value: Any) -> Any:
    """Instants and days as SQLite has them."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if hasattr(value, "isoformat") else value
