"""Chooses who is reminded of the daily report, and writes the reminders: one statement each for many residents.

Choosing reads beside whatever else is going on. Who reports between being chosen and being sent the reminder is
found when it is claimed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock
from bot.notices.conditions import REMINDER, given_rows
from bot.notices.due import (
    APART,
    REMINDER_KEY,
    ZONE_COLUMNS,
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
_AT_ONCE = 1_000
"""Residents in one transaction: on SQLite the service waits while it is made."""

_PASSED = "z.first_minute AND z.last_minute"
_MINUTE = {FIRST: "p.first_minute", SECOND: "p.second_minute"}
_UNANSWERED = (  # the first one, if there was one, is over, and isn't being written now
    f"p.first_minute + {APART} <= p.second_minute AND NOT ({_MINUTE[FIRST]} BETWEEN {_PASSED})"  # noqa: S608 - our own names
    " AND NOT EXISTS (SELECT 1 FROM notices n"
    " WHERE n.resident_id = p.resident_id AND n.state IN ('queued', 'sending')"
    f" AND n.dedup_key = {REMINDER_KEY} || '{FIRST}')"
)
_CHOSEN_COLUMNS = {"resident_id": "bigint", "person_id": "bigint", "zone": "text"}
_LISTED = {
    "sqlite": "json_group_array(json_array(p.resident_id, p.person_id, z.zone))",
    "postgresql": "json_agg(json_build_array(p.resident_id, p.person_id, z.zone))::text",
}
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


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whom to send the reminder of that number: a list of `_CHOSEN_COLUMNS`, as the database made it."""

    number: int
    count: int
    listing: str


class Reminders:
    """Writes the reminders of one installation; safe to repeat, there is one row a person, day and number."""

    def __init__(self, database: Database, keys: KeyRing, due: DueReports, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._due = due
        self._at_once = _AT_ONCE
        self._sealed = {
            FIRST: keys.seal_json(CONTEXT, {}),
            SECOND: keys.seal_json(CONTEXT, {"second": True}),
        }
        self._choices: dict[tuple[int, bool], str] = {}
        self._insert = _insert(database.dialect)

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

    async def choose(self, slot: Slot, batch: Batch) -> tuple[Chosen, ...]:
        """Who is to be reminded now; somebody may be who already has that reminder."""
        listed = batch.listed
        scope = [batch.after, batch.up_to] if listed is None else [self._database.listed(listed)]
        given = [*self._due.given(slot.clocks), self._due.hours(), *scope]
        chosen = []
        for number in slot.numbers:
            rows = await self._database.fetch(self._choice(number, listed=listed is not None), given)
            count, listing = rows[0]
            if count:
                chosen.append(Chosen(number, count, listing))
        return tuple(chosen)

    async def write(self, session: Session, slot: Slot, chosen: Chosen) -> int:
        """Write the reminders that these persons haven't got; how many."""
        # by the clock, not by the slot: whoever goes on after a killed process must not begin at the same ids
        first = row_ids(self._clock.now(), chosen.count)
        zones = self._due.given(slot.clocks)[0]
        given = [zones, chosen.listing, first - 1, self._sealed[chosen.number], str(chosen.number)]
        return await session.execute(self._insert, given)

    def _choice(self, number: int, *, listed: bool) -> str:
        made = self._choices.get((number, listed))
        if made is None:
            scope = self._database.among("o.resident_id") if listed else _RANGE
            made = self._choices[number, listed] = _choice(self._database.dialect, number, scope)
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


def _choice(dialect: str, number: int, scope: str) -> str:
    """How many, and their list. Its parameters: those of `tables` and `persons`, and of the scope."""
    also = "" if number == FIRST else f" AND {_UNANSWERED}"
    return f"""WITH {tables(dialect)}, {persons(dialect, scope)}
SELECT COUNT(*), {_LISTED[dialect]}
FROM persons p JOIN zones z ON z.zone = p.zone || ''
WHERE {_MINUTE[number]} BETWEEN {_PASSED}
  AND {person_may_be_reminded()} AND (({resident_is_due("p")}) OR EXISTS (
    SELECT 1 FROM accounts x JOIN account_residents y ON y.account_id = x.id
    JOIN residents m ON m.resident_id = y.resident_id JOIN zones mz ON mz.zone = m.zone || ''
    WHERE x.person_id = p.person_id AND m.resident_id <> p.resident_id AND ({resident_is_due("m", "mz")}))){also}"""  # noqa: S608 - our own names


def _insert(dialect: str) -> str:
    """Its parameters: the zones, who was chosen, the id before the first, sealed params, the number."""
    base, sealed, number = ("?", "?", "?") if dialect == "sqlite" else ("?::bigint", "?::bytea", "?::text")
    zones = given_rows(dialect, "zones", ZONE_COLUMNS)
    chosen = given_rows(dialect, "chosen", _CHOSEN_COLUMNS)
    return f"""INSERT INTO notices (id, resident_id, account_id, person_id, kind, params_sealed, priority, state,
  dedup_key, not_before, try_at, expires_at, created_at)
WITH {zones}, {chosen}
SELECT {base} + row_number() OVER (), p.resident_id, p.person_id, p.person_id, '{REMINDER}', {sealed}, 0, 'queued',
  {REMINDER_KEY} || {number}, z.at, z.at, z.expires_at, z.at
FROM chosen p JOIN zones z ON z.zone = p.zone || ''
WHERE p.person_id <> 0
ON CONFLICT (resident_id, dedup_key) DO NOTHING"""  # noqa: S608 - our own names
