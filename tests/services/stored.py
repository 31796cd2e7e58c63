"""Residents in a database, made by the services themselves: for tests of what runs over many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from bot.clock import DEFAULT_ZONE
from bot.core.model import Identity, RiskEntry, RiskMap
from bot.services.codes import hold
from bot.services.facts import record
from bot.services.rescore import rescore
from bot.services.rescorer import Rescorer
from bot.services.world import World
from bot.store.database import Database
from bot.store.ids import new_id
from bot.store.loader import Loader
from bot.store.snapshot import PunchIn, Resident
from bot.store.work import Work
from bot.store.writer import Writer
from tests.conversation.world import make_world
from tests.fakes.clock import MORNING

TODAY = date(2020, 2, 20)
FEVER: Mapping[str, Any] = {"kind": "symptom", "start": TODAY, "details": {"code": "fever"}}


def stay(division: str, back: int = 3, end: int = 2) -> dict[str, Any]:
    """A stay in that division from so many days ago to so many days ago."""
    first, last = TODAY - timedelta(days=back), TODAY - timedelta(days=end)
    return {"kind": "stay", "start": first, "end": last, "division": division}


def low_world(**levels: str) -> World:
    """Low everywhere that the tests go; `d3303="high"` says otherwise."""
    known_at = MORNING - timedelta(days=60)
    made = make_world()
    wanted = {"42": "low", "44": "low", "33": "low"} | {name[1:]: level for name, level in levels.items()}
    made.risk = RiskMap(
        RiskEntry(division, date(2020, 1, 1), None, level, known_at) for division, level in wanted.items()
    )
    return made


@dataclass
class Stored:
    """Who is to be stored; the codes are scored as of `days_ago`, without the facts that are `late`."""

    facts: Sequence[Mapping[str, Any]] = ()
    late: Sequence[Mapping[str, Any]] = ()
    schemes: Sequence[str] = ("hubei",)
    division: str = "420106"
    punch_ins: Iterable[int] = (1, 2)
    accounts: int = 1
    days_ago: int = 1
    resident_id: int = field(default_factory=new_id)

    async def store(self, world: World, writer: Writer) -> int:
        """Write everything and return the resident's id."""
        scored = Work(now=MORNING - timedelta(days=self.days_ago))
        person = self._resident(scored)
        for number in range(self.accounts):
            self._account(scored, number)
        for back in self.punch_ins:
            self._punch_in(scored, person, TODAY - timedelta(days=back))
        for number, fact in enumerate(self.facts):
            record(scored, person, **{"source": "punch_in", "reference": str(number)} | dict(fact))
        for scheme in self.schemes:
            hold(world, scored, person, scheme)
        rescore(world, scored, person, cause="declared")
        for number, fact in enumerate(self.late, start=100):
            record(scored, person, **{"source": "punch_in", "reference": str(number)} | dict(fact))
        assert await writer.commit(scored) == "committed"
        return self.resident_id

    def _resident(self, work: Work) -> Resident:
        declared = MORNING - timedelta(days=20)
        person = Resident(
            resident_id=self.resident_id, identity=Identity.VERIFIED, certificate_kind="id_card",
            name_sealed=None, birth_sealed=None, division=self.division, zone=DEFAULT_ZONE,
            declared_at=declared, last_punch_in=None, input_version=0, stored=False,
        )  # fmt: skip
        work.insert(
            "residents", resident_id=self.resident_id, identity="verified", division=self.division,
            zone=DEFAULT_ZONE, declared_at=declared, created_at=declared,
        )  # fmt: skip
        work.touch(self.resident_id, 0)
        return person

    def _account(self, work: Work, number: int) -> None:
        account_id = new_id()
        work.insert(
            "accounts", id=account_id, person_id=account_id, channel="wechat_official", external_index=f"i:{account_id}",
            external_sealed=b"s", consent="given", created_at=work.now,
        )  # fmt: skip
        work.insert(
            "account_residents", id=new_id(), account_id=account_id, resident_id=self.resident_id,
            relation="guardian" if number else "self", since=work.now,
        )  # fmt: skip

    def _punch_in(self, work: Work, person: Resident, day: date) -> None:
        made = PunchIn(new_id(), day, 1, "P", 365, (), False, True)
        person.punch_ins[day] = made
        person.last_punch_in = max(day, person.last_punch_in or day)
        work.insert(
            "punch_ins", id=made.id, resident_id=self.resident_id, day=day, receipt=f"P{made.id}",
            temperature_tenths=365, normal=True, reported_by=1, created_at=work.now,
        )  # fmt: skip
        work.update("residents", {"resident_id": self.resident_id}, last_punch_in=person.last_punch_in)


class Stores:
    """A database with what works on it; `world` may be changed by a test."""

    def __init__(self, database: Database, world: World | None = None) -> None:
        self.database = database
        self.world = world or low_world()
        self.loader = Loader(database)
        self.writer = Writer(database)
        self.rescorer = Rescorer(self.world, database, self.loader, self.writer)

    async def add(self, **who: Any) -> int:
        """Store a resident, see `Stored`."""
        return await Stored(**who).store(self.world, self.writer)

    async def colours(self, scheme: str = "hubei") -> dict[int, str]:
        """The stored colour of everybody who holds that code."""
        rows = await self.database.fetch(
            "SELECT resident_id, colour FROM health_codes WHERE scheme = ?", [scheme]
        )
        return {row[0]: row[1] for row in rows}

    async def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.database.fetch(sql, params)]
