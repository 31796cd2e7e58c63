"""The one table of who has a daily report to make, and of what keeps a reminder of it from a person: named SQL
conditions over stored columns, with reason codes.

The reminder job, the check before a reminder is sent, chat, front end and follow-ups all ask this table; nothing of
it is decided again in Python. `r` is a resident and `z` the wall clock of their zone; `p` a person: their own
resident's columns, with `person_id` and whether the account of that resident `consents` and is `open`. `w` is a
scheme that wants reports, `s` from when on a report counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import orjson

from bot.clock import DEFAULT_ZONE
from bot.notices.conditions import BY_REASON, given_rows
from bot.notices.reachability import Reader
from bot.notices.wall_clocks import CATCH_UP, WallClock, wall_clock
from bot.store.database import Database, Row
from bot.store.database import day as stored_day

REMINDED = "already_reminded"
NEVER = 10_000
"""A minute of the day that no wall clock shows."""
_RANK = 100_000  # more than any minute
APART = 60
"""There is no second reminder so few minutes after the first, or before it."""


class Of(StrEnum):
    """Of whom a condition speaks."""

    RESIDENT = "resident"
    PERSON = "person"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class DueCondition:
    """Who meets `sql` has nothing to report (`Of.RESIDENT`), isn't reminded (`Of.PERSON`), or not at this hour
    (`Of.CLOCK`). `within`: whoever meets it meets that one as well, which is all that has to be asked of many."""

    reason: str
    of: Of
    sql: str
    why: str
    within: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A scheme that wants a report every so many days; `held`: only while its colour isn't green."""

    scheme: str
    every_days: int
    held: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """When those are reminded who live in a division that begins with `prefix`, in minutes of the day."""

    prefix: str
    first: int
    second: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What schemes and communities want; `hours` has one for the empty prefix."""

    schemes: tuple[Asked, ...]
    hours: tuple[Hours, ...] = (Hours("", 8 * 60, None),)


# || '': SQLite would rather begin with the list that is given, and look every entry up in the table
_WANTED = "FROM health_codes h JOIN wanted w ON w.scheme = h.scheme || ''"
_CODES = f"{_WANTED} WHERE h.resident_id = r.resident_id"
_STILL_ASKED = "(w.held = 0 OR h.colour <> 'green')"
_DUE_CODES = (
    f"{_WANTED} JOIN spans s ON s.every_days = w.every_days"
    f" WHERE h.resident_id = r.resident_id AND s.zone = z.zone AND {_STILL_ASKED}"
    " AND (r.last_punch_in IS NULL OR r.last_punch_in < s.since_day) AND r.declared_at < s.since_at"
)
_CONSENTS = f"NOT ({re.sub('c[.]asked', '0', BY_REASON['no_consent'].sql)})"
_OPEN = f"{_CONSENTS} AND NOT ({BY_REASON['blocked'].sql})"
_ACCOUNT = "EXISTS (SELECT 1 FROM accounts a WHERE a.person_id = p.person_id AND"
REMINDER_KEY = "CAST(p.person_id AS TEXT) || ':reminder:' || z.day_text || ':'"
"""The `dedup_key` of a reminder up to its number of the day."""
_FIRST = f"FROM notices n WHERE n.resident_id = p.resident_id AND n.dedup_key = {REMINDER_KEY} || '1'"

DUE: tuple[DueCondition, ...] = (
    DueCondition(
        "erased", Of.RESIDENT, "r.erased_at IS NOT NULL",
        "what the law lets remain of somebody who had everything deleted is asked nothing",
    ),
    DueCondition(
        "not_declared", Of.RESIDENT, "r.declared_at IS NULL",
        "the first step is the declaration; there is nothing to report before", within="not_due_today",
    ),
    DueCondition(
        "no_code", Of.RESIDENT, f"NOT EXISTS (SELECT 1 {_CODES})",
        "a report is for a health code, and there is none that wants one", within="no_longer_asked",
    ),
    DueCondition(
        "no_longer_asked", Of.RESIDENT, f"NOT EXISTS (SELECT 1 {_CODES} AND {_STILL_ASKED})",
        "every code asks for reports only while it isn't green, and all are green", within="not_due_today",
    ),
    DueCondition(
        "reported", Of.RESIDENT, "r.last_punch_in IS NOT NULL AND r.last_punch_in >= z.day",
        "the report of the day is there", within="not_due_today",
    ),
    DueCondition(
        "not_due_today", Of.RESIDENT, f"NOT EXISTS (SELECT 1 {_DUE_CODES})",
        "no code wants a report on this day: the last one, or the declaration, is recent enough",
    ),
    DueCondition(
        "no_consent", Of.PERSON, f"p.consents = 0 AND NOT {_ACCOUNT} {_CONSENTS})",
        "who hasn't agreed, or no longer does, is sent nothing by itself", within="blocked",
    ),
    DueCondition(
        "blocked", Of.PERSON, f"p.open = 0 AND NOT {_ACCOUNT} {_OPEN})",
        "every account that could be written to has shut us out or is gone",
    ),
    DueCondition(
        "opted_out", Of.PERSON, "p.reminder_days = 'none'",
        "the person wants no reminders",
    ),
    DueCondition(
        "day_off", Of.PERSON, "p.reminder_days = 'workdays' AND z.weekday > 5",
        "the person wants none on Saturdays and Sundays, and it is one there",
    ),
    DueCondition(
        "not_yet", Of.CLOCK, "p.first_minute > z.last_minute",
        "the hour that the person chose, or else the community's, is still to come",
    ),
    DueCondition(
        "hour_past", Of.CLOCK, "p.first_minute < z.first_minute",
        "the hour was over too long ago when this was looked at",
    ),
    DueCondition(
        REMINDED, Of.CLOCK, f"EXISTS (SELECT 1 {_FIRST})",
        "one reminder a day, whatever the number of codes, members and channels",
    ),
)  # fmt: skip
BY_CODE: Mapping[str, DueCondition] = {condition.reason: condition for condition in DUE}

ZONE_COLUMNS = {
    "zone": "text", "day": "date", "day_text": "text", "weekday": "int", "first_minute": "int",
    "last_minute": "int", "at": "timestamptz", "expires_at": "timestamptz",
}  # fmt: skip
_WANTED_COLUMNS = {"scheme": "text", "every_days": "int", "held": "int"}
_SPAN_COLUMNS = {"zone": "text", "every_days": "int", "since_day": "date", "since_at": "timestamptz"}
_HOUR_COLUMNS = {"prefix": "text", "first": "int", "second": "int"}


def of(level: Of) -> tuple[DueCondition, ...]:
    """The conditions of that level, the one that is told first in front."""
    return tuple(condition for condition in DUE if condition.of == level)


def tables(dialect: str) -> str:
    """The data that the conditions on residents need, as the beginning of a WITH: three parameters, see
    `DueReports.given`."""
    return (
        f"{given_rows(dialect, 'zones', ZONE_COLUMNS)}, {given_rows(dialect, 'wanted', _WANTED_COLUMNS)},"
        f" {given_rows(dialect, 'spans', _SPAN_COLUMNS)}"
    )


def resident_is_due(resident: str = "r", zone: str = "z") -> str:
    """The condition that a resident has a report to make on the day of a row of `zones`, by the names that both
    have in the query."""
    return _none(Of.RESIDENT, {"r": resident, "z": zone})


def persons(dialect: str, scope: str) -> str:
    """Every person with their own resident (the one that they have been for longest) and their hours, as two
    members of a WITH with one parameter for the hours; `scope` limits own residents `o` and accounts `a`."""
    # the longest prefix wins without a sort for every row
    hour = (
        f"(SELECT MAX(length(q.prefix) * {_RANK} + q.{{which}}) FROM hours q"  # noqa: S608 - our own names
        f" WHERE substr(COALESCE(o.division, ''), 1, length(q.prefix)) = q.prefix) % {_RANK}"
    )
    return f"""{given_rows(dialect, "hours", _HOUR_COLUMNS)}, persons AS (
  SELECT a.person_id, o.resident_id, o.zone, o.erased_at, o.declared_at, o.last_punch_in, o.reminder_days,
    CASE WHEN {_CONSENTS} THEN 1 ELSE 0 END AS consents, CASE WHEN {_OPEN} THEN 1 ELSE 0 END AS open,
    COALESCE(o.reminder_minute, {hour.format(which="first")}) AS first_minute,
    {hour.format(which="second")} AS second_minute
  FROM residents o JOIN account_residents l ON l.resident_id = o.resident_id AND l.relation = 'self'
  JOIN accounts a ON a.id = l.account_id
  WHERE {scope} AND NOT EXISTS (SELECT 1 FROM accounts x JOIN account_residents y ON y.account_id = x.id
    WHERE x.person_id = a.person_id AND y.relation = 'self'
    AND (y.since < l.since OR y.since = l.since AND y.id < l.id)))"""  # noqa: S608 - our own names


def person_may_be_reminded(person: str = "p", zone: str = "z") -> str:
    """The condition that nothing of the person keeps a reminder from them."""
    return _none(Of.PERSON, {"p": person, "z": zone})


def mask(level: Of, names: Mapping[str, str]) -> str:
    """A number with the bit of every condition of that level that holds."""
    return " + ".join(
        f"CASE WHEN {renamed(condition.sql, names)} THEN {1 << bit} ELSE 0 END"
        for bit, condition in enumerate(of(level))
    )


def reasons_in(level: Of, bits: int) -> tuple[str, ...]:
    """The codes of the conditions of that level whose bits are set; one that says less than another is left out."""
    found = [condition for bit, condition in enumerate(of(level)) if bits & 1 << bit]
    told = {condition.within for condition in found}
    return tuple(condition.reason for condition in found if condition.reason not in told)


def renamed(sql: str, names: Mapping[str, str]) -> str:
    """A condition with other names for the tables that it speaks of."""
    return re.sub(r"\b([a-z])\.", lambda found: f"{names.get(found[1], found[1])}.", sql)


def _none(level: Of, names: Mapping[str, str]) -> str:
    wide = [condition for condition in of(level) if not condition.within]
    return " AND ".join(f"NOT ({renamed(condition.sql, names)})" for condition in wide)


@dataclass(frozen=True, slots=True)
class Standing:
    """One resident for whom the person speaks; `reasons` why there is nothing to report today, none: it is due."""

    resident_id: int
    own: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """The person is to be reminded of these residents' reports on this day of theirs.

    `minute` and `second_minute` of the day are when. `notes`: `not_yet`, `hour_past`, `already_reminded`.
    """

    residents: tuple[int, ...]
    day: date
    minute: int
    second_minute: int | None
    notes: tuple[str, ...] = ()
    standings: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class NotDue:
    """The person isn't reminded. `reasons`: what of the person keeps it from them, then why nobody is due, where
    that is so; the first one is what to tell. `residents` have a report to make all the same."""

    reasons: tuple[str, ...]
    day: date | None = None
    residents: tuple[int, ...] = ()
    standings: tuple[Standing, ...] = ()


@dataclass(slots=True)
class _Answer:
    """The rows that answer for one person."""

    person: Row
    standings: dict[int, Standing] = field(default_factory=dict)

    @property
    def due(self) -> tuple[int, ...]:
        return tuple(each.resident_id for each in self.standings.values() if not each.reasons)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why nobody is reminded: of the person, then of the residents; none where there is no reason."""
        of_person = reasons_in(Of.PERSON, self.person[5])
        if self.due:
            return of_person
        of_residents = dict.fromkeys(reason for each in self.standings.values() for reason in each.reasons)
        # whoever reports for others isn't told that they haven't declared, but that all is done
        return (*of_person, *sorted(of_residents, key=lambda reason: reason != "reported"))


