"""The one door for facts from outside: checks everything at once, stores, scores, and asks first where a rule wants it.

Feeds, workers and connectors come through here; what residents say about themselves does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import orjson

from bot.core.facts import DIVISION, FactKind, check_fact
from bot.core.model import Detail, Fact, Identity
from bot.errors import DataError, FactRefused, NotFound
from bot.services.asking import ask_at_once
from bot.services.colour_notices import persons_of
from bot.services.facts import record, withdraw
from bot.services.rescorer import Rescorer
from bot.services.world import World
from bot.store.database import Database, Row
from bot.store.ids import new_id
from bot.store.snapshot import FACT_COLUMNS, Resident, fact_from
from bot.store.work import Work

CAUSE = "fact"
_OWN_WORDS = frozenset({"declaration", "punch_in", "resident"})
"""Sources that only the resident's own conversation may name."""
_COUNTY = 6
_LONGEST_REFERENCE, _LONGEST_OCCURRENCE, _LONGEST_WHY = 96, 64, 48


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact as its source states it. `reference` is the source's own number of it, unique for a resident."""

    resident_id: int
    kind: str
    start: date
    source: str
    reference: str
    end: date | None = None
    division: str | None = None
    occurrence: str | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)

    def same(self, fact: Fact) -> bool:
        """Whether a stored fact says just this."""
        stated = (self.kind, self.start, self.end, self.division, self.occurrence, dict(self.details))
        stored = (fact.kind, fact.start, fact.end, fact.division, fact.occurrence, dict(fact.details))
        return stated == stored


