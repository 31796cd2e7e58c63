"""One report, whoever brings it in: what it looks like beside the days before, the save, and who has to hear of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import resident_day
from bot.services.follow_ups import note_abnormal
from bot.services.honesty import Hint, look, note_hint
from bot.services.punch_ins import Report, Saved, save
from bot.services.world import World
from bot.store.database import Database
from bot.store.snapshot import Resident
from bot.store.work import Work


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports, and how: the account, its channel, and for how many people it says the same at once.

    `hears_hints` is false where nothing but figures is answered, so that no hint counts as said.
    """

    account_id: int
    channel: str
    household: int = 1
    hears_hints: bool = True


async def take_report(
    world: World,
    work: Work,
    database: Database,
    resident: Resident,
    *,
    report: Report,
    by: Reporter,
    corrects: bool = False,
) -> tuple[Saved, Hint | None]:
    """Save the report for the resident's day, with what is worth a friendly word to who reports it."""
    day = resident_day(work.now, resident.zone)
    hint = None
    if by.hears_hints:
        policy = world.policies.of(resident.division)
        hint = look(policy, resident, day, report, household=by.household)
    saved = save(
        world, work, resident, report, origin=by.channel, reported_by=by.account_id, corrects=corrects
    )
    if not saved.report.normal:
        await note_abnormal(world, work, database, resident, saved=saved)
    if hint is not None:
        note_hint(work, resident, day)
    return saved, hint
