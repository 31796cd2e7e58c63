"""One person on two platforms: asks on the older account, and takes the answer there."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.routing import PASS, Answer
from bot.conversation.understanding.wishes import wish
from bot.conversation.words import moment_words
from bot.message import Choice, Choices, Incoming, Reply
from bot.services.links import Asking, LinkRequest, ask, confirm, deny, expire, unanswered

WORD = "绑定"
_ASKS = re.compile(
    r"(?:我要|我想|请)?(?:绑定|合并)(?:(?:两边|以前|原来|两个)?的?(?:账号|帐号)?|成一个人)?|link(?: (?:the |my )?accounts?)?",
    re.IGNORECASE,
)
_PICKED = re.compile(r"link:([0-9]{1,19}):(yes|no)")
_ME = re.compile(
    r"(?:(?:是|是的|对|对的|没错|嗯)[,，、 ]*)?(?:就|正|确实)?是我(?:本人|自己)?(?:的|啊|呀)?"
    r"|(?:yes,? )?(?:it is|it's|that is|that's) me",
    re.IGNORECASE,
)
_NOT_ME = re.compile(
    r"(?:(?:不|不是|不对|没有)[,，、 ]*)?(?:这|那)?(?:并)?不是(?:我(?:本人|自己)?|本人)(?:的|啊|呀)?"
    r"|(?:no,? )?(?:(?:it is|it's|that is|that's) )?not me|(?:it|that) (?:isn't|is not|wasn't|was not) me",
    re.IGNORECASE,
)


def wants_link(message: Incoming, ctx: Context) -> bool:
    """ "绑定", "合并账号", "link accounts"."""
    return _ASKS.fullmatch(_said(ctx)) is not None


async def ask_link(message: Incoming, ctx: Context) -> Answer:
    """Ask the older account; without a match of today the words mean something else."""
    if ctx.resident is None:
        return PASS
    outcome = await ask(ctx.world, ctx.work, ctx.database, account=ctx.account, resident=ctx.resident)
    if outcome == Asking.NOT_OFFERED:
        return PASS
    _set_aside(ctx)
    return ctx.reply(f"link.{outcome.value}")


def answers_link(message: Incoming, ctx: Context) -> bool:
    """The message picks an answer, or says that it was, or wasn't, oneself."""
    return _PICKED.fullmatch(ctx.text) is not None or _in_words(ctx) is not None


async def answer_link(message: Incoming, ctx: Context) -> Answer:
    """Take the answer to what this person was asked; words without such a question mean something else."""
    requests = await unanswered(ctx.database, ctx.account.person_id, ctx.now)
    waiting = [each for each in requests if each.expires_at > ctx.now]
    picked = _PICKED.fullmatch(ctx.text)
    if picked is not None:
        request = next((each for each in requests if each.id == int(picked[1])), None)
        return await _take(ctx, request, yes=picked[2] == "yes")
    if len(waiting) > 1:
        _set_aside(ctx)
        return _which(ctx, waiting)
    if waiting:
        return await _take(ctx, waiting[0], yes=_in_words(ctx) is True)
    if requests and not ctx.talk.form:
        return await _take(ctx, requests[-1], yes=False)
    return PASS


def _in_words(ctx: Context) -> bool | None:
    said = _said(ctx)
    if _NOT_ME.fullmatch(said):
        return False
    return True if _ME.fullmatch(said) else None


def _said(ctx: Context) -> str:
    return wish(ctx.text).replace("’", "'")


def _set_aside(ctx: Context) -> None:
    """What a form was asking is asked again below."""
    if not ctx.talk.expired:
        ctx.aside = open_question(ctx)


async def _take(ctx: Context, request: LinkRequest | None, *, yes: bool) -> Reply:
    _set_aside(ctx)
    if request is None:
        return ctx.reply("link.gone")
    platform = ctx.say(f"notice.on_{request.channel}")
    if request.expires_at <= ctx.now:
        expire(ctx.work, request)
        return ctx.reply("link.expired", platform=platform)
    act = confirm if yes else deny
    answer = await act(ctx.world, ctx.work, ctx.database, holder=ctx.resident, request=request)
    return Reply.of(ctx.say(f"link.{answer.value}", platform=platform))


def _which(ctx: Context, requests: list[LinkRequest]) -> Reply:
    """Several have asked: each is answered by itself."""
    choices = tuple(
        Choice(
            ctx.say(
                f"link.choose_{name}",
                platform=ctx.say(f"notice.on_{each.channel}"),
                at=moment_words(ctx, each.asked_at),
            ),
            f"link:{each.id}:{name}",
        )
        for each in requests
        for name in ("yes", "no")
    )
    return Reply.of(Choices(choices, ctx.say("link.which")))
