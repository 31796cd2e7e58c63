"""What the clock alone changes: holds that end, reports that stop being valid, and the warning before."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from apscheduler.triggers.cron import CronTrigger

from bot.notices.wall_clocks import zones_in_use
from bot.services import clock_changes
from bot.services.expiry import Warnings, endings, next_warning
from bot.services.rescorer import RescoreCounts
from bot.store.database import Session
from bot.store.work import Work
from bot.store.writer import grouped
from scheduler.job import Job, JobTools, Run

_AT_ONCE = 500  # residents whose codes are looked at between two notes of how far it has come
_SHARD = 50_000
_PAGE = 5_000
_PAGE_ENDS = (
    "SELECT MAX(p.resident_id) FROM (SELECT resident_id FROM residents WHERE resident_id > ? AND resident_id <= ?"
    " ORDER BY resident_id LIMIT ?) p"
)
_log = structlog.get_logger("jobs")


async def next_look(tools: JobTools, after: datetime) -> datetime | None:
    """When the clock changes a code next."""
    return await clock_changes.next_look(tools.database, now=tools.clock.now(), wire=tools.clock.wire())


async def look_again(tools: JobTools, run: Run) -> None:
    """Score everybody of whom a code is due; each leaves the list, so that cutting it off costs nothing."""
    while not run.stopping:
        ids = await clock_changes.due_for_a_look(
            tools.database, _AT_ONCE, slot=run.slot, now=tools.clock.now(), wire=tools.clock.wire()
        )
        if not ids:
            return
        counts = await tools.rescorer.rescore_many(ids, cause=clock_changes.CAUSE, now=run.slot)
        await _settle(tools, run, ids, counts)


async def _settle(tools: JobTools, run: Run, ids: list[int], counts: RescoreCounts) -> None:
    """Whoever was looked at is not due any more, however it went."""
    failed = set(counts.failures)

    async def settle(session: Session) -> int:
        looked_at = [each for each in ids if each not in failed]
        unmoved = await clock_changes.put_off(session, tools.database, looked_at, slot=run.slot)
        await clock_changes.hand_to_queue(
            session, tools.database, failed, slot=run.slot, wire=tools.clock.wire()
        )
        await run.keep(
            session,
            residents=counts.residents,
            changes=counts.changes,
            failed=len(failed),
            put_off=unmoved,
        )
        return unmoved

    unmoved = await tools.database.transaction(settle)
    if unmoved:
        _log.warning("nobody judges these codes", action="clock_put_off", codes=unmoved)


async def next_warning_at(tools: JobTools, after: datetime) -> datetime | None:
    """When somebody may have to be warned next."""
    return next_warning(tools.world, await zones_in_use(tools.database), after)


async def warn(tools: JobTools, run: Run) -> None:
    """Warn everybody of this part whose codes expire soon without a report."""
    found = endings(tools.world, await zones_in_use(tools.database), since=run.since, slot=run.slot)
    if not found:
        return
    warnings = Warnings(tools.world, tools.database, found, since=run.since, slot=run.slot)
    while not run.stopping:
        first = run.cursor_id
        rows = await tools.database.fetch(_PAGE_ENDS, [first, run.to_id, _PAGE])
        last = rows[0][0]
        if last is None:
            return
        work = Work(now=run.slot)
        warned = await warnings.record(work, first, last)

        async def write(session: Session, work: Work = work, last: int = last, warned: int = warned) -> None:
            await run.keep(session, last, warned=warned)
            await session.execute_many(grouped(work.writes))

        await tools.database.transaction(write)
        if warned:
            tools.wake()


JOBS = (
    Job("clock_colours", CronTrigger(minute="*", timezone="UTC"), look_again, grace=timedelta(days=7), due=next_look),
    Job(
        "code_expiring", CronTrigger(minute="*/15", timezone="UTC"), warn, grace=timedelta(days=3), shard=_SHARD,
        due=next_warning_at,
    ),
)  # fmt: skip
