"""My data: what is stored about me and why, who looked at it, a copy of it, and how to put it right."""

from __future__ import annotations

import re

from bot.clock import resident_day
from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.understanding.wishes import wish
from bot.conversation.words import day_words, moment_words
from bot.message import Choice, Choices, Incoming, Kind, Reply
from bot.services.access import View, views_of
from bot.services.consent import GIVEN
from bot.services.data_links import LASTS, MOST_FETCHES, make_link
from bot.services.my_data import Stored, overview, whose

OVERVIEW = "我的数据"
COPY, VIEWS, CORRECT, DELETE, WITHDRAW = (
    "导出我的数据",
    "谁看过我",
    "更正我的资料",
    "删除我的数据",
    "撤回同意",
)
RIGHTS = (
    (COPY, "my_data.copy"),
    (VIEWS, "my_data.views"),
    (CORRECT, "my_data.correct"),
    (DELETE, "my_data.delete"),
)
_SPOKEN = frozenset({Kind.TEXT, Kind.VOICE, Kind.MENU})
_OVERVIEW = re.compile(
    r"(?:请|我想|我要)?(?:查看?|看看?|显示)?(?:一下)?我的?(?:个人)?(?:数据|信息|资料)|(?:你们?)?(?:存|保存|记录|收集)了?我(?:的)?(?:什么|哪些)(?:数据|信息|资料)?"
    r"|(?:show )?(?:me )?my (?:personal )?(?:data|information)|what (?:data )?do you (?:store|keep|know)(?: about me)?",
    re.IGNORECASE,
)
_VIEWS = re.compile(
    r"(?:有)?(?:谁|哪些人|什么人)(?:能|可以)?(?:看|查|访问)(?:过|到|了)?我?的?(?:个人)?(?:数据|信息|资料|码)?\s*(?P<page>[1-9][0-9]{0,3})?"
    r"|who (?:has |have )?(?:looked at|seen|saw|viewed|read) (?:me|my data|my information)\s*(?P<number>[1-9][0-9]{0,3})?",
    re.IGNORECASE,
)
_COPY = re.compile(
    r"(?:请|我想|我要)?(?:导出|下载)(?:一份)?(?:我的?|全部|所有)?(?:个人)?(?:数据|信息|资料)|(?:export|download)(?: all)?(?: of)?(?: my)? data",
    re.IGNORECASE,
)
_CORRECT = re.compile(
    r"(?:请|我想|我要)?(?:更正|改正)(?:我的?)?(?:个人)?(?:数据|信息|资料)|(?:correct|fix) my (?:data|information)",
    re.IGNORECASE,
)


def said(ctx: Context) -> str:
    """The words without what stands around them; empty for what is longer than such a wish."""
    return wish(ctx.text, asked=True)


def has_rights(message: Incoming, ctx: Context) -> bool:
    """Whoever agreed, or did so once and left data here, may ask; others are asked for consent first."""
    return message.kind in _SPOKEN and (
        ctx.account.consent in (GIVEN, "withdrawn") or ctx.resident is not None
    )


def set_aside(ctx: Context) -> None:
    """What a form was asking is asked again below."""
    if ctx.account.consent == GIVEN and not ctx.talk.expired:
        ctx.aside = open_question(ctx)


# -- what is stored ------------------------------------------------------------------------------------------


def wants_overview(message: Incoming, ctx: Context) -> bool:
    """ "我的数据", "my data"."""
    return has_rights(message, ctx) and _OVERVIEW.fullmatch(said(ctx)) is not None


async def show_overview(message: Incoming, ctx: Context) -> Reply:
    """What is stored by kind, how much and since when, why and how long; and what can be done with it."""
    set_aside(ctx)
    stored = await overview(ctx.database, await whose(ctx.database, ctx.account.person_id))
    lines = [_stored_words(ctx, each) for each in stored]
    reply = Reply.of(ctx.say("my_data.stored"), *lines)
    return reply.then(*ctx.ask("my_data.what_now", *RIGHTS, (WITHDRAW, "my_data.withdraw")).parts)


