"""The rows of what is wanted are those of the schemes and policies."""

from __future__ import annotations

from dataclasses import replace

from bot.notices.due import Asked, Hours
from bot.services.daily_reports import due_reports, wanted
from bot.services.policy import Policies, Policy
from bot.store.database import Database
from tests.conversation.world import make_world


async def test_schemes_and_policies_become_the_rows_of_the_conditions(database: Database) -> None:
    world = make_world()
    world.policies = Policies(Policy(), {"33": replace(Policy(), reminder_at=420, second_reminder_at=None)})
    found = wanted(world)
    assert found.hours == (Hours("33", 420, None), Hours("", 480, 1080))
    assert {asked.scheme for asked in found.schemes} == {scheme.id for scheme in world.schemes}
    assert Asked("huangshi", 3) in found.schemes
    assert due_reports(world, database).wanted == found
