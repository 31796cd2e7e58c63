"""The hourly look at guardianships: what runs out, who comes of age, and the register that was away."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from bot.metrics import Metrics
from bot.notices.reachability import Reachability
from bot.services.real_name import Verdict
from bot.services.rescorer import Rescorer
from bot.store.database import Database
from scheduler.bindings import JOB, next_binding, settle_bindings
from scheduler.job import JobTools, Run
from tests.services.families import Families, number


class FakeRun:
    """One slot; it counts and is never stopped."""

    def __init__(self, slot: datetime) -> None:
        self.job, self.slot, self.since = JOB.id, slot, slot
        self.counted: dict[str, int] = {}
        self.stopping = False

    def count(self, **counts: int) -> None:
        for name, more in counts.items():
            self.counted[name] = self.counted.get(name, 0) + more


class Hour(Families):
    """Families, and the job's run at the time of their clock."""

    def tools(self) -> JobTools:
        known: dict[str, Any] = {
            "database": self.database, "clock": self.clock, "world": self.world, "metrics": Metrics(),
            "rescorer": Rescorer(self.world, self.database, self.loader, self.writer),
            "reachability": Reachability(self.database, self.clock, {}),
            "wake": lambda: None, "home": Path(), "writer": self.writer, "loader": self.loader,
        }  # fmt: skip
        wanted = JobTools.__dataclass_fields__
        return JobTools(**{name: known[name] for name in wanted if name in known})

    async def run(self) -> dict[str, int]:
        run = FakeRun(self.clock.now())
        await settle_bindings(self.tools(), cast(Run, run))
        return run.counted

    async def next(self) -> datetime | None:
        return await next_binding(self.tools(), self.clock.now())


@pytest.fixture
async def they(database: Database) -> Hour:
    return Hour(database)


async def test_nothing_to_do_is_due_at_no_time(they: Hour) -> None:
    await they.person(1)
    assert await they.next() is None
    assert await they.run() == {}


async def test_unanswered_question_runs_out_once_when_it_is_due(they: Hour) -> None:
    guardian, member = await they.person(1), await they.person(2)
    await they.ask(guardian, they.numbers[member])
    due = await they.next()
    assert due is not None
    assert (due - they.clock.now()).days == 7
    assert await they.run() == {}
    they.wait(days=7)
    assert await they.run() == {"withdrawn": 1}
    assert await they.run() == {}
    assert await they.told(guardian) == [("binding_changed", "expired")]


async def test_child_is_settled_when_the_register_is_back(they: Hour) -> None:
    guardian = await they.person(1)
    they.away()
    await they.ask(guardian, number(2, "20120305"))
    due = await they.next()
    assert due is not None
    assert (due - they.clock.now()).seconds == 3600
    assert await they.run() == {"still_away": 1}
    they.register.verdict = Verdict.MATCH
    assert await they.run() == {"confirmed": 1}
    assert await they.speaks(guardian, (await they.bonds())[0][0])


async def test_one_that_fails_stops_no_other(they: Hour) -> None:
    guardian = await they.person(1)
    for order in (2, 3):
        await they.ask(guardian, number(order))
    await they.database.execute(
        "UPDATE residents SET name_sealed = ? WHERE resident_id = ?", [b"broken", (await they.bonds())[0][0]]
    )
    they.wait(days=7)
    assert sum((await they.run()).values()) == 2


async def test_data_of_whoever_was_never_confirmed_go_after_a_month(they: Hour) -> None:
    guardian = await they.person(1)
    await they.ask(guardian, number(2))
    they.wait(days=7)
    await they.run()
    they.wait(days=30)
    assert await they.run() == {"forgotten": 1}
    assert await they.next() is None
