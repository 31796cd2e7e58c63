"""Whose report of yesterday is missing becomes somebody whom the community looks after, and stops being so.

Who had a report to make is asked of the one table that reminders ask (`bot.notices.due`). A resident who got a
reminder and stayed silent is another case than one whom no reminder reached: the reason of that is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta

import orjson

from bot.clock import day_begins, resident_day, zone
from bot.notices.conditions import REMINDER, given_rows
from bot.notices.due import BY_CODE, REMINDER_KEY, DueReports, Of, of, renamed, resident_is_due, tables
from bot.notices.quiet_hours import known_zone
from bot.notices.wall_clocks import LAST_MINUTE, WallClock, passed
from bot.services.policy import Policies
from bot.store.database import Session
from bot.store.ids import new_id

NOT_REACHED, SILENT = "not_reached", "silent"

MISSED = f"('{NOT_REACHED}', '{SILENT}')"
NO_REMINDER = "no_reminder"
"""Nothing kept a reminder from them, and none was written: it was due while nobody ran, or its hour was past."""
LOOKS_BACK = timedelta(days=1)
"""A run looks back no further: what fell due before is of a day of which nothing is asked any more."""
_ONE_DAY = timedelta(days=1)
_DAYS_AHEAD = 3

_SPEAK = "account_residents l JOIN accounts a ON a.id = l.account_id WHERE l.resident_id = r.resident_id"
_OWN_DAYS = (
    "(SELECT x.reminder_days FROM account_residents y JOIN accounts b ON b.id = y.account_id"
    " JOIN residents x ON x.resident_id = y.resident_id WHERE b.person_id = a.person_id AND y.relation = 'self'"
    " ORDER BY y.since, y.id LIMIT 1)"
)
_KEY = renamed(REMINDER_KEY, {"p": "a"})
_REMINDERS = (
    f"FROM account_residents l JOIN accounts a ON a.id = l.account_id JOIN notices n ON n.person_id = a.person_id"
    f" AND n.kind = '{REMINDER}' AND (n.dedup_key = {_KEY} || '1' OR n.dedup_key = {_KEY} || '2')"
    " WHERE l.resident_id = r.resident_id"
)
_WHY_NOT_SENT = (
    "(SELECT CASE WHEN n.reason <> '' THEN n.reason ELSE n.state END"
    f" {_REMINDERS} ORDER BY n.created_at DESC, n.id DESC LIMIT 1)"
)
_PERSON_REASONS = "".join(f" WHEN {each.sql} THEN '{each.reason}'" for each in of(Of.PERSON))
_WHY_NOT_WRITTEN = (
    f"(SELECT CASE{_PERSON_REASONS} ELSE '{NO_REMINDER}' END"  # noqa: S608 - our own names
    f" FROM (SELECT a.person_id, 0 AS consents, 0 AS open, {_OWN_DAYS} AS reminder_days, l.relation, l.since, l.id FROM {_SPEAK}) p"
    " ORDER BY CASE WHEN p.relation = 'self' THEN 0 ELSE 1 END, p.since, p.id LIMIT 1)"
)
_HOUR = (
    "(SELECT q.minute FROM places q WHERE substr(COALESCE(r.division, ''), 1, length(q.prefix)) = q.prefix"
    " ORDER BY length(q.prefix) DESC LIMIT 1)"
)
_PLACE_COLUMNS = {"prefix": "text", "minute": "int"}

REPORTED = "r.resident_id = f.resident_id AND (r.last_punch_in >= f.last_day OR r.declared_at > f.opened_at)"
"""The report came that the follow-up `f` of resident `r` waits for; a declaration counts as one."""
_ASKED_NOTHING = " OR ".join(
    f"({BY_CODE[reason].sql})" for reason in ("not_declared", "no_code", "no_longer_asked")
)


def hours_passed(
    policies: Policies, zones: Iterable[str], *, since: datetime, slot: datetime
) -> list[list[WallClock]]:
    """The wall clocks that showed a community's hour after `since` and until `slot`, of the day before today and of
    today; each has the day before it as its `day`, whose reports are asked for."""
    minutes = {policy.follow_up_at for _, policy in policies.by_prefix()}
    found: list[list[WallClock]] = [[], []]
    for name in zones:
        place = known_zone(name)
        today = resident_day(slot, place)
        for clocks, back in zip(found, (1, 0), strict=True):
            day = today - back * _ONE_DAY
            begins, ends = day_begins(day, place), day_begins(day + _ONE_DAY, place)
            if ends <= since:
                continue
            first = 0 if since < begins else passed(since, place) + 1
            last = passed(slot, place) if back == 0 else LAST_MINUTE
            if any(first <= minute <= last for minute in minutes):
                clocks.append(WallClock(name, slot, day - _ONE_DAY, first, last, ends))
    return [clocks for clocks in found if clocks]


def next_hour(policies: Policies, zones: Iterable[str], after: datetime) -> datetime | None:
    """The first instant later than `after` at which a community's hour comes; None where nobody lives."""
    minutes = {policy.follow_up_at for _, policy in policies.by_prefix()}
    times = [time(minute // 60, minute % 60) for minute in minutes]
    points = (
        datetime.combine(resident_day(after, place) + ahead * _ONE_DAY, at, zone(place))
        for place in {known_zone(name) for name in zones}
        for ahead in range(_DAYS_AHEAD)
        for at in times
    )
    later = (day_point.astimezone(after.tzinfo) for day_point in points)
    return min((point for point in later if point > after), default=None)


class MissedReports:
    """Writes the follow-ups of missing reports, and ends those that are over; by one statement each."""

    def __init__(self, dialect: str, due: DueReports, policies: Policies) -> None:
        self._due = due
        rows = [[prefix, policy.follow_up_at] for prefix, policy in policies.by_prefix()]
        self._places = orjson.dumps(rows).decode()
        given = tables(dialect)
        places = given_rows(dialect, "places", _PLACE_COLUMNS)
        # SQLite counts the rows of what begins with INSERT, and not of what begins with WITH
        self._open = f"{_INSERT} WITH {given}, {places} {_MISSED_REPORTS}"
        self._close = f"WITH {given} {_OVER} RETURNING resident_id"

    async def open(
        self, session: Session, clocks: Sequence[WallClock], first_id: int, last_id: int, *, now: datetime
    ) -> int:
        """Follow up residents of these ids (the first one excluded); safe to repeat. Returns for how many."""
        params = [*self._due.given(clocks), self._places, new_id() >> 1, now, first_id, last_id]
        count = await session.execute(self._open, params)
        await session.execute(_OTHER_CLASS, [now, first_id, last_id])
        return count

    async def close(self, session: Session, first_id: int, last_id: int, *, now: datetime) -> int:
        """End those of whom a report came, of whom none is asked any more, or who had everything deleted."""
        return len(await session.fetch(self._close, [*self._due.given([]), now, first_id, last_id]))


# a class is decided once for a day; the open row of the same class goes on, also over days without a run
_INSERT = (
    "INSERT INTO follow_ups (id, resident_id, reason, day, last_day, state, division, detail, opened_at)"
)
_MISSED_REPORTS = f"""
SELECT ? + row_number() OVER (ORDER BY m.resident_id), m.resident_id, m.reason,
  COALESCE((SELECT MAX(f.day) FROM follow_ups f WHERE f.resident_id = m.resident_id AND f.reason = m.reason
    AND f.state = 'open'), m.day), m.day, 'open', m.division, m.detail, ?
FROM (SELECT c.resident_id, c.division, c.day, CASE WHEN c.reached = 1 THEN '{SILENT}' ELSE '{NOT_REACHED}' END AS reason,
    CASE WHEN c.reached = 1 THEN '' ELSE COALESCE(c.not_sent, c.not_written, 'no_account') END AS detail
  FROM (SELECT r.resident_id, r.division, z.day,
      CASE WHEN EXISTS (SELECT 1 {_REMINDERS} AND n.state = 'sent') THEN 1 ELSE 0 END AS reached,
      {_WHY_NOT_SENT} AS not_sent, {_WHY_NOT_WRITTEN} AS not_written
    FROM residents r JOIN zones z ON z.zone = r.zone
    WHERE r.resident_id > ? AND r.resident_id <= ?
      AND {_HOUR} BETWEEN z.first_minute AND z.last_minute AND {resident_is_due()}) c) m
WHERE NOT EXISTS (SELECT 1 FROM follow_ups f WHERE f.resident_id = m.resident_id AND f.reason IN {MISSED}
  AND f.last_day >= m.day)
ON CONFLICT (resident_id, reason, day) DO UPDATE SET last_day = excluded.last_day, detail = excluded.detail,
  division = excluded.division WHERE follow_ups.state = 'open'"""  # noqa: S608 - our own names

_OTHER_CLASS = f"""
UPDATE follow_ups SET state = 'closed', closed_at = ?, closed_why = 'ended'
WHERE state = 'open' AND reason IN {MISSED} AND resident_id > ? AND resident_id <= ?
  AND EXISTS (SELECT 1 FROM follow_ups o WHERE o.resident_id = follow_ups.resident_id AND o.state = 'open'
    AND o.reason IN {MISSED} AND o.reason <> follow_ups.reason AND o.last_day > follow_ups.last_day)"""  # noqa: S608 - our own names

_OVER = f"""
UPDATE follow_ups AS f SET state = 'closed', closed_at = ?,
  closed_why = CASE WHEN f.reason IN {MISSED} AND EXISTS (SELECT 1 FROM residents r WHERE {REPORTED})
    THEN 'reported' ELSE 'released' END
WHERE f.state = 'open' AND f.resident_id > ? AND f.resident_id <= ? AND (
  NOT EXISTS (SELECT 1 FROM residents r WHERE r.resident_id = f.resident_id AND r.erased_at IS NULL)
  OR f.reason IN {MISSED} AND EXISTS (SELECT 1 FROM residents r WHERE {REPORTED})
  OR f.reason IN {MISSED} AND EXISTS (SELECT 1 FROM residents r WHERE r.resident_id = f.resident_id
    AND ({_ASKED_NOTHING})))"""  # noqa: S608 - our own names
