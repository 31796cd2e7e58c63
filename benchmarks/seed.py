"""Residents for the benchmarks: verified, declared, six codes and thirteen days of punch-ins each.

Run as `python -m benchmarks.seed --database URL --residents N` with the same key settings as the server.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

from benchmarks.rig import account_name
from bot.app import make_keys, make_world
from bot.clock import Clock, resident_day
from bot.core.model import Identity, RiskEntry, RiskMap
from bot.services.facts import record
from bot.services.rescore import rescore
from bot.services.rescore_keeper import fingerprints
from bot.services.stamps import set_stamps
from bot.services.world import World
from bot.store import indexes
from bot.store.database import Database, Session
from bot.store.ids import new_id, receipt
from bot.store.migrate import migrate
from bot.store.snapshot import Code, PunchIn, Resident
from bot.store.work import Work
from bot.store.writer import grouped
from config.settings import read_settings

SCHEMES = ("hubei", "wuhan", "national", "community", "guangdong", "guangzhou")
CHANNEL = "wechat_official"
DAYS = 13
_BATCH = 500


def resident(world: World, work: Work, number: int, now: datetime) -> None:
    """One resident of Wuhan with six codes; every second one has declared a journey and a stay."""
    keys, resident_id = world.keys, new_id()
    today, since = resident_day(now), now - timedelta(days=DAYS + 1)
    person = Resident(
        resident_id=resident_id,
        identity=Identity.VERIFIED,
        certificate_kind="id_card",
        name_sealed=keys.seal("residents.name", f"居民{number}"),
        birth_sealed=keys.seal("residents.birth", "1990-03-07"),
        division="420102",
        zone="Asia/Shanghai",
        declared_at=since,
        last_punch_in=today - timedelta(days=1),
        input_version=0,
    )
    _rows(world, work, person, number)
    _punch_ins(work, person, now)
    if number % 2:
        _facts(work, person, now)
    for order, scheme in enumerate(SCHEMES):
        held = since + timedelta(microseconds=order)
        person.codes[scheme] = Code(new_id(), scheme, "grey", "undecided", since, "", "{}", None, None, held)
    rescore(world, work, person, cause="seed")


def _rows(world: World, work: Work, person: Resident, number: int) -> None:
    """The account, the resident and the link between them."""
    keys, account_id, since = world.keys, new_id(), person.declared_at
    external = account_name(number)
    indexed = indexes.account(CHANNEL, external)
    work.insert(
        "accounts",
        id=account_id,
        person_id=account_id,
        channel=CHANNEL,
        external_index=keys.index(indexed.kind, indexed.value),
        external_sealed=keys.seal("accounts.external", external),
        consent="given",
        consent_at=since,
        created_at=since,
    )
    work.insert(
        "residents",
        resident_id=person.resident_id,
        identity=person.identity.value,
        verified_by="real_name",
        verified_at=since,
        certificate_kind=person.certificate_kind,
        name_sealed=person.name_sealed,
        birth_sealed=person.birth_sealed,
        division=person.division,
        declared_at=since,
        last_punch_in=person.last_punch_in,
        created_at=since,
    )
    work.insert(
        "account_residents",
        id=new_id(),
        account_id=account_id,
        resident_id=person.resident_id,
        relation="self",
        since=since,
    )


def _punch_ins(work: Work, person: Resident, now: datetime) -> None:
    for back in range(DAYS, 0, -1):
        day = resident_day(now) - timedelta(days=back)
        number = receipt("P", day)
        punch_in = PunchIn(new_id(), day, 1, number, 365, (), False, True)
        person.punch_ins[day] = punch_in
        work.insert(
            "punch_ins",
            id=punch_in.id,
            resident_id=person.resident_id,
            day=day,
            receipt=number,
            temperature_tenths=365,
            normal=True,
            reported_by=person.resident_id,
            created_at=now - timedelta(days=back),
        )


def _facts(work: Work, person: Resident, now: datetime) -> None:
    day = resident_day(now) - timedelta(days=DAYS)
    record(
        work, person, kind="stay", start=day - timedelta(days=14), end=day, division="420102",
        source="declaration", reference="seed:stay",
    )  # fmt: skip
    record(
        work, person, kind="journey", start=day, division="440106", source="declaration",
        reference="seed:journey", details={"mode": "train", "number": "G1001"},
    )  # fmt: skip


def _works(world: World, count: int, now: datetime) -> Iterator[Work]:
    levels = Work(now=now)
    _risk_levels(levels, world, now)
    yield levels
    for first in range(1, count + 1, _BATCH):
        work = Work(now=now - timedelta(days=1))
        for number in range(first, min(first + _BATCH, count + 1)):
            resident(world, work, number, now)
        yield work


def _risk_levels(work: Work, world: World, now: datetime) -> None:
    """Low risk everywhere, so that what residents declared can be judged and nobody is isolated."""
    first = resident_day(now) - timedelta(days=60)
    entries = []
    for division in ("42", "44"):
        work.insert(
            "risk_levels", id=new_id(), division=division, from_day=first, level="low", source="benchmark",
            known_at=now - timedelta(days=60),
        )  # fmt: skip
        entries.append(RiskEntry(division, first, None, "low", now - timedelta(days=60)))
    world.risk = RiskMap(entries)


async def seed(url: str, count: int) -> None:
    """Fill a new database."""
    settings = read_settings()
    world = make_world(settings, make_keys(settings))
    await migrate(url)
    database = Database(url)
    await database.open()
    try:
        for work in _works(world, count, Clock().now()):

            async def write(session: Session, work: Work = work) -> None:
                await session.execute_many(grouped(work.writes))

            await database.transaction(write)
        # scored by the books of this checkout: a start has nobody to score anew
        await database.transaction(lambda session: set_stamps(session, fingerprints(world)))
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--residents", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(seed(arguments.database, arguments.residents))


if __name__ == "__main__":
    main()
