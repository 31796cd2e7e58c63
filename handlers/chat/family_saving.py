"""Saves a household's reports after they were read back: all of them, or none, in one transaction."""

from __future__ import annotations

from collections import Counter

from bot.conversation.context import Context
from bot.conversation.forms import Answers
from bot.conversation.words import day_words
from bot.message import Reply
from bot.services.reporting import Reporter, take_report
from handlers.chat.family_answers import follow, spoken_of
from handlers.chat.family_words import saved_line, still_open


async def save_family(ctx: Context, answers: Answers) -> Reply:
    """One report and one receipt for everybody who was named and read back, and for nobody else."""
    following = [(one, follow(ctx, answers, one)) for one in spoken_of(ctx, answers)]
    temperatures = Counter(each.report.temperature_tenths for _, each in following if each.report)
    lines, hints = [], []
    for one, each in following:
        if each.report is None:
            raise AssertionError("a report was confirmed that was not whole")
        by = Reporter(ctx.account.id, ctx.message.channel, temperatures[each.report.temperature_tenths])
        saved, hint = await take_report(
            ctx.world,
            ctx.work,
            ctx.database,
            one.resident,
            report=each.report,
            by=by,
            corrects=bool(each.heard.get("corrects")),
        )
        lines.append(saved_line(ctx, one, saved, each.heard))
        if hint is not None:
            hints.append(ctx.say(f"honesty.hint_{hint.kind}"))
    text = ctx.say("family.saved", day=day_words(ctx, ctx.today), lines=lines, count=len(lines))
    return Reply.of(text, *dict.fromkeys(hints)).then(*await still_open(ctx))
