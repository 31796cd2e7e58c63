"""Chinese or English, as the resident likes; kept with the account."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.forms import question
from bot.message import Incoming, Reply

_ENGLISH = re.compile(r"english|英文|英语", re.IGNORECASE)
_CHINESE = re.compile(r"chinese|中文|汉语|普通话|国语", re.IGNORECASE)


async def choose_language(message: Incoming, ctx: Context) -> Reply:
    """Switch to the language that is named and answer in it; if none or both are, ask in both."""
    wanted = _wanted(ctx.text)
    if wanted is None:
        return ctx.ask("language.which", ("中文", "language.chinese"), ("English", "language.english"))
    if ctx.account.language != wanted:
        ctx.account.language = wanted
        ctx.work.update("accounts", {"id": ctx.account.id}, language=wanted)
        _ask_again_in(ctx)
    return ctx.reply("language.now")


def _wanted(text: str) -> str | None:
    english, chinese = bool(_ENGLISH.search(text)), bool(_CHINESE.search(text))
    if english == chinese:
        return None
    return "en" if english else "zh"


def _ask_again_in(ctx: Context) -> None:
    """The question that waits below the answer is asked in the new language, too."""
    form = ctx.forms.get(ctx.talk.form)
    if ctx.aside is not None and form is not None:
        ctx.aside = question(form, ctx)
