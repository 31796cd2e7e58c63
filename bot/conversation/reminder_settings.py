"""When somebody wants to be reminded to report, and what follows from it; read alike by chat and front end."""

from __future__ import annotations

from dataclasses import dataclass

from bot.conversation.context import Context
from bot.notices.due import APART
from bot.notices.quiet_hours import QUIET_FROM, QUIET_UNTIL

ALL, WORKDAYS, NONE = "all", "workdays", "none"
_SETTINGS = (
    "SELECT reminder_minute, reminder_days, quiet_from, quiet_until FROM residents WHERE resident_id = ?"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A resident's choices: `minute` None is the community's."""

    minute: int | None
    days: str
    quiet: tuple[int, int]

    def quiet_at(self, minute: int) -> bool:
        """Whether that minute lies in the hours in which nobody is disturbed; only to say so."""
        first, last = self.quiet
        return first <= minute < last if first < last else first != last and not last <= minute < first


def reminder_hours(ctx: Context, settings: Settings) -> tuple[int, int | None]:
    """When the first and the second reminder come, as the community has it where nothing was chosen."""
    assert ctx.resident is not None
    policy = ctx.world.policies.of(ctx.resident.division)
    minute = policy.reminder_at if settings.minute is None else settings.minute
    second = policy.second_reminder_at
    return minute, second if second is not None and second >= minute + APART else None


async def read_settings(ctx: Context) -> Settings:
    """As they are stored for who writes."""
    assert ctx.resident is not None
    rows = await ctx.database.fetch(_SETTINGS, [ctx.resident.resident_id])
    minute, days, first, last = rows[0] if rows else (None, ALL, None, None)
    quiet = (QUIET_FROM if first is None else first, QUIET_UNTIL if last is None else last)
    return Settings(minute, days, quiet)
