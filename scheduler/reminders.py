"""Reminds everybody of the daily report, once a day at their hour, and gently once more where a community wants it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import structlog
from apscheduler.triggers.cron import CronTrigger

from bot.notices.reminders import FIRST, Batch, Chosen, Reminders, Slot
from bot.notices.wall_clocks import CATCH_UP
from bot.services.daily_reports import due_reports
from bot.store.database import Session
from bot.store.refused_rows import REFUSED_ROW
from scheduler.job import Job, JobTools, Run

Choice = Awaitable[tuple[Chosen, ...]]

_log = structlog.get_logger("jobs")


async def remind(tools: JobTools, run: Run) -> None:
    """Write the reminders of the minutes that passed since the slot before."""
    reminders = make_reminders(tools)
    # whoever should have heard of it longer ago hears of it no more, however long this didn't run
    slot = await reminders.slot(run.slot, max(run.since, run.slot - CATCH_UP))
    part = _Part(tools, run, reminders, slot)
    try:
        async with aclosing(part.batches()) as batches:
            async for batch, chosen in batches:
                if run.stopping:
                    return
                await part.write(batch, chosen)
    finally:
        if part.written:
            tools.wake()


async def next_reminder(tools: JobTools, after: datetime) -> datetime | None:
    """When a minute passes at which somebody may be to be reminded."""
    return await make_reminders(tools).next_at(after)


def make_reminders(tools: JobTools) -> Reminders:
    """As the schemes and policies want them now."""
    due = due_reports(tools.world, tools.database)
    return Reminders(tools.database, tools.world.keys, due, tools.clock)


@dataclass(slots=True)
class _Part:
    """The residents of one run or shard, batch by batch."""

    tools: JobTools
    run: Run
    reminders: Reminders
    slot: Slot
    written: int = 0

    async def batches(self) -> AsyncGenerator[tuple[Batch, Choice], None]:
        """Each batch with who is chosen of it; while one is written, the next one is being chosen."""
        begun: deque[tuple[Batch, asyncio.Task[tuple[Chosen, ...]]]] = deque()
        try:
            async for batch in self.reminders.batches(self.slot, self.run.cursor_id, self.run.to_id):
                begun.append((batch, asyncio.create_task(self.reminders.choose(self.slot, batch))))
                if len(begun) > 1:
                    yield begun[0]
                    begun.popleft()
            while begun:
                yield begun[0]
                begun.popleft()
        finally:
            for _, task in begun:
                task.cancel()
            await asyncio.gather(*(task for _, task in begun), return_exceptions=True)

    async def write(self, batch: Batch, choice: Choice) -> None:
        """Write one batch with how far that is; where a row is bad, without that resident."""

        async def body(session: Session) -> int:
            counts = {each.number: await self.reminders.write(session, self.slot, each) for each in chosen}
            first, written = counts.get(FIRST, 0), sum(counts.values())
            await self.run.keep(session, batch.up_to, reminders=first, second=written - first)
            return written

        try:
            chosen = await choice
            self.written += await self.tools.database.transaction(body)
        except REFUSED_ROW as error:
            halves = await self.reminders.halves(batch)
            if not halves:
                _log.error(
                    "reminder not written", action="reminder_fail", resident_id=(batch.listed or (batch.up_to,))[0],
                    error=type(error).__name__,
                )  # fmt: skip
                self.run.count(failed=1)
            for half in halves:
                await self.write(half, self.reminders.choose(self.slot, half))


# a quarter of an hour ends with the minute before it, so that none is left over when the day ends
JOB = Job(
    "reminders",
    CronTrigger(minute="0,14,15,29,30,44,45,59", timezone="UTC"),
    remind,
    grace=CATCH_UP,
    shard=50_000,
    due=next_reminder,
)
