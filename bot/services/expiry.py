"""Warns before a code expires for want of a report: whose last report ends when, and who is told once.

Everybody in one zone whose last report is of one day is covered by one rule book until the same instant; these few
combinations are worked out first, and residents are compared with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from bot.clock import day_begins, resident_day
from bot.core.model import Colour
from bot.core.rules import RuleBook
from bot.notices.conditions import given_rows
from bot.notices.outbox import notify
from bot.notices.quiet_hours import known_zone
from bot.services.colour_notices import persons_of
from bot.services.world import World
from bot.store.database import Database, Row, instant
from bot.store.work import Work

KIND = "code_expiring"
_ONE_DAY = timedelta(days=1)
_NEVER = timedelta(0)
_LONGEST_AHEAD = 5  # days in which the next warning is looked for: the longest warning and more than a day

_COLUMNS = {
    "n": "int", "scheme": "text", "zone": "text", "day": "date", "begins": "timestamptz", "ends": "timestamptz",
    "at": "timestamptz",
}  # fmt: skip
# a declaration counts as a report of its day
_LAST_REPORT = (
    "(r.last_punch_in = e.day AND (r.declared_at IS NULL OR r.declared_at < e.ends)"
    " OR r.declared_at >= e.begins AND r.declared_at < e.ends"
    " AND (r.last_punch_in IS NULL OR r.last_punch_in <= e.day))"
)


@dataclass(frozen=True, slots=True)
class Ending:
    """The codes of one scheme in one zone whose last report is of that day are covered until `at`.

    An unknown zone is the usual one, under its own name.
    """

    scheme: str
    zone: str
    day: date
    at: datetime

    def row(self) -> list[str | int]:
        """The columns of `_COLUMNS`."""
        begins, ends = (day_begins(each, known_zone(self.zone)) for each in (self.day, self.day + _ONE_DAY))
        return [0, self.scheme, self.zone, self.day.isoformat(), *map(_text, (begins, ends, self.at))]


@dataclass(slots=True)
class _Warning:
    """What one person is told: the codes that expire first, and until when those of them are covered."""

    at: datetime
    zone: str
    schemes: list[str] = field(default_factory=list)


def endings(world: World, zones: Iterable[str], *, since: datetime, slot: datetime) -> list[Ending]:
    """Whose warning falls due after `since` and until `slot`. Nobody is warned on the day of a report: another one
    on the same day would not make it last longer."""
    wanted, found = _warned_before(world), []
    for zone in zones:
        place = known_zone(zone)
        today = resident_day(slot, place)
        for scheme, book in _expiring(world, slot):
            assert book.report is not None
            for back in range(1, book.report.valid_days + 1):
                at = book.covered_until(today - back * _ONE_DAY, place)
                if at is not None and at > slot and any(since < at - before <= slot for before in wanted):
                    found.append(Ending(scheme, zone, today - back * _ONE_DAY, at))
    return found


def next_warning(world: World, zones: Iterable[str], after: datetime) -> datetime | None:
    """The first instant later than `after` at which a warning can fall due; None if there are none."""
    if not _expiring(world, after):
        return None
    points = (
        day_begins(resident_day(after, place) + ahead * _ONE_DAY, place) - before
        for place in {known_zone(zone) for zone in zones}
        for ahead in range(_LONGEST_AHEAD)
        for before in _warned_before(world)
    )
    return min((point for point in points if point > after), default=None)


class Warnings:
    """Writes the warnings of one run; `since` and `slot` are those of the run."""

    def __init__(
        self, world: World, database: Database, found: Sequence[Ending], *, since: datetime, slot: datetime
    ) -> None:
        self._world = world
        self._database = database
        self._since = since
        self._slot = slot
        self._given = orjson.dumps([each.row() for each in found]).decode()
        self._order = {scheme.id: place for place, scheme in enumerate(world.schemes)}

    async def record(self, work: Work, first_id: int, last_id: int) -> int:
        """Record one notice for everybody who speaks for a resident of these ids (the first one excluded) with
        codes that expire; returns how many.

        Each is told of everybody they speak for, wherever those are among the ids: a second notice for the same day
        is not written.
        """
        rows = await self._read("r.resident_id > ? AND r.resident_id <= ?", [first_id, last_id])
        if not rows:
            return 0
        persons = await persons_of(self._database, {row[0] for row in rows})
        spoken_for = await self._residents_of({each for found in persons.values() for each in found})
        whole = await self._read(
            self._database.among("r.resident_id"),
            [self._database.listed({each for own, all_ in spoken_for.values() for each in all_})],
        )
        for person_id, (own, residents) in sorted(spoken_for.items()):
            warning = self._merged([row for row in whole if row[0] in residents])
            if warning is not None:
                self._tell(work, person_id, own, warning)
        return len(spoken_for)

    async def _read(self, where: str, params: list[Any]) -> list[Row]:
        """Resident, zone, scheme and end, of those whose own community warns now."""
        rows = await self._database.fetch(
            f"WITH {given_rows(self._database.dialect, 'endings', _COLUMNS)}"  # noqa: S608 - our own names
            " SELECT r.resident_id, r.zone, h.scheme, e.at, r.division FROM residents r"
            " JOIN endings e ON e.zone = r.zone JOIN health_codes h ON h.resident_id = r.resident_id"
            f" AND h.scheme = e.scheme WHERE {where} AND r.erased_at IS NULL AND h.colour = '{Colour.GREEN}'"
            f" AND {_LAST_REPORT}",
            [self._given, *params],
        )
        return [row for row in rows if self._warns_now(row[4], instant(row[3]))]

    def _warns_now(self, division: str | None, at: datetime) -> bool:
        before = self._world.policies.of(division).warn_before
        return before > _NEVER and self._since < at - before <= self._slot

    async def _residents_of(self, person_ids: Iterable[int]) -> dict[int, tuple[int, set[int]]]:
        """Each person's own resident (or else the first one that they speak for), and all of them."""
        rows = await self._database.fetch(
            "SELECT a.person_id, l.resident_id FROM accounts a JOIN account_residents l ON l.account_id = a.id"  # noqa: S608 - our own names
            f" WHERE {self._database.among('a.person_id')}"
            " ORDER BY a.person_id, CASE WHEN l.relation = 'self' THEN 0 ELSE 1 END, l.since, l.id",
            [self._database.listed(sorted(set(person_ids)))],
        )
        found: dict[int, tuple[int, set[int]]] = {}
        for person_id, resident_id in rows:
            found.setdefault(person_id, (resident_id, set()))[1].add(resident_id)
        return found

    def _merged(self, rows: Sequence[Row]) -> _Warning | None:
        """The codes that expire first, each once."""
        if not rows:
            return None
        first = min(rows, key=lambda row: (instant(row[3]), row[0]))
        at = instant(first[3])
        schemes = {row[2] for row in rows if instant(row[3]) == at}
        return _Warning(
            at,
            known_zone(first[1]),
            sorted(schemes, key=lambda each: self._order.get(each, len(self._order))),
        )

    def _tell(self, work: Work, person_id: int, own: int, warning: _Warning) -> None:
        day = resident_day(warning.at, warning.zone)
        notify(
            work,
            self._world.keys,
            resident_id=own,
            person_id=person_id,
            kind=KIND,
            params={"schemes": warning.schemes, "at": warning.at.isoformat(), "zone": warning.zone},
            dedup_key=f"expiring:{day.isoformat()}",
            expires_at=warning.at,
        )


def _expiring(world: World, at: datetime) -> list[tuple[str, RuleBook]]:
    """The schemes whose book lets a code expire without a report."""
    found = ((scheme.id, world.book(scheme.id, at)) for scheme in world.schemes if scheme.local)
    return [
        (scheme, book)
        for scheme, book in found
        if book is not None and book.report is not None and book.report.when_missing != "keep"
    ]


def _warned_before(world: World) -> set[timedelta]:
    return {policy.warn_before for _, policy in world.policies.by_prefix()} - {_NEVER}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(" ")
