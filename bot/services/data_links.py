"""One-time links under which residents fetch a copy of their data: only a hash is stored, and they end soon."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.database import Database
from bot.store.work import Work

LASTS = timedelta(minutes=15)
MOST_FETCHES = 5
"""Each form once, and again where a download broke off."""
MOST_A_DAY = 10
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_BYTES = 32
_DAY = timedelta(days=1)
_GOOD = (
    "token_hash = ? AND expires_at > ? AND fetched < ?"
    # the account may have become somebody else's, or the resident may have been deleted since
    " AND EXISTS (SELECT 1 FROM account_residents l JOIN accounts a ON a.id = l.account_id"
    " JOIN residents r ON r.resident_id = l.resident_id WHERE l.resident_id = data_links.resident_id"
    " AND l.relation = 'self' AND a.person_id = data_links.person_id AND r.erased_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class DataLink:
    """A link that may still be used. `left` counts the fetches before this one."""

    token_hash: str
    resident_id: int
    person_id: int
    language: str
    left: int


async def make_link(
    work: Work, database: Database, *, resident_id: int, person_id: int, language: str, wire: datetime
) -> str | None:
    """A new link's token, which ends those before it; None if there were too many within a day."""
    rows = await database.fetch(
        "SELECT token_hash FROM data_links WHERE resident_id = ? AND created_at > ?",
        [resident_id, wire - _DAY],
    )
    if len(rows) >= MOST_A_DAY:
        return None
    for row in rows:
        work.update("data_links", {"resident_id": resident_id, "token_hash": row[0]}, expires_at=wire)
    token = secrets.token_urlsafe(_BYTES)
    work.insert(
        "data_links",
        token_hash=hash_of(token),
        resident_id=resident_id,
        person_id=person_id,
        language=language,
        created_at=wire,
        expires_at=wire + LASTS,
    )
    return token


async def find_link(database: Database, token: str, wire: datetime) -> DataLink | None:
    """The link of that token, if it may still be used; looking doesn't use it up."""
    if not _TOKEN.fullmatch(token):
        return None
    rows = await database.fetch(
        f"SELECT token_hash, resident_id, person_id, language, fetched FROM data_links WHERE {_GOOD}",  # noqa: S608 - our own text
        [hash_of(token), wire, MOST_FETCHES],
    )
    if not rows:
        return None
    token_hash, resident_id, person_id, language, fetched = rows[0]
    return DataLink(token_hash, resident_id, person_id, language, MOST_FETCHES - fetched)


async def use_link(database: Database, link: DataLink, wire: datetime) -> bool:
    """Count one fetch; False if somebody else took the last one, or the time is over."""
    counted = await database.execute(
        f"UPDATE data_links SET fetched = fetched + 1 WHERE {_GOOD}",  # noqa: S608 - our own text
        [link.token_hash, wire, MOST_FETCHES],
    )
    return counted == 1


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
