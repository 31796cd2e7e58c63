"""Chooses who is reminded of the daily report, and writes the reminders: one statement for many residents."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.notices.conditions import REMINDER
from bot.notices.due import (
    APART,
    REMINDER_KEY,
    DueReports,
    person_may_be_reminded,
    persons,
    resident_is_due,
    tables,
)
from bot.notices.outbox import CONTEXT
from bot.notices.quiet_hours import known_zone, quiet_ends
from bot.notices.wall_clocks import WallClock, chosen_minutes, passed, wall_clock, zones_in_use
from bot.store.database import Database, Session
from bot.store.ids import row_ids
from bot.store.sealing import KeyRing

FIRST, SECOND = 1, 2
_AT_ONCE = {"sqlite": 2_000, "postgresql": 2_000}
"""Residents in one transaction: on SQLite the service waits while it is made."""

_SPARE = 2
"""So many times as many ids are reserved: somebody may come while a batch is written."""

_MINUTE = {FIRST: "p.first_minute", SECOND: "p.second_minute"}
_UNANSWERED = (  # the first one, if there was one, is over
    f"p.first_minute + {APART} <= p.second_minute AND NOT EXISTS (SELECT 1 FROM notices n"  # noqa: S608 - our own names
    " WHERE n.resident_id = p.resident_id AND n.state IN ('queued', 'sending')"
    f" AND n.dedup_key = {REMINDER_KEY} || '{FIRST}')"
)
_RANGE = "o.resident_id > ? AND o.resident_id <= ?"
_BOUNDARY = (
    "SELECT resident_id FROM residents WHERE resident_id > ? AND resident_id <= ?"
    " ORDER BY resident_id LIMIT 1 OFFSET ?"
)
_OF_RANGE = f"SELECT o.resident_id FROM residents o WHERE {_RANGE} ORDER BY o.resident_id"  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class Slot:
    """What a slot has to do: the minutes of each zone that passed, and of which reminders (the first or second of
    the day) these may be. `everybody` False: only of people who chose their minute."""

    clocks: tuple[WallClock, ...]
    numbers: tuple[int, ...]
    everybody: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The residents with `after` < id <= `up_to`, or of these only the ones that are listed."""

    after: int
    up_to: int
    listed: tuple[int, ...] | None = None