def _stored_words(ctx: Context, stored: Stored) -> str:
    retention = ctx.world.retention
    reason = {} if retention is None else retention[stored.table].reason
    since = "" if stored.since is None else day_words(ctx, resident_day(stored.since, ctx.zone))
    return ctx.say(
        "my_data.line",
        what=ctx.say(f"my_data.group_{stored.group}"),
        count=stored.count,
        since=since,
        why=reason.get(ctx.language) or reason.get("zh", ""),
    )


# -- who looked ----------------------------------------------------------------------------------------------


def wants_views(message: Incoming, ctx: Context) -> bool:
    """ "谁看过我", "who has seen my data"."""
    return has_rights(message, ctx) and _VIEWS.fullmatch(said(ctx)) is not None


async def show_views(message: Incoming, ctx: Context) -> Reply:
    """Who looked, when and why, the newest first, ten at a time."""
    set_aside(ctx)
    if ctx.resident is None:
        return ctx.reply("help.nobody_looked")
    found = _VIEWS.fullmatch(said(ctx))
    page = int((found["page"] or found["number"] or "1") if found else "1")
    views = await views_of(ctx.database, ctx.resident.resident_id, page=page)
    if not views.views:
        return ctx.reply("help.nobody_looked" if page == 1 else "my_data.no_older_views")
    reply = ctx.reply("help.who_looked", views=[view_words(ctx, each) for each in views.views])
    if not views.more:
        return reply
    return reply.then(Choices((Choice(ctx.say("my_data.older_views"), f"{VIEWS} {page + 1}"),)))


def view_words(ctx: Context, view: View) -> str:
    """One look in words: when, who, in which role, what and why."""
    did, why = f"help.action_{view.action}", f"my_data.why_{view.why}"
    return ctx.say(
        "help.view",
        at=moment_words(ctx, view.at),
        who=ctx.say(f"help.actor_{view.actor}"),
        role=view.role,
        did=ctx.say(did) if ctx.texts.has(did) else view.action,
        why=ctx.say(why) if ctx.texts.has(why) else view.why,
    )


# -- a copy --------------------------------------------------------------------------------------------------


def wants_copy(message: Incoming, ctx: Context) -> bool:
    """ "导出我的数据", "download my data"."""
    return has_rights(message, ctx) and _COPY.fullmatch(said(ctx)) is not None


async def give_copy(message: Incoming, ctx: Context) -> Reply:
    """A link under which the copy can be fetched, for a quarter of an hour."""
    set_aside(ctx)
    if ctx.resident is None:
        return ctx.reply("my_data.nothing_to_copy")
    if not ctx.world.public_url:
        return ctx.reply("my_data.no_links")
    token = await make_link(
        ctx.work,
        ctx.database,
        resident_id=ctx.resident.resident_id,
        person_id=ctx.account.person_id,
        language=ctx.language,
        wire=ctx.world.wire(),
    )
    if token is None:
        return ctx.reply("my_data.too_many_links")
    return ctx.reply(
        "my_data.link",
        url=f"{ctx.world.public_url}/my-data/{token}",
        minutes=int(LASTS.total_seconds() // 60),
        times=MOST_FETCHES,
    )


# -- putting it right ----------------------------------------------------------------------------------------


def wants_correction(message: Incoming, ctx: Context) -> bool:
    """ "更正我的资料", "correct my data"."""
    return has_rights(message, ctx) and _CORRECT.fullmatch(said(ctx)) is not None


async def offer_correction(message: Incoming, ctx: Context) -> Reply:
    """Where each kind of mistake is put right."""
    set_aside(ctx)
    if ctx.account.consent != GIVEN:
        return ctx.ask("my_data.agree_to_correct", ("同意", "welcome.agree"), (DELETE, "my_data.delete"))
    if ctx.resident is None:
        return ctx.ask("welcome.first_declare", ("申报", "welcome.declare"))
    return ctx.ask(
        "my_data.how_to_correct",
        ("修改地址", "my_data.change_address"),
        ("修改电话", "my_data.change_phone"),
        ("申报", "my_data.declare_again"),
        ("打卡", "my_data.amend_report"),
        ("为什么", "my_data.see_facts"),
    )
