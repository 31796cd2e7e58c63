"""Persons with a subscription in a mini-program, and their queued notices, each of which says something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from benchmarks.notices_words import CHANNEL, params_of
from bot.clock import Clock
from bot.notices.outbox import CONTEXT, KEPT
from bot.services.colour_notices import KIND
from bot.store.database import Database, Session
from bot.store.ids import row_id
from bot.store.migrate import migrate
from bot.store.sealing import KeyRing

_URGENT = 1  # neither the night nor the daily cap changes the figures
_SPARE = 10  # subscriptions more than notices, so that nobody is told that they run out
_BATCH = 5_000

_ACCOUNT = (
    "INSERT INTO accounts (id, person_id, channel, external_index, external_sealed, language, consent, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_SUBSCRIPTION = "INSERT INTO subscriptions (id, account_id, kind, standing, balance, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
_NOTICE = (
    "INSERT INTO notices (id, resident_id, person_id, account_id, kind, params_sealed, priority, state, dedup_key,"
    " not_before, try_at, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Queue:
    """How much is queued: `count` notices for `persons`, in turns, so that the n-th of each comes before all n+1-th."""

    count: int
    persons: int

    @property
    def each(self) -> int:
        """The most notices that one person gets."""
        return -(-self.count // self.persons)


def openid(person: int) -> str:
    """The platform id of the person with this number, counted from 1."""
    return f"o_notice_{person:07d}"


async def seed(url: str, keys: KeyRing, queue: Queue) -> None:
    """Fill an empty database."""
    await migrate(url)
    now = Clock().now()
    database = Database(url)
    await database.open()
    try:
        for statements in _statements(keys, queue, now):

            async def write(
                session: Session, statements: Sequence[tuple[str, Sequence[Sequence[Any]]]] = statements
            ) -> None:
                await session.execute_many(statements)

            await database.transaction(write)
    finally:
        await database.close()


async def states(database: Database) -> dict[str, int]:
    """How many notices are in which state."""
    rows = await database.fetch("SELECT state, COUNT(*) FROM notices GROUP BY state")
    return {row[0]: row[1] for row in rows}


def _statements(
    keys: KeyRing, queue: Queue, now: datetime
) -> Iterator[list[tuple[str, list[tuple[Any, ...]]]]]:
    for first in range(1, queue.persons + 1, _BATCH):
        numbers = range(first, min(first + _BATCH, queue.persons + 1))
        yield [
            (_ACCOUNT, [_account(keys, number, now) for number in numbers]),
            (
                _SUBSCRIPTION,
                [(number, number, KIND, "once", queue.each + _SPARE, now) for number in numbers],
            ),
        ]
    for first in range(0, queue.count, _BATCH):
        places = range(first, min(first + _BATCH, queue.count))
        yield [(_NOTICE, [_notice(keys, place, queue.persons, now) for place in places])]


def _account(keys: KeyRing, number: int, now: datetime) -> tuple[Any, ...]:
    sealed = keys.seal("accounts.external", openid(number))
    return (number, number, CHANNEL, f"bench:{number}", sealed, "zh", "given", now)


def _notice(keys: KeyRing, place: int, persons: int, now: datetime) -> tuple[Any, ...]:
    person, turn = place % persons + 1, place // persons
    created = now - timedelta(minutes=5) + timedelta(microseconds=place)
    sealed = keys.seal_json(CONTEXT, params_of(turn))
    return (
        row_id(created), person, person, person, KIND, sealed, _URGENT, "queued", f"{person}:{turn}", created, created,
        now + KEPT, created,
    )  # fmt: skip
