"""Reminds everybody of the daily report, once a day at their hour, and gently once more where a community wants it."""

from __future__ import annotations

from datetime import datetime

import structlog
from apscheduler.triggers.cron import CronTrigger

from bot.notices.reminders import FIRST, Batch, Reminders, Slot
from bot.notices.wall_clocks import CATCH_UP
from bot.services.daily_reports import due_reports
from bot.store.database import Session
from bot.store.refused_rows import REFUSED_ROW
from scheduler.job import Job, JobTools, Run

_log = structlog.get_logger("jobs")


async def remind(tools: JobTools, run: Run) -> None:
    """Write the reminders of the minutes that passed since the slot before."""
    reminders = make_reminders(tools)
    # whoever should have heard of it longer ago hears of it no more, however long this didn't run
    slot = await reminders.slot(run.slot, max(run.since, run.slot - CATCH_UP))
    written = 0
    try:
        async for batch in reminders.batches(slot, run.cursor_id, run.to_id):
            if run.stopping:
                return
            written += await _write(tools, run, reminders, slot, batch)
    finally:
        if written:
            tools.wake()


async def next_reminder(tools: JobTools, after: datetime) -> datetime | None:
    """When a minute passes at which somebody may be to be reminded."""
    return await make_reminders(tools).next_at(after)


def make_reminders(tools: JobTools) -> Reminders:
    """As the schemes and policies want them now."""
    due = due_reports(tools.world, tools.database)
    return Reminders(tools.database, tools.world.keys, due, tools.clock)


async def _write(tools: JobTools, run: Run, reminders: Reminders, slot: Slot, batch: Batch) -> int:
    """One batch with how far that is; where a row is bad, without that resident."""

    async def body(session: Session) -> int:
        counts = {number: await reminders.write(session, slot, batch, number) for number in slot.numbers}
        await run.keep(
            session, batch.up_to, reminders=counts.get(FIRST, 0), second=sum(counts.values()) - counts.get(FIRST, 0)
        )  # fmt: skip
        return sum(counts.values())

    try:
        return await tools.database.transaction(body)
    except REFUSED_ROW as error:
        halves = await reminders.halves(batch)
        if not halves:
            _log.error(
                "reminder not written", action="reminder_fail", resident_id=(batch.listed or (batch.up_to,))[0],
                error=type(error).__name__,
            )  # fmt: skip
            run.count(failed=1)
            return 0
    return sum([await _write(tools, run, reminders, slot, half) for half in halves])


# a quarter of an hour ends with the minute before it, so that none is left over when the day ends
JOB = Job(
    "reminders",
    CronTrigger(minute="0,14,15,29,30,44,45,59", timezone="UTC"),
    remind,
    grace=CATCH_UP,
    shard=50_000,
    due=next_reminder,
)
