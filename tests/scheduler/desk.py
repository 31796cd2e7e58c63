"""Schedulers of several processes over one database, with jobs that write down what they did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from apscheduler.triggers.cron import CronTrigger

from bot.clock import Clock
from bot.metrics import Metrics
from bot.notices.reachability import Reachability
from bot.services.rescorer import Rescorer
from bot.services.world import World
from bot.store.database import Database, Session, instant
from scheduler.heart import Scheduler
from scheduler.job import Job, JobTools, Run
from tests.fakes.clock import MORNING

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


@dataclass
class Diary:
    """What a job did: every slot with its `since`, and every id that it came by."""

    slots: list[datetime] = field(default_factory=list)
    since: list[datetime] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    by: list[int] = field(default_factory=list)
    fails: int = 0
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, tools: JobTools, run: Run) -> None:
        """The function of a job in one part."""
        if self.fails:
            self.fails -= 1
            raise RuntimeError("as asked")
        self.slots.append(run.slot)
        self.since.append(run.since)
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        run.count(written=1)

    async def walk(self, tools: JobTools, run: Run) -> None:
        """The function of a job in parts: one resident a transaction."""
        self.slots.append(run.slot)
        self.begun.set()
        sql = "SELECT resident_id FROM residents WHERE resident_id > ? AND resident_id <= ? ORDER BY resident_id LIMIT 1"
        while not run.stopping and (rows := await tools.database.fetch(sql, [run.cursor_id, run.to_id])):
            resident_id = rows[0][0]
            if self.gate is not None:
                await self.gate.wait()

            async def body(session: Session, resident_id: int = resident_id) -> None:
                await run.keep(session, resident_id, residents=1)

            await tools.database.transaction(body)
            self.ids.append(resident_id)


def job(run: Callable[[JobTools, Run], Awaitable[None]], name: str = "diary", **more: Any) -> Job:
    """A job of every quarter of an hour, unless something else is wanted."""
    values: dict[str, Any] = {
        "trigger": CronTrigger(minute="*/15", timezone="UTC"), "grace": 4 * QUARTER, **more
    }  # fmt: skip
    return Job(name, run=run, **values)


@dataclass
class Desk:
    """One process: its scheduler, and how often it was asked to score and send."""

    scheduler: Scheduler
    database: Database
    clock: Clock
    metrics: Metrics
    settled: list[datetime]

    async def runs(self) -> list[tuple[str, datetime, str]]:
        """Job, slot and state of every run, the row that a job begins with left out."""
        found = await self.database.fetch(
            "SELECT job, slot, state FROM job_runs WHERE counts <> ? ORDER BY slot, job", ['{"start":1}']
        )
        return [(row[0], instant(row[1]), row[2]) for row in found]

    def counted(self, name: str, outcome: str) -> float:
        counted: float = self.metrics.job_runs.labels(name, outcome)._value.get()
        return counted


def make_desk(database: Database, clock: Clock, jobs: Sequence[Job], *, owner: str = "one") -> Desk:
    """A process that isn't open yet."""
    metrics, settled = Metrics(), list[datetime]()
    tools = JobTools(
        database=database,
        clock=clock,
        world=cast(World, None),
        rescorer=cast(Rescorer, None),
        reachability=cast(Reachability, None),
        metrics=metrics,
        wake=lambda: None,
        home=Path(),
    )

    async def settle() -> None:
        settled.append(clock.now())

    return Desk(Scheduler(jobs, tools, owner=owner, settle=settle), database, clock, metrics, settled)


@asynccontextmanager
async def at_work(
    database: Database, clock: Clock, jobs: Sequence[Job], *, owner: str = "one"
) -> AsyncIterator[Desk]:
    """A process, opened, and closed at the end."""
    desk = make_desk(database, clock, jobs, owner=owner)
    await desk.scheduler.open()
    try:
        yield desk
    finally:
        await desk.scheduler.close()


async def add_residents(database: Database, ids: Sequence[int]) -> None:
    """Residents of whom nothing matters but their ids."""
    rows = [(each, MORNING) for each in ids]
    sql = "INSERT INTO residents (resident_id, identity, created_at) VALUES (?, 'claimed', ?)"
    await database.transaction(lambda session: session.execute_many([(sql, rows)]))
