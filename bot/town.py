"""A small town for development: people who declared and punched in during the last two weeks.

It is made by conversation, through the same engine as everything else, with messages of earlier days.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from aiohttp import web

from bot.channels.simulator import CHANNEL
from bot.clock import resident_day
from bot.conversation.engine import Engine
from bot.conversation.understanding.places import DEFAULT_PATH
from bot.message import Incoming, Kind
from bot.services.fact_door import FactDoor, NewFact, load_divisions
from bot.services.risk import load_risk, publish_levels
from bot.store import indexes
from handlers.http.keys import CLOCK, DATABASE, ENGINE, RESCORER, TOOLS

DAYS = 13
_PHONES = "telecom"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_PROVINCES = (
    *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41"),
    *("42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65"),
)


@dataclass(frozen=True, slots=True)
class Townsperson:
    """One made-up resident: what they declare, what they report on which day before today, and in which division
    the phone company saw them on which day before today."""

    name: str
    born: str
    division: str
    home: str
    codes: str
    stays: str = "没有"
    journeys: str = "没有"
    reports: Mapping[int, str] = field(default_factory=dict)
    missed: frozenset[int] = frozenset()
    seen: Mapping[int, str] = field(default_factory=dict)

    def report(self, days_ago: int) -> str | None:
        """What was typed that day; None if nothing was."""
        if days_ago in self.missed:
            return None
        return self.reports.get(days_ago, f"36.{4 + days_ago % 3} 没有不舒服")


def certificate(division: str, born: str, order: int) -> str:
    """A certificate number of the right form, with its check character (GB 11643)."""
    body = f"{division}{born}{order:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + _CHECK[total % 11]


def townspeople(today: date) -> tuple[Townsperson, ...]:
    """The people of the town, with days that fit today."""
    left = today - timedelta(days=18)
    back = today - timedelta(days=16)
    trip = f"{left.month}月{left.day}日到{back.month}月{back.day}日在温州"
    return (
        Townsperson(
            "李小梅",
            "19900307",
            "420106",
            "武汉市武昌区",
            "湖北健康码 武汉健康码 国康码 社区电子通行证 粤康码 穗康码",
        ),
        Townsperson(
            "王建国", "19780912", "330106", "杭州市西湖区", "杭州健康码 国康码 社区电子通行证", stays=trip
        ),
        Townsperson(
            "陈静", "19850621", "440106", "广州市天河区", "粤康码 穗康码", reports={1: "37.8 咳嗽", 2: "37.5"}
        ),
        Townsperson(
            "赵大爷",
            "19481101",
            "420102",
            "武汉市江岸区",
            "湖北健康码 武汉健康码",
            missed=frozenset({1, 2, 3, 4}),
        ),
        Townsperson("周敏", "19870215", "360403", "九江市浔阳区", "杭州健康码 国康码", seen={1: "421127"}),
    )


async def seed_town(app: web.Application) -> AsyncIterator[None]:
    """Fill an empty development database; one with people in it stays as it is."""
    if not (await app[DATABASE].fetch("SELECT 1 FROM accounts LIMIT 1")):
        await _fill(app)
    yield


async def _fill(app: web.Application) -> None:
    now = app[CLOCK].now()
    await publish_town_levels(app)
    people = townspeople(resident_day(now))
    for order, person in enumerate(people, start=1):
        await _say_all(app[ENGINE], person, declaration(person, order), now - timedelta(days=DAYS, hours=1))
    for days_ago in range(DAYS, 0, -1):
        for person in people:
            report = person.report(days_ago)
            if report is not None:
                await _say_all(app[ENGINE], person, iter((report,)), now - timedelta(days=days_ago))
    for person in people:
        for days_ago, division in person.seen.items():
            day = resident_day(now) - timedelta(days=days_ago)
            await see_phone(app, (CHANNEL, person.name), division, day, now=now - timedelta(hours=1))


async def see_phone(
    app: web.Application, account: tuple[str, str], division: str, day: date, *, now: datetime
) -> None:
    """The phone company reports that the phone of an account's resident was in that division on that day."""
    resident_id = await resident_of(app, account)
    fact = NewFact(resident_id, "stay", day, _PHONES, f"roaming:{day}:{division}", end=day, division=division)
    await door_of(app).take(fact, now=now)


async def take_back(
    app: web.Application, account: tuple[str, str], division: str, day: date, *, now: datetime
) -> None:
    """The phone company corrects what it reported."""
    resident_id = await resident_of(app, account)
    await door_of(app).withdraw(resident_id, _PHONES, f"roaming:{day}:{division}", "wrong_tower", now=now)


async def resident_of(app: web.Application, account: tuple[str, str]) -> int:
    """Who that is: `account` is the channel and the id there."""
    database = app[DATABASE]
    channel, user = account
    indexed = indexes.account(channel, user)
    rows = await database.fetch(
        "SELECT r.resident_id FROM accounts a JOIN account_residents r ON r.account_id = a.id"  # noqa: S608 - our own names
        f" WHERE a.channel = ? AND r.relation = 'self' AND {database.among('a.external_index', 'text')}",
        [channel, database.listed(app[TOOLS].world.keys.indexes(indexed.kind, indexed.value))],
    )
    return int(rows[0][0])


def door_of(app: web.Application) -> FactDoor:
    """The door for facts of this application."""
    return FactDoor(app[TOOLS].world, app[DATABASE], app[RESCORER], load_divisions(DEFAULT_PATH))


async def publish_town_levels(app: web.Application) -> None:
    """Made-up risk levels: low everywhere, high in Wenzhou and in Huanggang. Unknown would be grey for whoever
    travelled."""
    known_at = app[CLOCK].now() - timedelta(days=60)
    levels = dict.fromkeys(_PROVINCES, "low") | {"3303": "high", "4211": "high"}
    await publish_levels(
        app[DATABASE], levels, first=resident_day(known_at), source="town", known_at=known_at
    )
    app[TOOLS].world.risk = await load_risk(app[DATABASE])


def declaration(person: Townsperson, order: int) -> Iterator[str]:
    """What somebody types from the first contact to the submitted declaration."""
    yield from ("你好", "同意", "申报", person.name, "居民身份证")
    yield certificate(person.division, person.born, order)
    yield f"1390000{order:04d}"
    yield from (person.home, f"和平路{order}号3栋2单元501", person.stays)
    if person.stays != "没有":
        yield "没有了"
    yield from (person.journeys, "没有", "没有", "没有", "没有", person.codes, "提交")


async def _say_all(engine: Engine, person: Townsperson, texts: Iterator[str], at: datetime) -> None:
    for number, text in enumerate(texts):
        moment = at + timedelta(seconds=number)
        await engine.receive(
            Incoming(
                channel=CHANNEL,
                account=person.name,
                key=f"town:{person.name}:{moment.isoformat()}",
                kind=Kind.TEXT,
                received_at=moment,
                text=text,
            )
        )
