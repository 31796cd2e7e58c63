"""Carries out wishes to have everything deleted once their time is over, one person in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from apscheduler.triggers.cron import CronTrigger

from bot.errors import Conflict
from bot.services.deletion import Request, due_requests, held_by, put_off, remind
from bot.services.erasing import erase, forget_accounts, unforgotten
from bot.services.residents import tell_age
from bot.services.retention import Retention, load_retention
from bot.store.database import Session, instant_or_none
from bot.store.loader import Loader
from bot.store.snapshot import Resident
from bot.store.work import Work
from bot.store.writer import grouped
from scheduler.job import Job, JobTools, Run

_TRIES = 3
_log = structlog.get_logger("deletions")


async def delete_due(tools: JobTools, run: Run) -> None:
    """Everything that is due at the slot: erase, or put off what a hold still needs; then forget accounts."""
    retention = tools.world.retention or load_retention(tools.home / "config" / "retention.yaml")
    loader = Loader(tools.database)
    try:
        for request in await due_requests(tools.database, run.slot):
            if run.stopping:
                return
            try:
                await _settle(tools, run, loader, retention, request)
            except Exception as error:  # noqa: BLE001 - one person's failure never stops the others
                run.count(failed=1)
                _log.warning("deletion failed", action="deletion_fail", error=type(error).__name__)
    finally:
        await loader.close()
    for request in await unforgotten(tools.database, run.slot):
        await forget_accounts(tools.database, request)
        run.count(accounts_forgotten=1)
    tools.wake()


async def next_due(tools: JobTools, after: datetime) -> datetime | None:
    """When the next wish is due; at once while accounts wait to be forgotten."""
    rows = await tools.database.fetch(
        "SELECT (SELECT MIN(due_at) FROM deletion_requests WHERE state = 'asked'),"
        " (SELECT MIN(ended_at) FROM deletion_requests WHERE state = 'done' AND person_id <> 0)"
    )
    found = [instant_or_none(value) for value in rows[0]]
    return min((each for each in found if each is not None), default=None)


async def _settle(tools: JobTools, run: Run, loader: Loader, retention: Retention, request: Request) -> None:
    for _ in range(_TRIES):
        resident = await _resident(tools, loader, request, run.slot)
        if resident is not None:
            later = put_off(tools.world, resident, request, run.slot)
            if later is not None:
                await _postpone(tools, request, later, resident, run.slot)
                run.count(put_off=1)
                return
        try:
            await erase(tools.world, tools.database, retention, request=request, now=run.slot)
        except Conflict:
            continue
        run.count(erased=1)
        return
    run.count(conflicts=1)  # somebody is just using it, or took it back: the next hour looks again


async def _resident(tools: JobTools, loader: Loader, request: Request, now: datetime) -> Resident | None:
    if not request.resident_id:
        return None
    found = await loader.residents([request.resident_id], now)
    for resident in found:
        tell_age(tools.world.keys, resident, now)
    return found[0] if found else None


async def _postpone(
    tools: JobTools, request: Request, later: Request, resident: Resident, now: datetime
) -> None:
    """Another time; where the day is known, the person is reminded anew before it."""
    work = Work(now=now)
    held = held_by(tools.world, resident, now)
    if held is not None and held.until is not None:
        remind(tools.world, work, later, resident.zone)

    async def body(session: Session) -> None:
        moved = await session.execute(
            "UPDATE deletion_requests SET due_at = ? WHERE resident_id = ? AND id = ? AND state = 'asked' AND due_at = ?",
            [later.due_at, request.resident_id, request.id, request.due_at],
        )
        for sql, rows in grouped(work.writes) if moved else ():
            await session.execute_many([(sql, rows)])

    await tools.database.transaction(body)


JOB = Job(
    id="deletions",
    trigger=CronTrigger(minute=5, timezone="UTC"),
    run=delete_due,
    grace=timedelta(hours=6),
    due=next_due,
)