class DueReports:
    """Asks the conditions about persons; `given` and `tables` are for queries about many."""

    def __init__(self, database: Database, wanted: Wanted) -> None:
        self._database = database
        self._wanted = wanted
        self._zones = {DEFAULT_ZONE}
        among = database.among("a.person_id")
        self._statement = _statement(database.dialect, among)

    @property
    def wanted(self) -> Wanted:
        """What it was made with."""
        return self._wanted

    async def explain(self, person_id: int, now: datetime) -> Due | NotDue:
        """Whether the person is reminded today, when and of whom; else why not."""
        found = (await self._ask(self._database, [person_id], now)).get(person_id)
        if found is None:
            return NotDue(("not_declared",))
        row, standings = found.person, tuple(found.standings.values())
        day, reasons = stored_day(row[2]), found.reasons
        if reasons:
            return NotDue(reasons, day, found.due, standings)
        second = row[4] if row[3] + APART <= row[4] < NEVER else None
        notes = reasons_in(Of.CLOCK, row[6])
        if REMINDED in notes:
            notes = (REMINDED,)
        return Due(found.due, day, row[3], second, notes, standings)

    async def still(self, reader: Reader, person_ids: Collection[int], now: datetime) -> dict[int, str]:
        """Of these persons, those who need no reminder any more, with the reason; by one statement."""
        if not person_ids:
            return {}
        found = await self._ask(reader, person_ids, now)
        ended = {person_id: "not_declared" for person_id in person_ids if person_id not in found}
        for person_id, answer in found.items():
            # who can't be reached may be so again; that is for whoever sends to say
            reasons = [reason for reason in answer.reasons if reason not in BY_REASON]
            if reasons:
                ended[person_id] = reasons[0]
        return ended

    def given(self, clocks: Sequence[WallClock]) -> list[str]:
        """The parameters of `tables`: the wall clocks of all zones in question, and what is wanted."""
        schemes = self._wanted.schemes
        every = {asked.every_days for asked in schemes}
        return [
            _json([clock.row() for clock in clocks]),
            _json([[asked.scheme, asked.every_days, int(asked.held)] for asked in schemes]),
            _json([span for clock in clocks for span in clock.spans(every)]),
        ]

    def hours(self) -> str:
        """The parameter of `persons`."""
        rows = [[each.prefix, each.first, _minute(each.second)] for each in self._wanted.hours]
        return _json(rows)

    async def _ask(self, reader: Reader, person_ids: Collection[int], now: datetime) -> dict[int, _Answer]:
        listed = self._database.listed(sorted(person_ids))
        while True:
            clocks = [wall_clock(name, now, now - CATCH_UP) for name in self._zones]
            rows = await reader.fetch(self._statement, [*self.given(clocks), self.hours(), listed])
            unknown = {row[9] for row in rows if row[9] is not None}
            if not unknown:
                break
            self._zones |= unknown
        answers: dict[int, _Answer] = {}
        for row in rows:
            answer = answers.setdefault(row[0], _Answer(row))
            reasons = reasons_in(Of.RESIDENT, row[8])
            answer.standings.setdefault(row[7], Standing(row[7], row[7] == row[1], reasons))
        return answers


def _statement(dialect: str, scope: str) -> str:
    """A row for every person and resident for whom they speak, the own one first."""
    names = {"r": "r", "z": "rz"}
    return f"""WITH {tables(dialect)}, {persons(dialect, scope)}
SELECT p.person_id, p.resident_id, z.day_text, p.first_minute, p.second_minute, {mask(Of.PERSON, {})},
  {mask(Of.CLOCK, {})}, r.resident_id, {mask(Of.RESIDENT, names)},
  CASE WHEN z.zone IS NULL THEN p.zone WHEN rz.zone IS NULL THEN r.zone END
FROM persons p LEFT JOIN zones z ON z.zone = p.zone
JOIN accounts x ON x.person_id = p.person_id JOIN account_residents y ON y.account_id = x.id
JOIN residents r ON r.resident_id = y.resident_id LEFT JOIN zones rz ON rz.zone = r.zone
ORDER BY p.person_id, CASE WHEN r.resident_id = p.resident_id THEN 0 ELSE 1 END, y.since, y.id"""  # noqa: S608 - our own names


def _minute(minute: int | None) -> int:
    return NEVER if minute is None else minute


def _json(rows: Iterable[Sequence[object]]) -> str:
    return orjson.dumps(list(rows)).decode()
