"""Who reports for whom: the members of a guardian, and the guardians of a member, as the parties may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot.clock import day_begins
from bot.services.certificates import ADULT_YEARS, is_minor
from bot.store.database import Database, Row, instant, instant_or_none
from bot.store.sealing import KeyRing

LABEL = "guardianships.label"
ASKED, ACTIVE, REFUSED, EXPIRED, ENDED = "asked", "active", "refused", "expired", "ended"
BY_MEMBER, BY_WORKER = "member", "worker"
"""Who has to answer while it is asked."""
_TAIL = 4

_MEMBERS = (
    "SELECT g.id, g.resident_id, g.state, g.waits_for, g.label_sealed, g.since, r.birth_sealed"
    " FROM guardianships g JOIN residents r ON r.resident_id = g.resident_id"
    " WHERE g.guardian_id = ? AND g.state IN ('asked', 'active') ORDER BY g.resident_id"
)
_GUARDIANS = (
    "SELECT g.id, g.guardian_id, g.state, g.waits_for, g.since, g.expires_at, r.name_sealed, r.phone_sealed"
    " FROM guardianships g JOIN residents r ON r.resident_id = g.guardian_id"
    " WHERE g.resident_id = ? AND g.state IN ('asked', 'active') ORDER BY g.since, g.id"
)
_SPEAKERS = (
    "SELECT a.id, a.person_id FROM account_residents l JOIN accounts a ON a.id = l.account_id"
    " WHERE l.resident_id = ? AND l.relation = 'self' AND a.consent = 'given' ORDER BY l.since, a.id"
)


@dataclass(frozen=True, slots=True)
class Member:
    """One for whom a guardian reports, or has asked to (`state`: active, asked).

    `label` is what the guardian calls them. The order of members is that of `Context.residents`.
    """

    guardianship_id: int
    resident_id: int
    label: str
    state: str
    waits_for: str
    since: datetime
    birth: date | None = None

    def __repr__(self) -> str:
        return f"Member(resident_id={self.resident_id}, state={self.state!r})"

    def minor_on(self, day: date) -> bool:
        """Whether they are younger than eighteen on that day; not known is of age."""
        return self.birth is not None and is_minor(self.birth, day)


@dataclass(frozen=True, slots=True)
class Guardian:
    """One who reports for a member, or has asked to; `who` is the masked name, `tail` the end of the phone number."""

    guardianship_id: int
    guardian_id: int
    state: str
    waits_for: str
    since: datetime
    expires_at: datetime | None
    who: str
    tail: str

    def __repr__(self) -> str:
        return f"Guardian(guardian_id={self.guardian_id}, state={self.state!r})"


@dataclass(frozen=True, slots=True)
class Speaker:
    """An account that speaks for a resident as for oneself."""

    account_id: int
    person_id: int


async def members_of(database: Database, keys: KeyRing, guardian_id: int) -> list[Member]:
    """The active and asked members of a guardian, in the order of resident ids."""
    rows = await database.fetch(_MEMBERS, [guardian_id])
    return [_member(keys, row) for row in rows]


async def guardians_of(database: Database, keys: KeyRing, member_id: int) -> list[Guardian]:
    """Who reports for that member or has asked to, the oldest first; names are masked."""
    rows = await database.fetch(_GUARDIANS, [member_id])
    return [_guardian(keys, row) for row in rows]


async def speakers_of(database: Database, resident_id: int) -> list[Speaker]:
    """The accounts of the person who is that resident, the first one first; none: nobody can be asked."""
    return [Speaker(row[0], row[1]) for row in await database.fetch(_SPEAKERS, [resident_id])]


def open_bonds(guardians: Sequence[Guardian], now: datetime) -> list[Guardian]:
    """Those that wait for the member's own answer."""
    return [
        each
        for each in guardians
        if each.state == ASKED
        and each.waits_for == BY_MEMBER
        and (each.expires_at is None or each.expires_at > now)
    ]


def masked_name(name: str) -> str:
    """The first character of a name; all else hidden, its length too."""
    return f"{name[:1]}**"


def of_age_at(birth: date | None, zone: str) -> datetime | None:
    """The instant at which somebody comes of age where they live; who was born on 29 February on 1 March."""
    if birth is None:
        return None
    year = birth.year + ADULT_YEARS
    leapless = (birth.month, birth.day) == (2, 29) and not _is_leap(year)
    return day_begins(date(year, 3, 1) if leapless else birth.replace(year=year), zone)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _member(keys: KeyRing, row: Row) -> Member:
    id_, resident_id, state, waits_for, label, since, birth = row
    return Member(
        guardianship_id=id_,
        resident_id=resident_id,
        label="" if label is None else keys.open(LABEL, label),
        state=state,
        waits_for=waits_for,
        since=instant(since),
        birth=None if birth is None else date.fromisoformat(keys.open("residents.birth", birth)),
    )


def _guardian(keys: KeyRing, row: Row) -> Guardian:
    id_, guardian_id, state, waits_for, since, expires_at, name, phone = row
    return Guardian(
        guardianship_id=id_,
        guardian_id=guardian_id,
        state=state,
        waits_for=waits_for,
        since=instant(since),
        expires_at=instant_or_none(expires_at),
        who="**" if name is None else masked_name(keys.open("residents.name", name)),
        tail="" if phone is None else keys.open("residents.phone", phone)[-_TAIL:],
    )
