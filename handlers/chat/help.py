"""What one can do here, what is kept about oneself and who looked at it, and what can't be done here yet."""

from __future__ import annotations

from collections.abc import Mapping

from bot.conversation.context import Context
from bot.conversation.understanding.understood import Intent
from bot.conversation.words import moment_words
from bot.message import Incoming, Reply
from bot.store.database import instant

MENU = (
    ("打卡", "help.punch_in"),
    ("我的码", "help.codes"),
    ("为什么", "help.why"),
    ("申报", "help.declare"),
    ("隐私", "help.privacy"),
)
_LATER: Mapping[Intent, str] = {
    Intent.PASS: "help.no_pass",
    Intent.APPEAL: "help.no_appeal",
    Intent.APPEAL_STATUS: "help.no_appeal_status",
    Intent.HOUSEHOLD: "help.no_household",
    Intent.REMINDERS: "help.no_reminders",
}
LATER = tuple(_LATER)
_LATEST_VIEWS = "SELECT at, actor_kind, role, action FROM access_log WHERE resident_id = ? ORDER BY at DESC, id DESC LIMIT 10"


async def show_menu(message: Incoming, ctx: Context) -> Reply:
    """Everything that one can do, each as a choice."""
    other = ("English", "help.english") if ctx.language == "zh" else ("中文", "help.chinese")
    return ctx.ask("help.menu", *MENU, other)


async def refuse_kindly(message: Incoming, ctx: Context) -> Reply:
    """Say what can't be done here yet, and what to do today instead."""
    return ctx.reply(_LATER[ctx.understood.intent])


async def show_privacy(message: Incoming, ctx: Context) -> Reply:
    """What is kept, who sees it, and who looked at one's data last."""
    reply = ctx.reply("help.privacy_text")
    if ctx.resident is None:
        return reply
    rows = await ctx.database.fetch(_LATEST_VIEWS, [ctx.resident.resident_id])
    if not rows:
        return reply.then(ctx.say("help.nobody_looked"))
    views = [
        _view(ctx, str(row[1]), str(row[2]), str(row[3]), moment_words(ctx, instant(row[0]))) for row in rows
    ]
    return reply.then(ctx.say("help.who_looked", views=views))


def _view(ctx: Context, actor: str, role: str, action: str, at: str) -> str:
    key = f"help.action_{action}"
    who = ctx.say(f"help.actor_{actor}")
    did = ctx.say(key) if ctx.texts.has(key) else action
    return ctx.say("help.view", at=at, who=who, role=role, did=did)


async def nothing_to_cancel(message: Incoming, ctx: Context) -> Reply:
    """There is no form under way, so nothing is lost."""
    return ctx.reply("help.nothing_to_cancel")