class Reminders:
    """Writes the reminders of one installation; safe to repeat, there is one row a person, day and number."""

    def __init__(self, database: Database, keys: KeyRing, due: DueReports, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._due = due
        self._at_once = _AT_ONCE[database.dialect]
        self._sealed = {
            FIRST: keys.seal_json(CONTEXT, {}),
            SECOND: keys.seal_json(CONTEXT, {"second": True}),
        }
        self._statements: dict[tuple[int, bool], str] = {}

    async def next_at(self, after: datetime) -> datetime | None:
        """When, after that, the next minute passes at which somebody may be to be reminded; None: nobody is there."""
        minutes = {minute for pair in self._hours() for minute in pair if minute is not None}
        each = sorted(minutes | set(await chosen_minutes(self._database)))
        found = []
        for name in await zones_in_use(self._database):
            place = known_zone(name)
            following = bisect_right(each, passed(after, place))
            found.append(quiet_ends(after, place, each[following % len(each)]))
        return min(found, default=None)

    async def slot(self, at: datetime, since: datetime) -> Slot:
        """What passed after `since` and until `at`, of that day only."""
        names = await zones_in_use(self._database)
        clocks = tuple(wall_clock(name, at, since) for name in names)
        numbers = [
            number
            for number in (FIRST, SECOND)
            if _passed(clocks, (pair[number - 1] for pair in self._hours()))
        ]
        everybody = bool(numbers)
        if FIRST not in numbers and _passed(clocks, await chosen_minutes(self._database)):
            numbers.insert(0, FIRST)
        return Slot(clocks, tuple(numbers), everybody)

    async def batches(self, slot: Slot, after: int, up_to: int) -> AsyncIterator[Batch]:
        """The residents with `after` < id <= `up_to` whom that slot may concern, in the order of their ids."""
        if not slot.numbers:
            return
        if not slot.everybody:
            ids = await self._who_chose(slot, after, up_to)
            for first in range(0, len(ids), self._at_once):
                listed = ids[first : first + self._at_once]
                yield Batch(after, listed[-1], tuple(listed))
                after = listed[-1]
            return
        while after < up_to:
            rows = await self._database.fetch(_BOUNDARY, [after, up_to, self._at_once - 1])
            boundary = rows[0][0] if rows else up_to
            yield Batch(after, boundary)
            after = boundary

    async def halves(self, batch: Batch) -> tuple[Batch, ...]:
        """The same residents in two batches, or nothing where there is but one of them."""
        ids = batch.listed
        if ids is None:
            ids = tuple(row[0] for row in await self._database.fetch(_OF_RANGE, [batch.after, batch.up_to]))
        if len(ids) < 2:
            return ()
        middle = len(ids) // 2
        return (
            Batch(batch.after, ids[middle - 1], ids[:middle]),
            Batch(ids[middle - 1], batch.up_to, ids[middle:]),
        )

    async def write(self, session: Session, slot: Slot, batch: Batch, number: int) -> int:
        """Write the reminders of that number that these persons haven't got; how many."""
        listed = batch.listed
        scope = [batch.after, batch.up_to] if listed is None else [self._database.listed(listed)]
        # by the clock, not by the slot: whoever goes on after a killed process must not begin at the same ids
        first = row_ids(self._clock.now(), self._at_once * _SPARE)
        given = [*self._due.given(slot.clocks), self._due.hours(), *scope]
        sql = self._statement(number, listed=listed is not None)
        return await session.execute(sql, [*given, first - 1, self._sealed[number]])

    def _statement(self, number: int, *, listed: bool) -> str:
        made = self._statements.get((number, listed))
        if made is None:
            scope = self._database.among("o.resident_id") if listed else _RANGE
            made = self._statements[number, listed] = _statement(self._database.dialect, number, scope)
        return made

    async def _who_chose(self, slot: Slot, after: int, up_to: int) -> list[int]:
        found: set[int] = set()
        for clock in slot.clocks:
            if clock.first <= clock.last:
                rows = await self._database.fetch(
                    "SELECT resident_id FROM residents WHERE reminder_minute >= ? AND reminder_minute <= ?"
                    " AND zone = ? AND resident_id > ? AND resident_id <= ?",
                    [clock.first, clock.last, clock.zone, after, up_to],
                )
                found.update(row[0] for row in rows)
        return sorted(found)

    def _hours(self) -> Sequence[tuple[int, int | None]]:
        return [(hours.first, hours.second) for hours in self._due.wanted.hours]


def _passed(clocks: Sequence[WallClock], minutes: Iterable[int | None]) -> bool:
    """Whether one of these minutes has passed on one of the clocks."""
    each = sorted({minute for minute in minutes if minute is not None})
    return any(
        bisect_right(each, clock.last) > bisect_right(each, clock.first - 1)
        for clock in clocks
        if clock.first <= clock.last
    )


def _statement(dialect: str, number: int, scope: str) -> str:
    """Its parameters: those of `tables` and `persons`, of the scope, the id before the first, sealed params."""
    base, sealed = ("?", "?") if dialect == "sqlite" else ("?::bigint", "?::bytea")
    also = "" if number == FIRST else f" AND {_UNANSWERED}"
    return f"""INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, priority, state,
  dedup_key, not_before, try_at, expires_at, created_at)
WITH {tables(dialect)}, {persons(dialect, scope)}
SELECT {base} + row_number() OVER (), p.resident_id, p.person_id, p.person_id, '{REMINDER}', {sealed}, 0, 'queued',
  {REMINDER_KEY} || '{number}', z.at, z.at, z.expires_at, z.at
FROM persons p JOIN zones z ON z.zone = p.zone || ''
WHERE {_MINUTE[number]} BETWEEN z.first_minute AND z.last_minute
  AND {person_may_be_reminded()} AND (({resident_is_due("p")}) OR EXISTS (
    SELECT 1 FROM accounts x JOIN account_residents y ON y.account_id = x.id
    JOIN residents m ON m.resident_id = y.resident_id JOIN zones mz ON mz.zone = m.zone || ''
    WHERE x.person_id = p.person_id AND m.resident_id <> p.resident_id AND ({resident_is_due("m", "mz")}))){also}
ON CONFLICT (resident_id, dedup_key) DO NOTHING"""  # noqa: S608 - our own names
