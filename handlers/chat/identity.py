"""Proving who one is: from claimed to verified, as often as a day allows, kindly when it doesn't match."""

from __future__ import annotations

import re

from bot.conversation.context import Context
from bot.conversation.forms import open_question
from bot.conversation.words import colour_words, scheme_words
from bot.core.model import Identity
from bot.message import Incoming, Reply
from bot.services.identities import TRIES_A_DAY, Outcome, verify
from bot.services.rescore import rescore
from handlers.chat.link import WORD as LINK

_VERIFY = re.compile(
    r"^\s*(?:请|我?[要想]|帮我|去|做|再|重新|现在|开始|进行)*"
    r"(?:实名(?:制)?(?:认证|验证|核验)?|(?:身份|实人)?(?:认证|验证|核验|核实)(?:一下)?(?:身份|实名)?|验证我?的?身份|核实我?的?身份"
    r"|verify(?: me| my identity| identity)?|(?:identity )?verification)\s*[。.!！]?\s*$",
    re.IGNORECASE,
)


def wants_verification(message: Incoming, ctx: Context) -> bool:
    """ "实名", "认证", "核实身份", "verify"."""
    return bool(ctx.text) and _VERIFY.match(ctx.text) is not None


async def verify_identity(message: Incoming, ctx: Context) -> Reply:
    """Ask the real-name service about what was declared, and show the codes as they are then."""
    return _with_open_question(ctx, await _verify(ctx))


async def _verify(ctx: Context) -> Reply:
    resident = ctx.resident
    if resident is None or resident.declared_at is None:
        if ctx.talk.form == "declare":
            return ctx.reply("identity.after_declaring")
        return ctx.ask("identity.declare_first", ("申报", "welcome.declare"))
    if resident.identity == Identity.VERIFIED:
        return ctx.reply("identity.already")
    outcome = await verify(ctx.world, ctx.work, ctx.database, resident)
    if outcome != Outcome.VERIFIED:
        return outcome_reply(ctx, outcome)
    rescore(ctx.world, ctx.work, resident, cause="identity_verified")
    return ctx.reply("identity.verified", tries=TRIES_A_DAY).then(code_lines(ctx))


def outcome_reply(ctx: Context, outcome: Outcome) -> Reply:
    """What became of a try; who holds the certificate on another account is offered to be one with it."""
    if outcome == Outcome.TAKEN:
        return ctx.ask(outcome_key(outcome), (LINK, "link.choose"))
    return ctx.reply(outcome_key(outcome), tries=TRIES_A_DAY)


def outcome_key(outcome: Outcome) -> str:
    """The text that says what became of a try."""
    return f"identity.{outcome.value}"


def code_lines(ctx: Context) -> str:
    """Every code that the resident holds, one a line, with its colour."""
    codes = ctx.resident.codes.values() if ctx.resident else ()
    return "\n".join(
        f"{scheme_words(ctx, code.scheme)}：{colour_words(ctx, code.colour, code.state)}" for code in codes
    )


def _with_open_question(ctx: Context, reply: Reply) -> Reply:
    """What was being asked is asked again below."""
    asked = open_question(ctx)
    return reply.then(*asked.parts) if asked is not None else reply
