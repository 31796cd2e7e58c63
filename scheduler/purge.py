"""Every night: delete what is past its time, then read the live store and say what should have gone and hasn't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from apscheduler.triggers.cron import CronTrigger

from bot.services.purge import Moment, Purge
from bot.services.purge_check import OVERDUE, Finding, PurgeCheck
from bot.services.retention import Kept, Retention, load_retention
from bot.store.database import Session
from scheduler.job import Job, JobTools, Run

FINDINGS = "findings"  # among the counts, and `findings_<table>` for each table that has some
_log = structlog.get_logger("purge")


async def purge(tools: JobTools, run: Run) -> None:
    """The tables in the order of the file, then the check in the same order: what is done is the cursor."""
    retention = tools.world.retention or load_retention(tools.home / "config" / "retention.yaml")
    moment = Moment(run.slot, tools.clock.wire())

    async def keep(session: Session, number: int, counts: Mapping[str, int]) -> None:
        await run.keep(session, number, **counts)

    work = Purge(tools.database, retention, moment, keep=keep, stopping=lambda: run.stopping)
    if run.cursor_id <= len(retention):
        await work.run(max(run.cursor_id, 0))
    check = PurgeCheck(tools.database, tools.world.keys, retention, moment, stopping=lambda: run.stopping)
    if not run.stopping:
        run.count(**_tell(tools, "schema", await check.schema()))
        await _check(tools, run, retention, work, check)


async def _check(tools: JobTools, run: Run, retention: Retention, work: Purge, check: PurgeCheck) -> None:
    """Table by table, from where it was left."""
    for number, kept in enumerate(retention, start=len(retention) + 1):
        if number < run.cursor_id:
            continue
        counts = _tell(tools, kept.table, await _look_at(kept, number, work, check))
        if run.stopping:
            return

        async def done(session: Session, after: int = number + 1, counts: Mapping[str, int] = counts) -> None:
            await run.keep(session, after, **counts)

        await tools.database.transaction(done)


async def _look_at(kept: Kept, number: int, work: Purge, check: PurgeCheck) -> list[Finding]:
    """What was let go of only after the purge had passed is deleted at once, and looked for again."""
    found = await check.table(kept)
    if all(one.what != OVERDUE for one in found):
        return found
    await work.table(kept, number)
    return [*(one for one in found if one.what != OVERDUE), *await check.overdue(kept)]


def _tell(tools: JobTools, table: str, found: Sequence[Finding]) -> dict[str, int]:
    """To the log and the metrics, by table and column and never a value; what the run is to count."""
    count = sum(one.count for one in found)
    tools.metrics.purge_findings.labels(table).set(count)
    for one in found:
        _log.warning(
            "something is where it shouldn't be",
            action="purge_check",
            table=one.table,
            column=one.column,
            what=one.what,
            count=one.count,
        )
    return {FINDINGS: count, f"{FINDINGS}_{table}": count} if count else {}


JOB = Job(
    id="purge",
    trigger=CronTrigger(hour=19, minute=20, timezone="UTC"),  # 03:20 in Shanghai
    run=purge,
    grace=timedelta(hours=6),
)