def load_divisions(path: Path) -> frozenset[str]:
    """Every division code that exists or ever existed, unpadded; DataError if the file can't be read."""
    try:
        content = orjson.loads(path.read_bytes())
        at = content["columns"].index("code")
        return frozenset(str(row[at]) for row in content["rows"])
    except (OSError, orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError([f"{path.name}: not a division file ({type(error).__name__})"]) from error


class FactDoor:
    """Takes facts and their corrections from outside. `divisions` are all codes of `load_divisions`."""

    def __init__(
        self, world: World, database: Database, rescorer: Rescorer, divisions: frozenset[str]
    ) -> None:
        self._world = world
        self._database = database
        self._rescorer = rescorer
        self._divisions = divisions

    async def take(self, new: NewFact, *, now: datetime) -> Fact:
        """Store a fact that became known now, and return it as stored; the same one again has no effect.

        FactRefused names everything that is wrong at once, and then nothing is stored; NotFound if there is no
        such resident.
        """
        stored = await self._stored(new.resident_id, new.source, new.reference)
        problems = await self._problems(new, stored, now)
        if problems:
            raise FactRefused(problems)
        if stored is not None:
            return stored
        persons = (await persons_of(self._database, [new.resident_id])).get(new.resident_id, [])
        taken: list[Fact] = []

        def body(work: Work, resident: Resident) -> None:
            taken[:] = [self._record(work, resident, new)]
            ask_at_once(self._world, work, resident, persons, about=taken[0].id)

        await self._rescorer.apply(new.resident_id, body, cause=CAUSE, now=now)
        return taken[0]

    async def withdraw(
        self, resident_id: int, source: str, reference: str, why: str, *, now: datetime
    ) -> None:
        """Take a fact back, as its source says; one that is withdrawn already stays so. NotFound without it."""
        if not 0 < len(why) <= _LONGEST_WHY:
            raise FactRefused([f"the reason of a withdrawal has 1 to {_LONGEST_WHY} characters"])
        stored = await self._stored(resident_id, source, reference)
        if stored is None:
            raise NotFound("there is no such fact")
        if stored.withdrawn_at is not None:
            return

        def body(work: Work, resident: Resident) -> None:
            for fact in [each for each in resident.facts if each.id == stored.id]:
                withdraw(work, resident, fact, why=why)

        await self._rescorer.apply(resident_id, body, cause=CAUSE, now=now)

    def _record(self, work: Work, resident: Resident, new: NewFact) -> Fact:
        """On what was loaded with the resident: what has changed since the first look is seen here."""
        if resident.identity is not Identity.VERIFIED:
            raise FactRefused([_NOT_VERIFIED])
        for fact in resident.facts:
            if (fact.source, fact.reference) == (new.source, new.reference):
                if not new.same(fact):
                    raise FactRefused([_OTHER_CONTENT])
                return fact
        return record(
            work,
            resident,
            kind=new.kind,
            start=new.start,
            end=new.end,
            division=new.division,
            source=new.source,
            reference=new.reference,
            occurrence=new.occurrence,
            details=new.details,
        )

    async def _stored(self, resident_id: int, source: str, reference: str) -> Fact | None:
        if not (source + reference).isprintable():
            return None  # no database holds it, and PostgreSQL takes no question about it
        rows = await self._database.fetch(
            f"SELECT {FACT_COLUMNS} FROM facts WHERE resident_id = ? AND source = ? AND reference = ?",  # noqa: S608 - our own names
            [resident_id, source, reference],
        )
        return fact_from(rows[0]) if rows else None

    async def _problems(self, new: NewFact, stored: Fact | None, now: datetime) -> list[str]:
        identity, zone = await self._resident(new.resident_id)
        problems = list(check_fact(_fact(new, now), zone))
        problems += _length_problems(new)
        if identity != Identity.VERIFIED:
            problems.append(_NOT_VERIFIED)
        if new.division is not None and not self._knows(new.division):
            problems.append(f"unknown division: {new.division!r}")
        if new.source in _OWN_WORDS:
            problems.append(f"{new.source!r} is what residents say themselves, not a source from outside")
        if new.kind == FactKind.ANSWER:
            problems += await self._answer_problems(new)
        if stored is not None and not new.same(stored):
            problems.append(_OTHER_CONTENT)
        return problems

    def _knows(self, division: str) -> bool:
        """A community counts by its county. What is no code at all is another problem, told already."""
        return not DIVISION.fullmatch(division) or division[:_COUNTY] in self._divisions

    async def _answer_problems(self, new: NewFact) -> list[str]:
        """Nobody answers for a resident but a worker, and only about one of the resident's own facts."""
        problems = [] if new.source == "worker" else ["only a worker answers for a resident"]
        rows = await self._database.fetch(
            "SELECT 1 FROM facts WHERE resident_id = ? AND id = ?",
            [new.resident_id, _row_id(new.details.get("about"))],
        )
        if not rows:
            problems.append("'about' names no fact of this resident")
        return problems

    async def _resident(self, resident_id: int) -> Row:
        rows = await self._database.fetch(
            "SELECT identity, zone FROM residents WHERE resident_id = ?", [resident_id]
        )
        if not rows:
            raise NotFound(f"no resident {resident_id}")
        return rows[0]


_NOT_VERIFIED = "the resident's identity is not verified: it takes no facts from outside"
_OTHER_CONTENT = "this reference is taken by a fact with other content"


def _fact(new: NewFact, now: datetime) -> Fact:
    return Fact(
        id=new_id(), kind=new.kind, start=new.start, end=new.end, division=new.division, source=new.source,
        reference=new.reference, occurrence=new.occurrence, known_at=now, details=new.details,
    )  # fmt: skip


def _length_problems(new: NewFact) -> list[str]:
    problems = []
    for name, value, longest in (
        ("reference", new.reference, _LONGEST_REFERENCE),
        ("occurrence", new.occurrence or "", _LONGEST_OCCURRENCE),
    ):
        if len(value) > longest:
            problems.append(f"the {name} has more than {longest} characters")
        if not value.isprintable():
            problems.append(f"the {name} has characters that can't be printed")
    return problems


def _row_id(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else 0
