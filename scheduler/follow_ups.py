"""Whom a community has to look after because a report is missing: found at its hour, and ended when that is over."""

from __future__ import annotations

from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from bot.notices.wall_clocks import WallClock, zones_in_use
from bot.services.daily_reports import due_reports
from bot.services.missed_reports import LOOKS_BACK, MISSED, MissedReports, hours_passed, next_hour
from bot.store.database import Session
from scheduler.job import Job, JobTools, Run

_SHARD = 50_000
_PAGE = 2_000  # residents in one transaction, so that messages are not kept waiting
_PAGE_ENDS = (
    "SELECT MAX(p.resident_id) FROM (SELECT resident_id FROM residents WHERE resident_id > ? AND resident_id <= ?"
    " ORDER BY resident_id LIMIT ?) p"
)
_ANY_OPEN = f"SELECT 1 FROM follow_ups WHERE state = 'open' AND reason IN {MISSED} LIMIT 1"  # noqa: S608 - our own text


async def next_hour_at(tools: JobTools, after: datetime) -> datetime | None:
    """When a community's hour comes next, in a zone that somebody lives in."""
    return next_hour(tools.world.policies, await zones_in_use(tools.database), after)


async def follow_up(tools: JobTools, run: Run) -> None:
    """Follow up everybody of this part whose report of the day before is missing at the hour of their community."""
    since = max(run.since, run.slot - LOOKS_BACK)
    zones = await zones_in_use(tools.database)
    days = hours_passed(tools.world.policies, zones, since=since, slot=run.slot)
    missed = _missed(tools)
    while days and not run.stopping:
        rows = await tools.database.fetch(_PAGE_ENDS, [run.cursor_id, run.to_id, _PAGE])
        if rows[0][0] is None:
            return
        await _follow_up_page(tools, run, missed, days, rows[0][0])


async def _follow_up_page(
    tools: JobTools, run: Run, missed: MissedReports, days: list[list[WallClock]], last: int
) -> None:
    first = run.cursor_id

    async def body(session: Session) -> None:
        count = 0
        for clocks in days:
            count += await missed.open(session, clocks, first, last, now=run.slot)
        await run.keep(session, last, followed_up=count)

    await tools.database.transaction(body)


async def any_open(tools: JobTools, after: datetime) -> datetime | None:
    """Whether there is anything that may be over."""
    return after if await tools.database.fetch(_ANY_OPEN) else None


async def end_what_is_over(tools: JobTools, run: Run) -> None:
    """End the follow-ups of this part whose report came, or of whom none is asked any more."""
    missed = _missed(tools)

    async def body(session: Session) -> None:
        ended = await missed.close(session, run.cursor_id, run.to_id, now=run.slot)
        await run.keep(session, ended=ended)

    await tools.database.transaction(body)


def _missed(tools: JobTools) -> MissedReports:
    due = due_reports(tools.world, tools.database)
    return MissedReports(tools.database.dialect, due, tools.world.policies)


JOBS = (
    Job(
        "follow_ups", CronTrigger(minute="*/15", timezone="UTC"), follow_up, grace=LOOKS_BACK, shard=_SHARD,
        due=next_hour_at,
    ),
    Job(
        "follow_ups_over", CronTrigger(minute=5, timezone="UTC"), end_what_is_over, grace=timedelta(hours=2),
        shard=_SHARD, due=any_open,
    ),
)  # fmt: skip
