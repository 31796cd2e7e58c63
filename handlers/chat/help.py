"""What one can do here, what is kept about oneself and who looked at it, and what can't be done here yet."""

from __future__ import annotations

from collections.abc import Mapping

from bot.conversation.context import Context
from bot.conversation.understanding.understood import Intent
from bot.message import Incoming, Reply
from bot.services.access import views_of
from handlers.chat.my_data import OVERVIEW, RIGHTS, view_words

MENU = (
    ("打卡", "help.punch_in"),
    ("我的码", "help.codes"),
    ("为什么", "help.why"),
    ("申报", "help.declare"),
    ("提醒", "help.reminders"),
    ("我的家人", "help.family"),
    ("隐私", "help.privacy"),
)
_LATER: Mapping[Intent, str] = {
    Intent.PASS: "help.no_pass",
    Intent.APPEAL: "help.no_appeal",
    Intent.APPEAL_STATUS: "help.no_appeal_status",
}
LATER = tuple(_LATER)


async def show_menu(message: Incoming, ctx: Context) -> Reply:
    """Everything that one can do, each as a choice."""
    other = ("English", "help.english") if ctx.language == "zh" else ("中文", "help.chinese")
    return ctx.ask("help.menu", *MENU, other)


async def refuse_kindly(message: Incoming, ctx: Context) -> Reply:
    """Say what can't be done here yet, and what to do today instead."""
    return ctx.reply(_LATER[ctx.understood.intent])


async def show_privacy(message: Incoming, ctx: Context) -> Reply:
    """What is kept, who sees it, who looked at one's data last, and what one can do about all that."""
    reply = ctx.reply("help.privacy_text")
    if ctx.resident is not None:
        latest = await views_of(ctx.database, ctx.resident.resident_id)
        views = [view_words(ctx, each) for each in latest.views]
        reply = reply.then(
            ctx.say("help.who_looked", views=views) if views else ctx.say("help.nobody_looked")
        )
    return reply.then(*ctx.ask("my_data.what_now", (OVERVIEW, "my_data.overview"), *RIGHTS).parts)


async def nothing_to_cancel(message: Incoming, ctx: Context) -> Reply:
    """There is no form under way, so nothing is lost."""
    return ctx.reply("help.nothing_to_cancel")
