"""Whether today's reminder comes, when, and if not why, in words: the same for chat and front end."""

from __future__ import annotations

from bot.conversation.context import Context
from bot.notices.due import Due, NotDue
from bot.services.daily_reports import due_reports


async def ask_due(ctx: Context) -> Due | NotDue:
    """What the one table of daily reports says about who writes."""
    return await due_reports(ctx.world, ctx.database).explain(ctx.account.person_id, ctx.now)


def due_words(ctx: Context, answer: Due | NotDue) -> str:
    """One line: when the reminder comes today, or the first reason why none does."""
    if isinstance(answer, NotDue):
        return reason_in_words(ctx, answer.reasons[0], at="")
    if not answer.notes:
        return ctx.say("reachable.due_now")
    return reason_in_words(ctx, answer.notes[-1], at=clock_words(answer.minute))


def reason_in_words(ctx: Context, reason: str, *, at: str) -> str:
    """A reason code of the table in words; `at` is the hour of the reminder where one is told."""
    return ctx.say(f"reachable.due_{reason}", at=at)


def clock_words(minute: int) -> str:
    """Minutes after midnight as a clock shows them: 480 is 08:00."""
    return f"{minute // 60:02}:{minute % 60:02}"
