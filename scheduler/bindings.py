"""Guardianships that time ends, children whom the register didn't answer about, and data of whoever wasn't confirmed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.triggers.cron import CronTrigger

from bot.clock import resident_day
from bot.errors import NotLoaded
from bot.services.binding_answers import (
    KEPT_AFTER,
    Answered,
    ask_register_again,
    forget_unconfirmed,
    run_out,
)
from bot.services.bonds import Bond, bonds_that_end, bonds_that_wait
from bot.services.certificates import is_minor
from bot.services.residents import birth_date, tell_age
from bot.store.database import instant_or_none
from bot.store.loader import Loader
from bot.store.snapshot import Resident
from bot.store.work import Work
from bot.store.writer import Outcome, Writer
from scheduler.job import Job, JobTools, Run

_AT_ONCE = 200
_EVERY = timedelta(hours=1)
_log = structlog.get_logger("scheduler")

_ENDS = (
    "SELECT MIN(expires_at) FROM guardianships WHERE state IN ('asked', 'active') AND expires_at IS NOT NULL"
)
_WAITS = (
    "SELECT 1 FROM guardianships g JOIN residents r ON r.resident_id = g.resident_id"
    " WHERE g.state = 'asked' AND g.waits_for = 'worker' AND r.identity = 'claimed'"
    " AND r.birth_sealed IS NOT NULL LIMIT 1"
)
_FORGOTTEN = (
    "SELECT MIN(g.ended_at) FROM guardianships g JOIN residents r ON r.resident_id = g.resident_id"
    " WHERE g.state IN ('refused', 'expired', 'ended') AND r.identity = 'claimed' AND r.erased_at IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM account_residents l WHERE l.resident_id = r.resident_id)"
    " AND NOT EXISTS (SELECT 1 FROM health_codes c WHERE c.resident_id = r.resident_id)"
)

Act = Callable[[Work], Awaitable[Answered]]


async def settle_bindings(tools: JobTools, run: Run) -> None:
    """Ask the register again, then end what has run out, then empty what nobody confirmed. Safe to repeat: what
    was done isn't waiting any more."""
    writer, loader = Writer(tools.database), Loader(tools.database)
    writer.on_notices = tools.wake
    try:
        await _ask_register(tools, run, writer, loader)
        for bond in await bonds_that_end(tools.database, run.slot):
            if run.stopping:
                return
            await _settle(writer, run, _running_out(tools, bond))
        await _forget(tools, run, writer)
    finally:
        await writer.close()
        await loader.close()


async def next_binding(tools: JobTools, after: datetime) -> datetime | None:
    """The earliest instant at which something runs out; with a child that waits for the register, the next hour."""
    ends = instant_or_none((await tools.database.fetch(_ENDS))[0][0])
    ended = instant_or_none((await tools.database.fetch(_FORGOTTEN))[0][0])
    found = [ends, ended + KEPT_AFTER if ended is not None else None]
    if await tools.database.fetch(_WAITS):
        found.append(after + _EVERY)
    return min((at for at in found if at is not None), default=None)


async def _ask_register(tools: JobTools, run: Run, writer: Writer, loader: Loader) -> None:
    bonds = [each for each in await bonds_that_wait(tools.database) if each.member_identity == "claimed"]
    for start in range(0, len(bonds), _AT_ONCE):
        part = bonds[start : start + _AT_ONCE]
        members = await loader.residents({each.resident_id for each in part}, run.slot)
        by_id = {each.resident_id: each for each in members}
        for bond in part:
            member = by_id.get(bond.resident_id)
            if run.stopping:
                return
            if member is not None and _is_child(tools, member, run.slot):
                await _settle(writer, run, _asking(tools, bond, member))


def _is_child(tools: JobTools, member: Resident, at: datetime) -> bool:
    birth = birth_date(tools.world.keys, member)
    tell_age(tools.world.keys, member, at)
    return birth is not None and is_minor(birth, resident_day(at, member.zone))


def _asking(tools: JobTools, bond: Bond, member: Resident) -> Act:
    return lambda work: ask_register_again(tools.world, work, tools.database, bond=bond, member=member)


def _running_out(tools: JobTools, bond: Bond) -> Act:
    return lambda work: run_out(tools.world, work, tools.database, bond)


async def _settle(writer: Writer, run: Run, act: Act) -> None:
    """One guardianship; one that can't be settled is left for the next hour and stops no other."""
    work = Work(now=run.slot.astimezone(UTC))
    try:
        answered = await act(work)
        if answered in (Answered.GONE, Answered.STILL_AWAY):
            run.count(**{answered.value: 1})
            return
        outcome = await writer.commit(work)
    except NotLoaded:
        raise
    except Exception:  # noqa: BLE001 - one that fails must not stop the others; it stays for the next hour
        _log.exception("binding can't be settled", action="binding_settle_fail")
        run.count(failed=1)
        return
    run.count(**{answered.value if outcome == Outcome.COMMITTED else "conflict": 1})


async def _forget(tools: JobTools, run: Run, writer: Writer) -> None:
    while not run.stopping:
        work = Work(now=run.slot.astimezone(UTC))
        found = await forget_unconfirmed(work, tools.database, at_once=_AT_ONCE)
        if not found or await writer.commit(work) != Outcome.COMMITTED:
            return
        run.count(forgotten=found)


JOB = Job(
    id="bindings",
    trigger=CronTrigger(minute=5, timezone=UTC),
    run=settle_bindings,
    grace=timedelta(days=1),
    due=next_binding,
)
