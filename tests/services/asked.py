"""Somebody of Jiujiang whose phone was seen across the border of Hubei, in a database and in memory."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bot.services.fact_door import FactDoor, NewFact, load_divisions
from bot.services.facts import record
from bot.store.snapshot import Resident
from bot.store.work import Work
from tests.conversation.world import HOME
from tests.fakes.clock import MORNING
from tests.services.stored import TODAY, Stores, low_world

JIUJIANG, HUANGGANG = "360403", "421127"
YESTERDAY = TODAY - timedelta(days=1)
DECLARED = MORNING - timedelta(days=2)
DIVISIONS = load_divisions(HOME / "config" / "divisions" / "divisions.json")


def border_stores(database: object) -> Stores:
    """A database in a world in which Huanggang is of high risk and everything else of low."""
    return Stores(database, low_world(d36="low", d4211="high"))  # type: ignore[arg-type]


def door(stores: Stores) -> FactDoor:
    return FactDoor(stores.world, stores.database, stores.rescorer, DIVISIONS)


def seen(resident_id: int, day: date = YESTERDAY, **changes: object) -> NewFact:
    """The phone company's record of a day in Huanggang."""
    values: dict[str, object] = {
        "resident_id": resident_id, "kind": "stay", "start": day, "end": day, "division": HUANGGANG,
        "source": "telecom", "reference": "t-1", "details": {"minutes": 40},
    }  # fmt: skip
    return NewFact(**(values | changes))  # type: ignore[arg-type]


async def live_in_jiujiang(
    stores: Stores, *, until: date = YESTERDAY - timedelta(days=1), known: datetime = DECLARED, **who: object
) -> int:
    """A resident with the Hangzhou code who has declared to have been at home until that day."""
    resident_id = await stores.add(**({"schemes": ("hangzhou",), "division": JIUJIANG, "days_ago": 3} | who))

    def declare(work: Work, resident: Resident) -> None:
        start = until - timedelta(days=13)
        record(
            work, resident, kind="stay", start=start, end=until, division=JIUJIANG, source="declaration",
            reference="D-1",
        )  # fmt: skip

    await stores.rescorer.apply(resident_id, declare, cause="declared", now=known)
    return resident_id
