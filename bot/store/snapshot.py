"""What one message needs to know, loaded for many messages at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson

from bot.clock import resident_day
from bot.core.model import Fact, Identity, Person, PunchInDay
from bot.errors import NotLoaded
from bot.store.database import day, day_or_none, instant, instant_or_none

RECENT_DAYS = 1  # today, wherever it began
HISTORY_DAYS = 30  # days that are read for a whole resident; those since the earliest standing fact come too


@dataclass(slots=True)
class Account:
    """One person's presence on one platform. `stored` is false until its row is written."""

    id: int
    channel: str
    external_index: str
    language: str = "zh"
    consent: str = "none"
    following: bool = True
    stored: bool = True
    person_id: int = 0
    blocked: bool = False
    window_until: datetime | None = None
    window_left: int = 0


@dataclass(slots=True)
class Dialogue:
    """Where the conversation stands, as it was read; `state_sealed` opens to its answers."""

    form: str = ""
    step: str = ""
    state_sealed: bytes | None = None
    version: int = 0
    expires_at: datetime | None = None
    stored: bool = False


@dataclass(slots=True)
class Code:
    """A health code as stored."""

    id: int
    scheme: str
    colour: str
    state: str
    since: datetime
    version: str
    assessment: str
    next_change_at: datetime | None
    covered_until: datetime | None
    held_since: datetime


@dataclass(slots=True)
class PunchIn:
    """One day's report as stored."""

    id: int
    day: date
    revision: int
    receipt: str
    temperature_tenths: int | None
    symptoms: tuple[str, ...]
    no_change: bool
    normal: bool


@dataclass(slots=True)
class Resident:
    """A resident with everything that a colour is made from; what is personal is still sealed.

    Most messages need neither the facts nor the days before the last few, so these are read only for whoever
    asks: without them `facts` raises NotLoaded, and the message is answered again with all of it.
    """

    resident_id: int
    identity: Identity
    certificate_kind: str
    name_sealed: bytes | None
    birth_sealed: bytes | None
    division: str | None
    zone: str
    declared_at: datetime | None
    last_punch_in: date | None
    input_version: int
    codes: dict[str, Code] = field(default_factory=dict)
    standing_facts: list[Fact] | None = field(default_factory=list)
    punch_ins: dict[date, PunchIn] = field(default_factory=dict)
    minor: bool = False
    stored: bool = True
    hinted_on: date | None = None

    @property
    def facts(self) -> list[Fact]:
        """The facts that stand, oldest first."""
        if self.standing_facts is None:
            raise NotLoaded
        return self.standing_facts

    @facts.setter
    def facts(self, facts: list[Fact]) -> None:
        self.standing_facts = facts

    def person(self) -> Person:
        """The resident as the rules see them."""
        return Person(
            identity=self.identity,
            declared=self.declared_at is not None,
            zone=self.zone,
            home=self.division,
            minor=self.minor,
            facts=tuple(self.facts),
            punch_in_days=tuple([PunchInDay(each.day, each.normal) for each in self.punch_ins.values()]),
            declared_day=resident_day(self.declared_at, self.zone) if self.declared_at else None,
        )


@dataclass(frozen=True, slots=True)
class StoredReply:
    """The inbox row of a message that was delivered before."""

    state: str
    reply_sealed: bytes | None
    owner: str


@dataclass(frozen=True, slots=True)
class WaitingNotice:
    """A notice that can be told with the next answer."""

    id: int
    resident_id: int
    kind: str
    params_sealed: bytes
    created_at: datetime
    attempts: int = 0
    account_id: int = 0
    state: str = "queued"


@dataclass(slots=True)
class Snapshot:
    """All of it, for one message: `own` is the resident who writes, `residents` all for whom the account speaks."""

    account: Account | None = None
    dialogue: Dialogue = field(default_factory=Dialogue)
    own: Resident | None = None
    residents: list[Resident] = field(default_factory=list)
    reply: StoredReply | None = None
    notices: list[WaitingNotice] = field(default_factory=list)


def account_from(row: Mapping[int, Any] | Any) -> tuple[Account, Dialogue]:
    """An account and its dialogue from a row of the accounts query."""
    account = Account(
        id=row[0],
        channel=row[1],
        external_index=row[2],
        language=row[3],
        consent=row[4],
        following=bool(row[5]),
        person_id=row[11],
        blocked=bool(row[12]),
        window_until=instant_or_none(row[13]),
        window_left=row[14],
    )
    if row[8] is None:
        return account, Dialogue()
    dialogue = Dialogue(row[6], row[7], row[9], row[8], instant_or_none(row[10]), stored=True)
    return account, dialogue


def resident_from(row: Any) -> Resident:
    """A resident from a row of the residents query."""
    return Resident(
        resident_id=row[0],
        identity=Identity(row[1]),
        certificate_kind=row[2],
        name_sealed=row[3],
        birth_sealed=row[4],
        division=row[5],
        zone=row[6],
        declared_at=instant_or_none(row[7]),
        last_punch_in=day_or_none(row[8]),
        input_version=row[9],
        hinted_on=day_or_none(row[10]),
    )


def code_from(row: Any) -> Code:
    """A health code from a row whose first column is the resident."""
    _, id_, scheme, colour, state, since, version, assessment, next_change_at, covered_until, held_since = row
    return Code(
        id_,
        scheme,
        colour,
        state,
        instant(since),
        version,
        assessment,
        None if next_change_at is None else instant(next_change_at),
        None if covered_until is None else instant(covered_until),
        instant(held_since),
    )


FACT_COLUMNS = (
    "resident_id, id, kind, start_day, end_day, division, source, reference, occurrence_id, details, known_at,"
    " withdrawn_at"
)
"""The columns of a row that `fact_from` reads, in their order."""


def fact_from(row: Any) -> Fact:
    """A fact from a row whose first column is the resident."""
    return Fact(
        id=row[1],
        kind=row[2],
        start=day(row[3]),
        end=day_or_none(row[4]),
        division=row[5],
        source=row[6],
        reference=row[7],
        occurrence=row[8],
        details=orjson.loads(row[9]) if row[9] != "{}" else {},
        known_at=instant(row[10]),
        withdrawn_at=instant_or_none(row[11]),
    )


def punch_in_from(row: Any) -> PunchIn:
    """A punch-in from a row whose first column is the resident."""
    return PunchIn(
        id=row[1],
        day=day(row[2]),
        revision=row[3],
        receipt=row[4],
        temperature_tenths=row[5],
        symptoms=tuple(row[6].split(",")) if row[6] else (),
        no_change=bool(row[7]),
        normal=bool(row[8]),
    )


def notice_from(row: Any) -> WaitingNotice:
    """A waiting notice from a row whose first column is the person."""
    return WaitingNotice(row[1], row[2], row[3], row[4], instant(row[5]), row[6], row[7], row[8])
