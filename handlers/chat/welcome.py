"""The first contact: what is kept and who sees it, consent, and how to begin. Before consent no content is kept."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.understanding.understood import Intent
from bot.message import Incoming, Kind, Reply
from bot.services.consent import GIVEN, agrees, note_consent, refuses
from handlers.chat.my_data import RIGHTS

_SHOWN = frozenset({"asked", "refused", "withdrawn"})
_ENGLISH = re.compile(r"^\s*(?:english|英文|英语|in english|说英文|换英文|切换英文)\s*$", re.IGNORECASE)
_CHINESE = re.compile(
    r"^\s*(?:chinese|中文|汉语|普通话|in chinese|说中文|换中文|切换中文)\s*$", re.IGNORECASE
)
_READ_AGAIN = "说明"
_CONSENT_CHOICES = (("同意", "welcome.agree"), ("不同意", "welcome.refuse"))


def without_consent(message: Incoming, ctx: Context) -> bool:
    """Whoever hasn't agreed is asked first, whatever they send; leaving needs no consent."""
    return message.kind != Kind.UNFOLLOW and ctx.account.consent != GIVEN


async def ask_consent(message: Incoming, ctx: Context) -> Reply:
    """Take a yes, a no or another language; show the consent text to whoever hasn't seen it."""
    _note_following(message, ctx)
    language = _wanted_language(ctx.text)
    if language is not None:
        _speak(ctx, language)
        return _show_consent(ctx)
    if ctx.account.consent not in _SHOWN or message.kind == Kind.FOLLOW:
        return _show_consent(ctx)
    intent = ctx.understood.intent if ctx.text else Intent.UNKNOWN
    if ctx.choice == "不同意" or refuses(ctx.text):
        return _refuse(ctx)
    if ctx.choice == "同意" or agrees(ctx.text):
        return _agree(ctx)
    if ctx.account.consent == "asked" and intent in (Intent.YES, Intent.NO):
        return _agree(ctx) if intent == Intent.YES else _refuse(ctx)
    if ctx.choice == _READ_AGAIN or intent in (Intent.HELP, Intent.PRIVACY, Intent.WHY):
        return _show_consent(ctx)
    if ctx.resident is not None:  # consent was taken back: what is here already can go, or be used again
        return ctx.ask("welcome.withdrawn", ("同意", "welcome.agree"), *RIGHTS)
    return ctx.ask("welcome.reminder", *_CONSENT_CHOICES, (_READ_AGAIN, "welcome.read_again"))


async def greet(message: Incoming, ctx: Context) -> Reply:
    """Somebody who agreed before follows again: where they left off is still there."""
    _note_following(message, ctx)
    return Reply.of(ctx.say("welcome.back")).then(*offer_beginning(ctx).parts)


async def meet(message: Incoming, ctx: Context) -> Reply:
    """The mini-program's chat was opened: one short message, as only two may be sent until something is said."""
    asked = None if ctx.talk.expired else open_question(ctx)
    begin = asked if asked is not None else offer_beginning(ctx)
    return Reply.of(ctx.say("welcome.back")).then(*begin.parts)


async def leave(message: Incoming, ctx: Context) -> None:
    """The channel is gone: nothing can be sent there, and what was being talked about is forgotten."""
    ctx.talk.clear()
    if ctx.account.following:
        ctx.account.following = False
        ctx.work.update("accounts", {"id": ctx.account.id}, following=False)


def offer_beginning(ctx: Context) -> Reply:
    """What to do first: declare, or for who has declared everything else."""
    if ctx.resident is None:
        return ctx.ask("welcome.first_declare", ("申报", "welcome.declare"), ("帮助", "welcome.help"))
    return ctx.ask(
        "welcome.ready",
        ("打卡", "welcome.punch_in"),
        ("我的码", "welcome.codes"),
        ("申报", "welcome.declare"),
        ("帮助", "welcome.help"),
    )


def _show_consent(ctx: Context) -> Reply:
    if ctx.account.consent == "none":
        note_consent(ctx.work, ctx.account, "asked")
    other = "English" if ctx.language == "zh" else "中文"
    return ctx.ask("welcome.consent", *_CONSENT_CHOICES, (other, "welcome.other_language"))


def _agree(ctx: Context) -> Reply:
    note_consent(ctx.work, ctx.account, GIVEN)
    return Reply.of(ctx.say("welcome.agreed")).then(*offer_beginning(ctx).parts)


def _refuse(ctx: Context) -> Reply:
    note_consent(ctx.work, ctx.account, "refused")
    ctx.talk.clear()
    return ctx.reply("welcome.refused")


def _note_following(message: Incoming, ctx: Context) -> None:
    if message.kind == Kind.FOLLOW and not ctx.account.following:
        ctx.account.following = True
        ctx.work.update("accounts", {"id": ctx.account.id}, following=True)


def _wanted_language(text: str) -> str | None:
    if _ENGLISH.match(text):
        return "en"
    return "zh" if _CHINESE.match(text) else None


def _speak(ctx: Context, language: str) -> None:
    if ctx.account.language != language:
        ctx.account.language = language
        ctx.work.update("accounts", {"id": ctx.account.id}, language=language)
