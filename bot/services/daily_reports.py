"""What the schemes and communities of this installation want of daily reports, for the one table that decides."""

from __future__ import annotations

from bot.notices.due import Asked, DueReports, Hours, Wanted
from bot.services.world import World
from bot.store.database import Database


def due_reports(world: World, database: Database) -> DueReports:
    """The answers to who has a report to make, by the schemes and policies of `world`."""
    return DueReports(database, wanted(world))


def wanted(world: World) -> Wanted:
    """The rows that the conditions need."""
    schemes = tuple(
        Asked(scheme.id, scheme.punch_in.every_days, scheme.punch_in.held) for scheme in world.schemes
    )
    hours = tuple(
        Hours(prefix, policy.reminder_at, policy.second_reminder_at)
        for prefix, policy in world.policies.by_prefix()
    )
    return Wanted(schemes, hours)
